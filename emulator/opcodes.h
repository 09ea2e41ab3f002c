/** @file
 * What a row of the opcode tables is made of.
 *
 * Operand codes are those of SDM 2D appendix A.2: a capital letter says where
 * the operand is (E: ModRM's r/m, G: ModRM's reg, Z: the opcode's low three
 * bits, I: immediate, O: absolute offset, X: DS:rSI, Y: ES:rDI, M: the
 * address itself), a small one how wide it is (b, w, d: 1, 2, 4 bytes, v:
 * 2, 4 or 8 by operand size, z: as v, but 4 bytes encode an 8-byte one).
 */
#ifndef EMULATOR_OPCODES_H
#define EMULATOR_OPCODES_H

#include "emulator/insn.h"

enum operand_code {
	None,
	Eb, /* the codes that need a ModRM byte stand first */
	Ew,
	Ed, /* MOVSXD, 64-bit mode: 4 bytes, or 2 with operand size 2 */
	Ev,
	Gb,
	Gv,
	M,  /* the effective address as a value; no register form */
	Ib, /* sign-extended to the operation's size */
	Iz,
	Iv,
	Ob,
	Ov,
	Zb,
	Zv,
	AL,
	rAX,
	Xb,
	Xv,
	Yb,
	Yv,
	Stack, /* what PUSH writes below SS:rSP and POP reads at it */
};

/** What the row's instruction does; OP_UNKNOWN is what a missing row says. */
enum op {
	OP_UNKNOWN = 0,
	OP_GROUP, /* dst is an enum opcode_group; ModRM's reg picks the row */
	OP_MOV,
	OP_MOVZX,
	OP_MOVSX,
	OP_LEA,
	OP_ADD,
	OP_OR,
	OP_ADC,
	OP_SBB,
	OP_AND,
	OP_SUB,
	OP_XOR,
	OP_CMP,
	OP_TEST,
	OP_NOT,
	OP_NEG,
	OP_INC,
	OP_DEC,
	OP_XCHG,
	OP_XADD,
	OP_CMPXCHG,
	OP_PUSH,
	OP_POP,
	OP_MOVS,
	OP_CMPS,
	OP_STOS,
	OP_LODS,
	OP_SCAS,
	OP_COUNT,
};

/** Traits of an op: the pipeline's plan for it. */
enum op_trait {
	OP_READS_DST = BIT(0),
	OP_WRITES_DST = BIT(1),
	OP_LOCKABLE =
		BIT(2), /* LOCK is allowed when the destination is memory */
	OP_STRING = BIT(3),
	OP_TWO_MEMORY =
		BIT(4), /* the hint does not say which operand it means */
	OP_STACK_SIZE = BIT(5),	 /* operand size defaults to 8 in 64-bit mode */
	OP_WRITES_MORE = BIT(6), /* another register too, or perhaps nothing */
	OP_MOVES = BIT(7), /* the source goes to the destination as it is */
};

/** The traits of each op. */
extern const u8 opcodes_traits[OP_COUNT];

/**
 * The row of an opcode.
 *
 * @param map    enum opcode_map
 * @param byte   the opcode byte
 * @return a row, whose op is OP_UNKNOWN if the opcode is not supported
 */
const struct opcode *opcodes_row(u8 map, u8 byte);

/**
 * The row of a group's member.
 *
 * @param group  the row with OP_GROUP
 * @param reg    ModRM's reg field without REX.R, 0 to 7
 */
const struct opcode *opcodes_member(const struct opcode *group, u8 reg);

#endif
