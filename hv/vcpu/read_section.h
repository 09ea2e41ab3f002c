/** @file
 * Read sections: while a vCPU is in one, the slots that it sees stay.
 *
 * A change of the slots publishes the new set and then waits for those who may
 * still read the old one (vm_memory_wait_readers()).  All that a reader does
 * for that is to count, on its own counter: odd inside, even outside.
 */
#ifndef HV_VCPU_READ_SECTION_H
#define HV_VCPU_READ_SECTION_H

#include "bus/access.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/**
 * Begin reading: memslot_read() is stable until read_section_end().  For the
 * vCPU's own thread; does not nest.
 *
 * A full barrier between the counter and the load of the slots' pointer, the
 * counterpart of the one in vm_memory_wait_readers().
 */
static inline void read_section_begin(struct vcpu *vcpu)
{
	srcu_read_lock(&vcpu->vm->srcu, &vcpu->reader);
}

/**
 * The slots as they are now: one snapshot for all of a fault.  Inside a read
 * section.  If they have changed since the last fault, the MMIO cache hears.
 * @return the set; its generation is vcpu->slots_seen
 */
static inline struct memslot_set *read_section_slots(struct vcpu *vcpu)
{
	struct memslot_set *slots = memslot_read(&vcpu->vm->slots);
	u64 generation = memslot_generation(slots);

	if (unlikely(generation != vcpu->slots_seen)) {
		exit_mem_slots_changed(vcpu, generation);
	}
	return slots;
}

/** End it. */
static inline void read_section_end(struct vcpu *vcpu)
{
	srcu_read_unlock(&vcpu->vm->srcu, &vcpu->reader);
}

#endif
