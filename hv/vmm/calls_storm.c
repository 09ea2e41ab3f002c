/** @file
 * A storm: another CPU adds and deletes a slot as fast as it can.
 *
 * What goes wrong when slots change under a running guest is shown elsewhere
 * step by step, each step held (calls_slots.c).  This is the whole of it at
 * once, with a real second CPU: it publishes sets, waits for read sections,
 * drops mappings, and makes the vCPU leave the guest, while the guest goes on
 * (spec 1.5, statement 11).
 */
#include "hv/vmm/calls_storm.h"

#include "hv/vmm/calls_groups.h"
#include "hv/x86/cpu.h"

#define ROUNDS_MAX 1000000
/** The CPU that does it; the vCPU is on 0. */
#define STORM_CPU 1

/**
 * `left` counts rounds that are done, also the last one when it fails.
 * `running` goes off last, with release: then `error` can be read.
 */
static void blow(void *arg)
{
	struct bed *bed = arg;
	struct bed_storm *storm = &bed->storm;
	struct vm_region none = { .slot = storm->region.slot };
	int error = 0;

	while (storm->left && !READ_ONCE(storm->stop) && !error) {
		error = vm_set_memory_region(bed->vm, &storm->region);
		if (!error) {
			error = vm_set_memory_region(bed->vm, &none);
		}
		WRITE_ONCE(storm->left, storm->left - 1);
	}
	storm->error = error;
	smp_store_release(&storm->running, false);
}

/**
 * The sum of `first` and `pages` is not formed, as both come from the guest.
 */
static bool is_valid(const struct hypercall_slot *slot, u64 rounds)
{
	u64 room = BACKING_SIZE >> PAGE_SHIFT;
	u64 first = slot->backing >> PAGE_SHIFT;

	return slot->slot != GUEST_RAM_SLOT && slot->slot < SLOT_MAX &&
	       !gpa_offset(gpa(slot->backing)) && slot->pages &&
	       first <= room && slot->pages <= room - first && rounds &&
	       rounds <= ROUNDS_MAX;
}

/**
 * `running` is set before the other CPU begins, or its own "off" could come
 * before our "on".
 */
s64 calls_storm_begin(struct bed *bed, const u64 *args)
{
	const struct hypercall_slot *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct bed_storm *storm = &bed->storm;
	struct hypercall_slot slot;
	int error;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&slot, from, sizeof(slot));
	if (!is_valid(&slot, args[1])) {
		return -EINVAL;
	}
	if (storm->running) {
		return -EBUSY;
	}
	storm->region = (struct vm_region){
		.slot = slot.slot,
		.gpa = gpa(slot.gpa),
		.size = slot.pages << PAGE_SHIFT,
		.hpa = virt_to_hpa(bed->backing + slot.backing),
	};
	storm->left = args[1];
	storm->running = true;
	error = cpu_start_on(STORM_CPU, blow, bed);
	storm->running = !error;
	return error;
}

/**
 * While it runs the answer is at least 1, also in the last round: 0 must mean
 * that the other CPU touches nothing any more.
 */
s64 calls_storm_left(struct bed *bed, const u64 *args)
{
	(void)args;
	if (smp_load_acquire(&bed->storm.running)) {
		return (s64)(READ_ONCE(bed->storm.left) + 1);
	}
	return bed->storm.error;
}

/**
 * A size says that a storm was begun at some time; then the CPU is waited for,
 * even if it has long finished. It must be gone before the VM is.
 */
void calls_storm_stop(struct bed *bed)
{
	if (bed->storm.region.size) {
		WRITE_ONCE(bed->storm.stop, true);
		cpu_wait(STORM_CPU);
	}
}
