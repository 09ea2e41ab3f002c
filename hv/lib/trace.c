/** @file
 * The trace ring's text: records of all CPUs, merged by time, in the format
 * of `trace-cmd report`, so that what people know from KVM can be laid beside
 * it and read with the same scripts.
 *
 *	           vcpu0-0     [000]    12.345678: kvm_exit:     reason ...
 *	            task-pid   [CPU]    seconds    event         its words
 *
 * The task is the vCPU and its pid the CPU that it ran on.  Seconds are TSC
 * ticks at a nominal 1 GHz: nobody measures the TSC, since only the order of
 * events and the proportions of their distances are asked for.
 *
 * A ring for each CPU, written without a lock by that CPU alone (trace.h): an
 * event costs a few stores. `next` counts all events ever; a record's place is
 * that number modulo the ring's size, so the newest overwrite the oldest.
 * Numbers of records are counted back from the newest here: 0 is the last
 * event.
 */
#include "hv/lib/trace.h"

#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmcs_fields.h"
#include "hv/x86/trap.h"

#define TRACE_HZ 1000000000ull

/* Linux's names, so that they can be looked up in its sources. */

static const char *const names[TRACE_EVENT_COUNT] = {
	[TRACE_NONE] = "?",
	[TRACE_KVM_ENTRY] = "kvm_entry",
	[TRACE_KVM_EXIT] = "kvm_exit",
	[TRACE_KVM_PAGE_FAULT] = "kvm_page_fault",
	[TRACE_KVM_MMIO] = "kvm_mmio",
	[TRACE_KVM_EMULATE_INSN] = "kvm_emulate_insn",
	[TRACE_KVM_INJ] = "kvm_inj_exception",
	[TRACE_KVM_ENTRY_FAILED] = "kvm_entry_failed",
	[TRACE_KVM_FAST_MMIO] = "kvm_fast_mmio",
};

bool trace_on = true;
struct trace_ring trace_ring[TRACE_CPUS] __aligned(64);

/**
 * Two halves, as RDTSC gives them: to record an event must be cheap, to print
 * one need not be.
 */
static u64 time_of(const struct trace_record *r)
{
	return (u64)r->tsc_high << 32 | r->tsc_low;
}

/** As Linux has them since it tells reads that no device has answered yet from
 * those with a value. */
static const char *mmio_name(unsigned int kind)
{
	switch (kind) {
	case TRACE_MMIO_READ_UNSATISFIED:
		return "unsatisfied-read";
	case TRACE_MMIO_READ:
		return "read";
	default:
		return "write";
	}
}

/**
 * The bytes lie in b and c in the order of memory; 15 are the most that an
 * instruction can have, so none are lost. `kind` says that the emulator could
 * not do it.
 */
static void print_insn(const struct trace_record *r)
{
	u64 words[2] = {r->b, r->c};
	const u8 *bytes = (const u8 *)words;

	printf("0x%llx:", (unsigned long long)r->a);
	for (u32 i = 0; i < trace_arg_of(r) && i < sizeof(words); i++) {
		printf(" %02x", bytes[i]);
	}
	printf("%s\n", trace_kind_of(r) ? " (failed)" : "");
}

/** As Linux has it: the mnemonic and the error code, "#GP (0x0)". */
static void print_injection(const struct trace_record *r)
{
	const char *name = trap_name(trace_arg_of(r));

	printf("%.3s (0x%llx)\n", name ? name : "?", (unsigned long long)r->a);
}

/**
 * Each event's words, in Linux's order.  The second number of `info` is the
 * exit interruption information there, which is not recorded here.
 */
static void print_words(const struct trace_record *r)
{
	unsigned long long a = r->a, b = r->b, c = r->c;

	switch (trace_event_of(r)) {
	case TRACE_KVM_ENTRY:
		printf("vcpu %u, rip 0x%llx\n", trace_vcpu_of(r), a);
		break;
	case TRACE_KVM_EXIT:
		printf("reason %s rip 0x%llx info %llx 0\n",
		       exit_reasons_name(trace_arg_of(r)), a, b);
		break;
	case TRACE_KVM_PAGE_FAULT:
		printf("vcpu %u rip 0x%llx address 0x%016llx error_code "
		       "0x%llx\n",
		       trace_vcpu_of(r), a, b, c);
		break;
	case TRACE_KVM_MMIO:
		printf("mmio %s len %u gpa 0x%llx val 0x%llx\n",
		       mmio_name(trace_kind_of(r)), trace_arg_of(r), a, b);
		break;
	case TRACE_KVM_EMULATE_INSN:
		print_insn(r);
		break;
	case TRACE_KVM_INJ:
		print_injection(r);
		break;
	case TRACE_KVM_FAST_MMIO:
		printf("fast mmio at gpa 0x%llx\n", a);
		break;
	case TRACE_KVM_ENTRY_FAILED:
		printf("vcpu %u, %s 0x%llx: %s\n", trace_vcpu_of(r),
		       vmcs_fields_name(trace_arg_of(r)), a,
		       (const char *)(unsigned long)b);
		break;
	case TRACE_NONE:
	case TRACE_EVENT_COUNT:
		printf("?\n");
		break;
	}
}

/**
 * trace-cmd's columns: the task to 16, the event's name to 22. trace-cmd prints
 * microseconds, hence six digits behind the point.
 */
static void print_record(unsigned int cpu, const struct trace_record *r)
{
	const char *name = "?";
	u64 time = time_of(r);

	if (trace_event_of(r) < TRACE_EVENT_COUNT) {
		name = names[trace_event_of(r)];
	}
	printf("%15s%u-%-5u [%03u] %5llu.%06llu: %s:%*s", "vcpu",
	       trace_vcpu_of(r), cpu, cpu,
	       (unsigned long long)(time / TRACE_HZ),
	       (unsigned long long)(time % TRACE_HZ / 1000), name,
	       21 - (int)strlen(name), "");
	print_words(r);
}

/** How many records a ring still has. */
static u64 records_in(const struct trace_ring *ring)
{
	return ring->next < TRACE_RECORDS ? ring->next : TRACE_RECORDS;
}

/* By age and not by index: what is asked for is "the last one", and the ring
 * goes on in the meantime. */
bool trace_get(unsigned int cpu, unsigned int back, struct trace_record *out)
{
	struct trace_ring *ring = trace_of(cpu);

	if (back >= records_in(ring)) {
		return false;
	}
	*out = ring->record[(ring->next - 1 - back) % TRACE_RECORDS];
	return true;
}

/**
 * The CPU whose record number back[cpu], counted from the newest, is oldest (or
 * newest, as asked); TRACE_CPUS when no ring has any left. For two records of
 * the same time the lower CPU goes first when going forward. TSCs of different
 * CPUs are taken as one clock here.
 */
static unsigned int pick(const unsigned int back[TRACE_CPUS], bool oldest)
{
	unsigned int best = TRACE_CPUS;
	struct trace_record r;
	u64 time = 0;

	for (unsigned int cpu = 0; cpu < TRACE_CPUS; cpu++) {
		if (!trace_get(cpu, back[cpu], &r)) {
			continue;
		}
		if (best == TRACE_CPUS || (time_of(&r) < time) == oldest) {
			best = cpu;
			time = time_of(&r);
		}
	}
	return best;
}

/**
 * First go back n records in time over all rings, the newest of all first; then
 * print on from there, the oldest first.  Two passes over the rings, in place
 * of an array to sort: this runs on the stack of whatever has crashed.
 *
 *	ring 0   . . . 5 3 1     back[0] = 3
 *	ring 1   . . . . 4 2     back[1] = 2   the newest 5 of both
 *
 * After the first pass back[] is how many records of each ring belong to the
 * last n; each is then the index of the oldest of them, plus one.
 */
void trace_dump(unsigned int n)
{
	unsigned int back[TRACE_CPUS] = {0};
	struct trace_record r;
	unsigned int taken = 0, cpu;

	while (taken < n && (cpu = pick(back, false)) < TRACE_CPUS) {
		back[cpu]++;
		taken++;
	}
	for (cpu = 0; cpu < TRACE_CPUS; cpu++) {
		back[cpu]--; /* ~0 where nothing was taken: no record */
	}
	while (taken-- && (cpu = pick(back, true)) < TRACE_CPUS) {
		if (trace_get(cpu, back[cpu], &r)) {
			print_record(cpu, &r);
		}
		back[cpu]--;
	}
}

/* The records stay as they are: without a count nobody can ask for them. */
void trace_clear(void)
{
	for (unsigned int cpu = 0; cpu < TRACE_CPUS; cpu++) {
		trace_ring[cpu].next = 0;
	}
}
