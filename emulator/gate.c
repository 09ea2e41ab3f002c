/** @file
 * Gates (gate.h).
 *
 *	63        48 47 46 45 44 43  40 39   32 31     16 15         0
 *	+-----------+--+-----+--+------+-------+---------+------------+
 *	|offset high|P | DPL |0 | type | extra |selector | offset low |
 *	+-----------+--+-----+--+------+-------+---------+------------+
 *
 * A gate of 16 bits has no high half of the offset; in IA-32e mode all have
 * another 32 bits of it in eight more bytes.
 *
 * The gate's own rights say who may use it, those of the code behind it where
 * one comes out: at the level of that code, or, if it is conforming, where one
 * was.  Never at an outer one: gates lead inwards.
 */
#include "emulator/gate.h"

#define SELECTOR_RPL 3u
#define GATE_IS_32 8u

void gate_decode(u64 low, u64 high, bool wide, struct gate *out)
{
	out->selector = bits(low, 31, 16);
	out->rights = bits(low, 47, 40);
	out->extra = bits(low, 39, 32);
	out->offset = bits(low, 15, 0);
	out->size = wide ? 8 : out->rights & GATE_IS_32 ? 4 : 2;
	if (out->size > 2) {
		out->offset |= bits(low, 63, 48) << 16;
	}
	if (wide) {
		out->offset |= high << 32;
	}
}

/**
 * IA-32e mode: gates lead to 64-bit code only.  A handler finds a frame of
 * 8-byte values and returns by a 64-bit IRET, whatever it has interrupted.
 */
static bool is_wide_enough(struct emulator *e, u32 rights)
{
	return !segment_long_mode(e) ||
	       (rights & (RIGHTS_L | RIGHTS_DB)) == RIGHTS_L;
}

/**
 * The DPL of the code must not be above the CPL in number: from an outer level
 * nobody could come back, as returns lead outwards only.  Absence is looked at
 * last, since #NP is for the system to mend and try again, and #GP is not.
 */
static enum emul_result check(struct emulator *e, const struct descriptor *code)
{
	u32 rights = code->segment.rights;

	if (!(rights & RIGHTS_S) || !(rights & RIGHTS_CODE) ||
	    rights_dpl(rights) > e->ops->cpl(e) || !is_wide_enough(e, rights)) {
		return segment_fault(e, VECTOR_GP, code->selector);
	}
	return rights & RIGHTS_P
		       ? EMUL_DONE
		       : segment_fault(e, VECTOR_NP, code->selector);
}

/*
 * The RPL of the gate's selector means nothing.  What CS gets in its place is
 * the level where one comes out: the RPL of CS is the CPL.
 */
enum emul_result gate_find(struct emulator *e, const struct gate *gate,
			   struct gate_target *out)
{
	struct segment_register *cs = &out->code.segment;
	unsigned int cpl = e->ops->cpl(e);
	enum emul_result result;

	if (gate->selector <= SELECTOR_RPL) {
		return context_protection(e, VECTOR_GP);
	}
	result = segment_find(e, gate->selector, false, &out->code);
	if (!result) {
		result = check(e, &out->code);
	}
	if (result) {
		return result;
	}
	out->level = cs->rights & RIGHTS_DOWN ? cpl : rights_dpl(cs->rights);
	out->inner = out->level != cpl;
	cs->rights |= RIGHTS_ACCESSED;
	cs->selector = (gate->selector & ~SELECTOR_RPL) | out->level;
	return EMUL_DONE;
}
