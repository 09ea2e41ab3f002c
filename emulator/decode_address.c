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

#include "emulator/cursor.h"

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

/**
 * SIB = scale (2 bits) index (3) base (3); index 4 is none, and so is base 5
 * with mod 0, which takes a disp32.  Returns the displacement's size.
 */
static unsigned int form_sib(struct insn *insn)
{
	u8 sib = cursor_take(insn);
	u8 index = ((sib >> 3) & 7) | (insn->rex & REX_X) << 2;

	insn->scale = sib >> 6;
	if (index != REG_RSP) {
		insn->index = index;
	}
	if ((sib & 7) == REG_RBP && insn->mod == 0) {
		return 4;
	}
	insn->base = (sib & 7) | (insn->rex & REX_B) << 3;
	return insn->mod == 2 ? 4 : insn->mod;
}

/** The 32 and 64-bit forms (SDM 2A tables 2-2, 2-3, 2.2.1.6). */
static enum emul_result form_32(struct emulator *e, unsigned int *displacement)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;

	if ((insn->rm & 7) == REG_RSP) {
		result = cursor_need(e, 1);
		if (result) {
			return result;
		}
		*displacement = form_sib(insn);
	} else if (insn->mod == 0 && (insn->rm & 7) == REG_RBP) {
		insn->rip_relative = e->mode == MODE_64;
		*displacement = 4;
	} else {
		insn->base = insn->rm;
		*displacement = insn->mod == 2 ? 4 : insn->mod;
	}
	return result;
}

/** address = [SIB] [displacement of 1, 2 or 4 bytes]; only for mod 0 to 2 */
enum emul_result decode_address_run(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;
	unsigned int size = 0;
	u64 value = 0;

	if (insn->address_size == 2) {
		size = form_16(insn);
	} else {
		result = form_32(e, &size);
	}
	if (!result && size) {
		result = cursor_take_signed(e, size, &value);
	}
	insn->displacement = (s64)value;
	return result;
}
