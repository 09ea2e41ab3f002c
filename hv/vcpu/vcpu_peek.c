/** @file
 * Looking into a guest's memory from outside, for dumps and tests.
 *
 * The address is translated as the guest's own reads are, but by CPL 0's rights
 * and with nothing reported: what cannot be read ends the copy.  What is no
 * memory is not asked of its device, whatever lies there: a dump must not pop a
 * FIFO.  The vCPU is loaded for it, as CR3 and the mode are in its VMCS; so
 * this is for the CPU that the vCPU belongs to.
 */
#include "hv/vcpu/vcpu.h"

#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vcpu/vm.h"

/**
 * One page's worth of vcpu_peek(). The walk may set accessed bits in the
 * guest's tables, as a read of its own would.
 */
static const u8 *peek_page(struct vcpu *vcpu, gva_t from)
{
	struct memslot_set *set = memslot_read(&vcpu->vm->slots);
	struct guest_mode mode = {.efer = 0};
	struct guest_walk walk = {.addr = from};
	const struct memslot *slot;

	if (guest_walk_translate(guest_mode_paging(vcpu, &mode), set, &walk) !=
	    GUEST_WALK_OK) {
		return NULL;
	}
	slot = memslot_find(set, walk.gpa);
	return slot ? memslot_pointer(slot, walk.gpa) : NULL;
}

size_t vcpu_peek(struct vcpu *vcpu, gva_t from, void *to, size_t n)
{
	size_t done = 0;

	vcpu_load(vcpu);
	while (done < n) {
		gva_t at = gva_add(from, done);
		size_t part = PAGE_SIZE - gva_offset(at);
		const u8 *bytes = peek_page(vcpu, at);

		if (!bytes) {
			break;
		}
		if (part > n - done) {
			part = n - done;
		}
		memcpy((u8 *)to + done, bytes, part);
		done += part;
	}
	return done;
}
