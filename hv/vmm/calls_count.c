/** @file
 * Questions that count: exits and events.
 *
 * A guest cannot see its own exits, and a rule like "one violation, then only
 * misconfigurations" is about nothing else.  So a test asks before and after,
 * and compares.  The hypercall is an exit as well, but of a kind that no such
 * rule is about.
 *
 * With EPT and on shadow paging the same question has another counter behind
 * it; bed_read_faults() chooses, so that one test serves both modes.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/lib/trace.h"

/** The two lists are in two headers, as guests cannot include the core's. */
/* The guest's names for events are the trace ring's numbers. */
_Static_assert((int)EVENT_KVM_ENTRY == (int)TRACE_KVM_ENTRY, "trace.h");
_Static_assert((int)EVENT_KVM_EXIT == (int)TRACE_KVM_EXIT, "trace.h");
_Static_assert((int)EVENT_KVM_PAGE_FAULT == (int)TRACE_KVM_PAGE_FAULT,
	       "trace.h");
_Static_assert((int)EVENT_KVM_MMIO == (int)TRACE_KVM_MMIO, "trace.h");
_Static_assert((int)EVENT_KVM_EMULATE_INSN == (int)TRACE_KVM_EMULATE_INSN,
	       "trace.h");
_Static_assert((int)EVENT_KVM_INJ == (int)TRACE_KVM_INJ, "trace.h");
_Static_assert((int)EVENT_KVM_FAST_MMIO == (int)TRACE_KVM_FAST_MMIO, "trace.h");

/**
 * Where all counters stand. All at once, so that the counters of one question
 * belong to one moment. Reads are not counted by themselves but are what is
 * left of the exits.
 */
static void read_counters(const struct bed *bed, u64 to[COUNTER_COUNT])
{
	const struct vcpu_counters *count = &bed->vcpu->count;
	struct bed_faults faults;

	bed_read_faults(bed, &faults);
	const u64 value[COUNTER_COUNT] = {
		[COUNTER_VIOLATIONS] = faults.absent,
		[COUNTER_MISCONFIGS] = faults.marked,
		[COUNTER_EMULATIONS] = count->emulations,
		[COUNTER_SPURIOUS] = faults.spurious,
		[COUNTER_RETRIES] = count->retries,
		[COUNTER_SLOW_PATHS] = faults.slow_paths,
		[COUNTER_INVALIDATIONS] = faults.invalidations,
		[COUNTER_MMIO_EXITS] = count->mmio_exits,
		[COUNTER_MMIO_READS] = count->mmio_exits - count->mmio_writes,
		[COUNTER_MMIO_WRITES] = count->mmio_writes,
		[COUNTER_IO_EXITS] = count->io_exits,
		[COUNTER_HOOKS] = bed->hooks_run,
		[COUNTER_QUICK_RINGS] = count->rings,
	};

	memcpy(to, value, sizeof(value));
}

s64 calls_count_counter(struct bed *bed, const u64 *args)
{
	u64 value[COUNTER_COUNT];

	if (args[0] >= COUNTER_COUNT) {
		return -EINVAL;
	}
	read_counters(bed, value);
	return (s64)value[args[0]];
}

/**
 * A guest that asks for two of them by two calls has an exit in between; this
 * one gives all of them as of the same exit.
 */
s64 calls_count_counters(struct bed *bed, const u64 *args)
{
	u64 value[COUNTER_COUNT];
	void *to = bed_memory(bed, args[0], sizeof(value));

	if (!to) {
		return -EFAULT;
	}
	read_counters(bed, value);
	memcpy(to, value, sizeof(value));
	return 0;
}

/**
 * By basic exit reason (SDM 3D appendix C), the raw count. It depends on the
 * mode and the unit, so most tests ask for a counter by its meaning.
 */
s64 calls_count_exits(struct bed *bed, const u64 *args)
{
	if (args[0] > EXIT_REASON_MAX) {
		return -EINVAL;
	}
	return (s64)bed->vcpu->count.exits[args[0]];
}

/** -ENOENT also for exits that were counted but not logged any more. */
s64 calls_count_io_log(struct bed *bed, const u64 *args)
{
	void *to = bed_memory(bed, args[0], sizeof(struct hypercall_io));

	if (!to) {
		return -EFAULT;
	}
	if (args[1] >= bed->io_count || args[1] >= BED_IO_LOG) {
		return -ENOENT;
	}
	memcpy(to, &bed->io_log[args[1]], sizeof(struct hypercall_io));
	return 0;
}

s64 calls_count_io_log_clear(struct bed *bed, const u64 *args)
{
	u64 count = bed->io_count;

	(void)args;
	bed->io_count = 0;
	return (s64)count;
}

/** By age: 0 is the newest event of the CPU that this vCPU runs on. */
s64 calls_count_trace_read(struct bed *bed, const u64 *args)
{
	struct hypercall_trace trace;
	struct trace_record record;
	void *to = bed_memory(bed, args[0], sizeof(trace));

	if (!to) {
		return -EFAULT;
	}
	if (args[1] >= TRACE_RECORDS ||
	    !trace_get(bed->vcpu->cpu, (unsigned int)args[1], &record)) {
		return -ENOENT;
	}
	trace = (struct hypercall_trace){
		.event = trace_event_of(&record),
		.kind = trace_kind_of(&record),
		.arg = trace_arg_of(&record),
		.a = record.a,
		.b = record.b,
		.c = record.c,
	};
	memcpy(to, &trace, sizeof(trace));
	return 0;
}
