/** @file
 * The hypercalls about further vCPUs (hypercall_vcpu.h).
 *
 * A test begins on vCPU 0 and may start others, each on a CPU of its own.  They
 * share the bed, whose lock is held during a hypercall; bed_vcpus_wait() gives
 * it up meanwhile, or the vCPU that is waited for could make no call any more.
 * A vCPU may wait only for a higher one: so there can be no circle.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vmm/bed_vcpus.h"

s64 calls_vcpu_start(struct bed *bed, const u64 *args)
{
	const struct hypercall_vcpu *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_vcpu begin;

	_Static_assert(HYPERCALL_VCPUS == VM_VCPUS, "hypercall_vcpu.h");
	if (!from) {
		return -EFAULT;
	}
	memcpy(&begin, from, sizeof(begin));
	return bed_vcpus_start(bed, &begin);
}

/**
 * One that runs or has run, and is not the caller; else NULL. vCPU 0 is always
 * there, though its state says NONE: nobody has started it.
 */
static struct bed_vcpu *find(struct bed *bed, u64 number)
{
	struct bed_vcpu *b;

	if (number >= VM_VCPUS || number == bed->vcpu->number) {
		return NULL;
	}
	b = &bed->more[number];
	return b->state == BED_VCPU_NONE && number ? NULL : b;
}

/** Two that wait for each other would wait for ever. */
s64 calls_vcpu_wait(struct bed *bed, const u64 *args)
{
	const struct bed_vcpu *b = find(bed, args[0]);

	if (!b || args[0] < bed->vcpu->number) {
		return -ENOENT;
	}
	bed_vcpus_wait(bed, (unsigned int)args[0]);
	return (s64)b->value;
}

/**
 * The next vcpu_run() comes back at once, and is the last one. The hypercall
 * itself still returns, so that its result is written. Only the vcpu_run()
 * behind it says -EINTR, and bed_vcpus_interrupted() sees LEAVES.
 */
s64 calls_vcpu_end(struct bed *bed, const u64 *args)
{
	struct bed_vcpu *b = &bed->more[bed->vcpu->number];

	if (!bed->vcpu->number) {
		return -EINVAL;
	}
	b->value = args[0];
	b->state = BED_VCPU_LEAVES;
	vcpu_signal(bed->vcpu);
	return 0;
}

/**
 * A vCPU that does not run cannot come back, and to wait for it would take for
 * ever.
 */
s64 calls_vcpu_kick(struct bed *bed, const u64 *args)
{
	const struct bed_vcpu *b = find(bed, args[0]);

	if (!b || (args[0] && b->state != BED_VCPU_RUNS)) {
		return -ENOENT;
	}
	bed_vcpus_kick(bed, (unsigned int)args[0]);
	return (s64)b->interrupts;
}
