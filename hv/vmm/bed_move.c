/** @file
 * A guest moves house, the vCPU in the middle of whatever it does.
 *
 *	save the vCPU --> new VM, copy of the memory, same slots, same devices
 *	              --> new vCPU <-- restore     then the old VM is destroyed
 *
 * Nothing of the old VM may be needed afterwards, and nothing can be by
 * accident: its pages go back to the allocator.  The VMM's own devices stay as
 * they are, since their state would be moved by their own means.
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

static void move_in(struct bed *bed, const struct house *house)
{
	bed->vm = house->vm;
	bed->vcpu = house->vcpu;
	bed->ram = house->ram;
	bed->backing = house->backing;
}

/** A slot's memory is at the same place of the copy. */
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

/** What a VMM sends to the other machine besides the memory. */
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

/** What the tests look at and no guest does. */
static void copy_witnesses(struct bed *bed, const struct house *old)
{
	bed->vcpu->count = old->vcpu->count;
	bed->vm->ept.phys_bits = old->vm->ept.phys_bits;
	vm_set_fault_hook(bed->vm, old->vm->fault_hook,
			  old->vm->fault_hook_data);
	exit_lines_attach(bed, bed->vcpu);
}

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
