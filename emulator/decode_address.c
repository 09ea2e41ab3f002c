/** @file
 * The stage between ModRM and immediate: what makes a memory address.
 *
 * ModRM's mod and r/m name one or two registers and how long a displacement
 * follows (SDM 2A 2.1.5).  With r/m 4 a SIB byte names base, index and scale
 * instead.  Two encodings that would be redundant are something else: mod 0
 * with r/m 5 has no base but a 32-bit displacement, which in 64-bit mode
 * counts from RIP; and index 4, where rSP would be, is no index.
 *
 * These special cases look at the three bits of the byte only, before REX
 * widens them: r12 needs a SIB byte as rSP does, and r13 a displacement as
 * rBP does.  The index is the exception: r12 is a good one.
 */
#include "emulator/decode_address.h"

#include "emulator/opcodes.h"

/**
 * The eight 16-bit forms (SDM 2A table 2-1); returns the displacement's size.
 *
 *	r/m   0      1      2      3      4   5   6   7
 *	     BX+SI  BX+DI  BP+SI  BP+DI  SI  DI  BP  BX   (mod 0, 6: disp16)
 */
static unsigned int form_16(struct insn *insn)
{
	static const u8 bases[8] = { REG_RBX, REG_RBX, REG_RBP, REG_RBP,
				     REG_RSI, REG_RDI, REG_RBP, REG_RBX };
	static const u8 indices[8] = { REG_RSI,	 REG_RDI,  REG_RSI,  REG_RDI,
				       REG_NONE, REG_NONE, REG_NONE, REG_NONE };
	unsigned int rm = insn->rm & 7;

	if (insn->mod == 0 && rm == 6) {
		return 2;
	}
	insn->base = bases[rm];
	insn->index = indices[rm];
	return insn->mod;
}

/** r/m 5: RIP or nothing with mod 0, else rBP or r13; returns the same. */
static unsigned int form_5(struct emulator *e)
{
	struct insn *insn = &e->insn;

	if (insn->mod == 0) {
		insn->rip_relative = e->mode == MODE_64;
		return 4;
	}
	insn->base = insn->rm;
	return decode_address_size(insn->mod);
}

/**
 * An address made from rSP or rBP is in SS, if no prefix says otherwise.  And
 * POP to memory at rSP uses rSP after the pop (SDM 2B, POP).
 */
void decode_address_on_stack(struct insn *insn)
{
	if (!insn->segment_prefix) {
		insn->segment = SEGMENT_SS;
	}
	if (insn->base == REG_RSP && insn->row.op == OP_POP) {
		insn->displacement += insn->operand_size;
	}
}

void decode_address_special(struct emulator *e)
{
	struct insn *insn = &e->insn;
	unsigned int size =
		insn->address_size == 2 ? form_16(insn) : form_5(e);

	if (size) {
		insn->displacement = (s64)cursor_take_signed(insn, size);
	}
	if (insn->base == REG_RBP) {
		decode_address_on_stack(insn);
	}
}
