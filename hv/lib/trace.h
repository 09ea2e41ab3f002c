/** @file
 * The trace ring: the last events of each CPU, as Linux names them.
 *
 * When something goes wrong the question is what happened just before, and
 * asking must not change the answer.  An event is therefore a fixed-size binary
 * record that costs a dozen instructions to write: a slot of a ring, the time
 * stamp counter, three words.  Words become text only when somebody prints:
 *
 *	   vcpu0-0     [000]    12.345678: kvm_exit:    reason EPT_VIOLATION
 *						rip 0x401012 info 181 0
 *
 * which is the format that people know from trace-cmd, with KVM's own event
 * names.  Each CPU has its own ring and writes only there, so that there is
 * nothing to lock.  An event from an interrupt handler may overwrite the event
 * that it interrupted; nothing worse happens.
 */
#ifndef HV_LIB_TRACE_H
#define HV_LIB_TRACE_H

#include "bus/types.h"

/** The events.  What `a` to `c` of a record mean stands beside each. */
enum trace_event {
	TRACE_NONE,
	TRACE_KVM_ENTRY,	/* a = RIP */
	TRACE_KVM_EXIT,		/* a = RIP, b = qualification; arg = reason */
	TRACE_KVM_PAGE_FAULT,	/* a = RIP, b = GPA, c = qualification */
	TRACE_KVM_MMIO,		/* a = GPA, b = value, arg = length,
				   kind = enum trace_mmio */
	TRACE_KVM_EMULATE_INSN, /* a = RIP, b, c = instruction bytes,
				   arg = how many, kind = 1: failed */
	TRACE_KVM_INJ,		/* arg = vector, a = error code */
	TRACE_KVM_ENTRY_FAILED, /* arg = VMCS field, a = its value, b = the
				   broken rule, a string */
	TRACE_KVM_FAST_MMIO,	/* a = GPA: a doorbell was rung quickly */
	TRACE_EVENT_COUNT,
};

/** The kinds of kvm_mmio (spec 10.10). */
enum trace_mmio {
	TRACE_MMIO_READ_UNSATISFIED,
	TRACE_MMIO_READ,
	TRACE_MMIO_WRITE,
};

/** One record; 64 bytes, so that a slot is found by a shift. */
struct trace_record {
	u32 tsc_low;
	u32 tsc_high;
	u64 head; /* bits 7:0 event, 15:8 kind, 31:16 vCPU, 63:32 arg */
	u64 a;
	u64 b;
	u64 c;
	u64 spare[3];
};

#define TRACE_RECORDS 256 /* a CPU; a power of two */
#define TRACE_CPUS 8

/** One CPU's ring.  Written by that CPU only. */
struct trace_ring {
	u64 next; /* records ever written; the slot is next % TRACE_RECORDS */
	u64 spare[7];
	struct trace_record record[TRACE_RECORDS];
};

/** False: nothing is recorded, and an event costs a load and a branch. */
extern bool trace_on;

extern struct trace_ring trace_ring[TRACE_CPUS];

/** What identifies a vCPU in its records; prepared once. */
static inline u64 trace_tag(u16 vcpu)
{
	return (u64)vcpu << 16;
}

/** The head of a record: whose, what, which kind of it, and its argument. */
static inline u64 trace_head(u64 tag, enum trace_event event, u32 arg)
{
	return tag | event | (u64)arg << 32;
}

/** An event's kind, to be or'ed to its head. */
static inline u64 trace_kind(u8 kind)
{
	return (u64)kind << 8;
}

/**
 * Take the next record of this CPU's ring and stamp it with the time.
 * @param ring the ring of this CPU
 * @param head trace_head(), perhaps with trace_kind()
 * @return the record, whose a, b and c are the caller's to fill as enum
 *	trace_event says; NULL when nothing is recorded
 */
static inline struct trace_record *trace_begin(struct trace_ring *ring,
					       u64 head)
{
	struct trace_record *r;
	u32 low, high;

	if (!trace_on) {
		return NULL;
	}
	r = &ring->record[ring->next++ % TRACE_RECORDS];
	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	r->tsc_low = low;
	r->tsc_high = high;
	r->head = head;
	return r;
}

/** The ring of a CPU. @param cpu its index, 0 to TRACE_CPUS - 1 */
static inline struct trace_ring *trace_of(unsigned int cpu)
{
	return &trace_ring[cpu % TRACE_CPUS];
}

/**
 * Print the last events of all CPUs on the console, in the order of time.
 * Formats as it goes, allocates nothing: may be called by a panic.
 * @param n at most so many
 */
void trace_dump(unsigned int n);

/** Forget everything recorded so far, on all CPUs. */
void trace_clear(void);

static inline enum trace_event trace_event_of(const struct trace_record *r)
{
	return r->head & 0xff;
}

static inline unsigned int trace_kind_of(const struct trace_record *r)
{
	return r->head >> 8 & 0xff;
}

static inline unsigned int trace_vcpu_of(const struct trace_record *r)
{
	return r->head >> 16 & 0xffff;
}

static inline u32 trace_arg_of(const struct trace_record *r)
{
	return r->head >> 32;
}

/**
 * Copy one of a CPU's recent records, for tests that check events.
 * @param cpu  index of the CPU
 * @param back 0 for the newest, 1 for the one before, ...
 * @param out  where to
 * @return false when there is no such record (any more)
 */
bool trace_get(unsigned int cpu, unsigned int back, struct trace_record *out);

#endif
