/** @file
 * Segments: from segment:offset to a linear address.
 *
 * In 64-bit mode ES, CS, SS and DS are out of the way: base 0, no limit, and
 * memory.h does not even come here.  FS and GS have a base.  Elsewhere every
 * access is held against its segment (SDM 3A 5.3, 5.5):
 *
 *	limit       the last byte's offset must not be above it; in a data
 *	            segment that expands down, the first must be, and the last
 *	            not above FFFFh, or FFFFFFFFh if the B bit is set
 *	type        no writes to code, none to read-only data, no reads of
 *	            execute-only code; nothing at all if unusable
 *
 * Real and virtual-8086 mode know no types, but do know the limit, which is
 * FFFFh unless the guest has left something larger behind from protected mode
 * ("big real mode"): what counts is what the register holds.
 *
 * Loading a segment is in segment_load.c.
 */
#include "emulator/segment.h"

bool segment_protected(struct emulator *e)
{
	return (e->ops->control(e, SYSTEM_CR0) & CONTROL_CR0_PE) &&
	       !(e->rflags & RFLAGS_VM);
}

bool segment_long_mode(struct emulator *e)
{
	return e->ops->control(e, SYSTEM_EFER) & CONTROL_EFER_LMA;
}

enum emul_result segment_fault(struct emulator *e, u8 vector, u16 selector)
{
	e->exception = (struct exception){
		.vector = vector,
		.has_error_code = true,
		.error_code = selector & 0xfffcu,
	};
	return EMUL_FAULT;
}

/** May this segment be read, written, executed (SDM 3A 5.5)? */
static bool type_allows(u32 rights, u8 kind)
{
	if (rights & RIGHTS_UNUSABLE) {
		return false;
	}
	if (kind == EMUL_WRITE) {
		return !(rights & RIGHTS_CODE) && (rights & RIGHTS_WRITABLE);
	}
	return !(rights & RIGHTS_CODE) || (rights & RIGHTS_WRITABLE) ||
	       kind == EMUL_FETCH;
}

/*
 *	             0            limit             FFFFh or FFFFFFFFh
 *	upwards      |#############|                |
 *	downwards    |             |################|     a stack that grows
 */
bool segment_holds(const struct segment_register *segment, u64 offset,
		   unsigned int size)
{
	u64 last = offset + size - 1;
	u32 rights = segment->rights;

	if (!(rights & RIGHTS_CODE) && (rights & RIGHTS_DOWN)) {
		return offset > segment->limit &&
		       last <= (rights & RIGHTS_DB ? 0xffffffffull : 0xffffull);
	}
	/* A flat segment wraps: no limit is above 4 GiB (spec 3.10-27). */
	return last <= segment->limit || segment->limit == 0xffffffff;
}

/*
 * 64-bit mode comes here with FS and GS alone, whose base counts and nothing
 * else.  Elsewhere base + offset wraps at 4 GiB; then limit and type, whose
 * faults are the same, so that their order cannot be seen.
 */
enum emul_result segment_linear(struct emulator *e, enum emul_segment which,
				u64 offset, struct mem_access *access)
{
	u8 vector = which == SEGMENT_SS ? VECTOR_SS : VECTOR_GP;
	struct segment_register segment;

	e->ops->system->get_segment(e, which, &segment);
	access->address = gva(segment.base.v + offset);
	if (e->mode == MODE_64) {
		return context_canonical(access->address.v, access->size)
			       ? EMUL_DONE
			       : context_protection(e, vector);
	}
	access->address.v = (u32)access->address.v;
	if (!segment_holds(&segment, offset, access->size)) {
		return context_protection(e, vector);
	}
	if (!type_allows(segment.rights, access->kind) &&
	    segment_protected(e)) {
		return context_protection(e, vector);
	}
	return EMUL_DONE;
}

bool segment_code_holds(struct emulator *e, const struct segment_register *cs,
			u64 offset)
{
	if ((cs->rights & RIGHTS_L) && segment_long_mode(e)) {
		return context_canonical(offset, 1);
	}
	return offset <= cs->limit;
}
