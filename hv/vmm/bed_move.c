/** @file
 * A guest moves house, the vCPU in the middle of whatever it does.
 *
 *	save the vCPU --> new VM, copy of the memory, same slots, same devices
 *	              --> new vCPU <-- restore     then the old VM is destroyed
 *
 * Nothing of the old VM may be needed afterwards, and nothing can be by
 * accident: its pages go back to the allocator.  The VMM's own devices stay as
 * they are, since their state would be moved by their own means.
 *
 * Moving is the sharpest question to the core: is everything that a vCPU is,
 * also in the middle of an access, in what it hands out? An emulated
 * instruction which waits for the VMM has reads that were done already. They
 * must not be done again in the new home.
 *
 * If any stage fails the guest stays: the new VM is destroyed and the bed is
 * put back as it was.
 */
#include "hv/vmm/bed.h"

#include "hv/vcpu/vcpu_state.h"
#include "hv/vmm/exit_lines.h"

/** What of a bed belongs to one VM. */
struct house {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *ram;
	u8 *backing;
};

static struct house house_of(const struct bed *bed)
{
	return (struct house){ bed->vm, bed->vcpu, bed->ram, bed->backing };
}

/**
 * Four pointers are all that a bed knows of its VM; the rest of it is the VMM's
 * own and stays.
 */
static void move_in(struct bed *bed, const struct house *house)
{
	bed->vm = house->vm;
	bed->vcpu = house->vcpu;
	bed->ram = house->ram;
	bed->backing = house->backing;
}

/**
 * A slot's memory is at the same place of the copy. There are two blocks, RAM
 * and backing RAM; a slot lies in one of them. If the offset is beyond the
 * first, also by being "negative", it is the second.
 */
static hpa_t home_of(const struct bed *bed, const struct house *old,
		     const struct memslot *slot)
{
	u64 offset = slot->hpa.v - virt_to_hpa(old->ram).v;
	u8 *copy = bed->ram;

	if (offset >= bed->plan.memory_size) {
		offset = slot->hpa.v - virt_to_hpa(old->backing).v;
		copy = bed->backing;
	}
	return virt_to_hpa(copy + offset);
}

/**
 * Slots by slots, in place of copying the set: it was made for the old VM's
 * memory. The generation of the new VM begins anew, so nothing that is cached
 * by a generation may come along.
 */
static int copy_memory(struct bed *bed, const struct house *old)
{
	const struct memslot_set *set = old->vm->slots.active;
	int error = 0;

	memcpy(bed->ram, old->ram, bed->plan.memory_size);
	memcpy(bed->backing, old->backing, BACKING_SIZE);
	for (u32 i = 0; i < set->count && !error; i++) {
		const struct memslot *slot = &set->slots[i];
		struct vm_region region = {
			.slot = slot->id,
			.flags = slot->flags,
			.gpa = slot->base,
			.size = slot->pages << PAGE_SHIFT,
			.hpa = home_of(bed, old, slot),
		};

		error = vm_set_memory_region(bed->vm, &region);
	}
	return error;
}

/**
 * What a VMM sends to the other machine besides the memory. The state goes
 * through a buffer of ours, as it would go over a wire. The buffer belongs to
 * the new VM and goes with it.
 */
static int copy_vcpu(struct bed *bed, const struct house *old)
{
	size_t pages = (sizeof(struct vcpu_state) + PAGE_SIZE - 1) / PAGE_SIZE;
	struct vcpu_state *state = page_alloc_contig(bed->vm->owner, pages, 1);
	int error = -ENOMEM;

	if (state) {
		error = vcpu_state_save(old->vcpu, state);
	}
	if (!error) {
		error = vcpu_create(bed->vm, 0, &bed->vcpu);
	}
	if (!error) {
		error = vcpu_state_restore(bed->vcpu, state);
	}
	return error;
}

/**
 * What the tests look at and no guest does. Counters and the fault hook are
 * about the test and not about the guest. They must go on as if nothing had
 * happened, or each test would have to know how often its vCPU has moved.
 */
static void copy_witnesses(struct bed *bed, const struct house *old)
{
	bed->vcpu->count = old->vcpu->count;
	bed->vm->ept.phys_bits = old->vm->ept.phys_bits;
	vm_set_fault_hook(bed->vm, old->vm->fault_hook,
			  old->vm->fault_hook_data);
	exit_lines_attach(bed, bed->vcpu);
}

/**
 * The vCPU comes last: restored, it is in the middle of something, and memory
 * and devices have to be there.
 */
static int build(struct bed *bed, const struct house *old)
{
	int error = bed_make_vm(bed);

	if (!error) {
		error = copy_memory(bed, old);
	}
	if (!error) {
		error = bed_add_core_devices(bed);
	}
	if (!error) {
		error = copy_vcpu(bed, old);
	}
	if (!error) {
		copy_witnesses(bed, old);
	}
	return error;
}

/**
 * What cannot be moved is refused before anything is done: more vCPUs (they
 * would have to stop first), coalesced zones (their ring is a page of the VM),
 * a change of the slots that is half done. `other` keeps the VM of before
 * reachable for bed_destroy() if this crashes.
 */
int bed_move(struct bed *bed)
{
	struct house old = house_of(bed);
	struct vm *leave = old.vm;
	int error;

	if (old.vm->vcpus > 1 || old.vm->coalesced ||
	    old.vm->slots.next != MEMSLOT_STEP_NONE) {
		return -EBUSY;
	}
	bed->other = old.vm;
	move_in(bed, &(struct house){ .vm = NULL });
	error = build(bed, &old);
	if (error) {
		leave = bed->vm;
		move_in(bed, &old);
	}
	bed->other = NULL;
	if (leave) {
		vm_destroy(leave);
	}
	return error;
}
