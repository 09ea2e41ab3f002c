/** @file
 * The decoder's stage for SIB byte and displacement.
 */
#ifndef EMULATOR_DECODE_ADDRESS_H
#define EMULATOR_DECODE_ADDRESS_H

#include "emulator/cursor.h"

/** The displacement's size by mod, except in 16-bit addresses. */
static inline unsigned int decode_address_size(u8 mod)
{
	static const u8 sizes[3] = { 0, 1, 4 };

	return sizes[mod];
}

/** decode_address_run() for 16-bit addresses, and for r/m 5. */
void decode_address_special(struct emulator *e);

/** What is different if the base is rSP or rBP. */
void decode_address_on_stack(struct insn *insn);

/**
 * SIB = scale (2 bits) index (3) base (3); index 4 is none, and so is base 5
 * with mod 0, which takes a disp32.
 */
static inline void decode_address_sib(struct insn *insn)
{
	u8 sib = cursor_take(insn);
	u8 index = ((sib >> 3) & 7) | (insn->rex & REX_X) << 2;
	u8 base = (sib & 7) | (insn->rex & REX_B) << 3;
	unsigned int size = decode_address_size(insn->mod);

	insn->scale = sib >> 6;
	if (index != REG_RSP) {
		insn->index = index;
	}
	if ((sib & 7) == REG_RBP && insn->mod == 0) {
		size = 4;
	} else {
		insn->base = base;
	}
	if (size) {
		insn->displacement = (s64)cursor_take_signed(insn, size);
	}
	if (insn->base == REG_RSP || insn->base == REG_RBP) {
		decode_address_on_stack(insn);
	}
}

/**
 * address = [SIB] [displacement of 1, 2 or 4 bytes]; only for mod 0 to 2
 *
 * Sets base, index, scale, rip_relative and displacement of e->insn, and
 * segment for an address on the stack.
 */
static inline void decode_address_run(struct emulator *e)
{
	struct insn *insn = &e->insn;
	u8 rm = insn->rm & 7;

	if (unlikely(rm == REG_RBP || insn->address_size == 2)) {
		decode_address_special(e);
	} else if (rm == REG_RSP) {
		decode_address_sib(insn);
	} else {
		insn->base = insn->rm;
		insn->base_only = true;
		if (insn->mod) {
			insn->displacement = (s64)cursor_take_signed(
				insn, decode_address_size(insn->mod));
		}
	}
}

#endif
