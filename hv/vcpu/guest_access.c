/** @file
 * Guest memory by linear address.
 *
 * Both pages of an access that crosses a boundary are translated and checked
 * before the first byte moves, as everywhere (spec 10.5).
 *
 * Used where an exit is answered without the emulator (exit_invpcid.c, for the
 * descriptor).  RAM only: there is no read cache here, and so no way to leave
 * for the VMM and come back in the middle of the instruction.
 *
 * In the guest's eyes an instruction happens wholly or not at all. If the
 * second page of a store were found missing after the first part was written,
 * the guest would get its #PF, mend the page, execute the instruction again,
 * and have stored twice; a load that had moved half would have changed what a
 * handler may look at.
 */
#include "hv/vcpu/guest_access.h"

#include "emulator/emulator.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "mmu/guest_walk.h"

/** The part of an access in one page: its memory, as the hypervisor has it. */
struct part {
	u8 *ram;
	size_t size;
};

/**
 * Page tables as the guest has them, with the rights of its privilege level and
 * with accessed and dirty bits set. The translation goes to `e->address`, which
 * has a use only if there is a fault; a #PF has its linear address there.
 */
static enum guest_access_result find_part(struct vcpu *vcpu, gva_t at,
					  bool write, struct exception *e)
{
	struct guest_mode mode = {.efer = 0};
	struct guest_walk walk = {.addr = at};

	walk.access = write ? GUEST_WALK_WRITE : 0;
	if (guest_mode_cpl() == 3) {
		walk.access |= GUEST_WALK_USER;
	}
	switch (guest_walk_translate(guest_mode_paging(vcpu, &mode),
				     memslot_read(&vcpu->vm->slots), &walk)) {
	case GUEST_WALK_OK:
		e->address = gva(walk.gpa.v);
		return GUEST_ACCESS_OK;
	case GUEST_WALK_FAULT:
		vcpu_paging_page_fault(vcpu, at);
		*e = (struct exception){VECTOR_PF, true, walk.error_code, at};
		return GUEST_ACCESS_FAULT;
	case GUEST_WALK_NO_RAM:
		break;
	}
	return GUEST_ACCESS_NO_RAM;
}

/** Translate one page's part and find the memory behind it. */
static enum guest_access_result prepare(struct vcpu *vcpu,
					const struct guest_access *a,
					struct part *part, struct exception *e)
{
	enum guest_access_result result =
		find_part(vcpu, a->address, a->write, e);
	size_t left = PAGE_SIZE - gva_offset(a->address);

	if (result) {
		return result;
	}
	part->size = a->size < left ? a->size : left;
	part->ram =
		vm_memory(vcpu->vm, gpa(e->address.v), part->size, a->write);
	return part->ram ? GUEST_ACCESS_OK : GUEST_ACCESS_NO_RAM;
}

/** Both are RAM, and other vCPUs may see the bytes come one by one. */
static void copy(const struct part *part, u8 *buffer, bool write)
{
	if (write) {
		memcpy(part->ram, buffer, part->size);
	} else {
		memcpy(buffer, part->ram, part->size);
	}
}

/*
 * `dry` is for an instruction that has more than one operand: all are checked
 * before any moves. Size is at most 8, so there are never three pages.
 */
enum guest_access_result guest_access_move(struct vcpu *vcpu,
					   const struct guest_access *a,
					   bool dry, struct exception *e)
{
	struct guest_access second = *a;
	struct part parts[2] = {{NULL, 0}, {NULL, 0}};
	enum guest_access_result result = prepare(vcpu, a, &parts[0], e);

	if (result) {
		return result;
	}
	if (parts[0].size < a->size) {
		second.address = gva_add(a->address, parts[0].size);
		second.size = a->size - parts[0].size;
		result = prepare(vcpu, &second, &parts[1], e);
	}
	if (result || dry) {
		return result;
	}
	copy(&parts[0], a->buffer, a->write);
	if (parts[1].size) {
		copy(&parts[1], (u8 *)a->buffer + parts[0].size, a->write);
	}
	return GUEST_ACCESS_OK;
}
