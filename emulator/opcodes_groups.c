/** @file
 * The groups of ModRM's reg field (SDM 2D A.4), and the rows that prefixes or
 * the mode pick.
 */
#include "emulator/opcodes_groups.h"

#include "emulator/opcodes_maps.h"

/* The eight operations that opcodes 00 to 3d and group 1 share, in order. */
#define ALU_MEMBERS(dst, src)                      \
	{                                          \
		{ OP_ADD, dst, src }, /* /0 */     \
		{ OP_OR, dst, src }, /* /1 */      \
		{ OP_ADC, dst, src }, /* /2 */     \
		{ OP_SBB, dst, src }, /* /3 */     \
		{ OP_AND, dst, src }, /* /4 */     \
		{ OP_SUB, dst, src }, /* /5 */     \
		{ OP_XOR, dst, src }, /* /6 */     \
		{ OP_CMP, dst, src }, /* /7 */     \
	}

static const struct opcode groups[GROUP_COUNT][8] = {
	[GROUP_80] = ALU_MEMBERS(Eb, Ib), /* ADD..CMP r/m8, imm8  80 /0../7 ib */
	[GROUP_81] = ALU_MEMBERS(Ev, Iz), /* ADD..CMP r/m, imm    81 /0../7 iz */
	[GROUP_83] = ALU_MEMBERS(Ev, Ib), /* ADD..CMP r/m, imm8   83 /0../7 ib */
	[GROUP_8F] = {
		[0] = { OP_POP, Ev, Stack },  /* POP r/m          8F /0 */
	},
	[GROUP_C6] = {
		[0] = { OP_MOV, Eb, Ib },     /* MOV r/m8, imm8   C6 /0 ib */
	},
	[GROUP_C7] = {
		[0] = { OP_MOV, Ev, Iz },     /* MOV r/m, imm     C7 /0 iz */
	},
	[GROUP_F6] = {
		[0] = { OP_TEST, Eb, Ib },    /* TEST r/m8, imm8  F6 /0 ib */
		[1] = { OP_TEST, Eb, Ib },    /* the same         F6 /1 ib */
		[2] = { OP_NOT, Eb },         /* NOT r/m8         F6 /2 */
		[3] = { OP_NEG, Eb },         /* NEG r/m8         F6 /3 */
	},
	[GROUP_F7] = {
		[0] = { OP_TEST, Ev, Iz },    /* TEST r/m, imm    F7 /0 iz */
		[1] = { OP_TEST, Ev, Iz },    /* the same         F7 /1 iz */
		[2] = { OP_NOT, Ev },         /* NOT r/m          F7 /2 */
		[3] = { OP_NEG, Ev },         /* NEG r/m          F7 /3 */
	},
	[GROUP_FE] = {
		[0] = { OP_INC, Eb },         /* INC r/m8         FE /0 */
		[1] = { OP_DEC, Eb },         /* DEC r/m8         FE /1 */
	},
	[GROUP_FF] = {
		[0] = { OP_INC, Ev },         /* INC r/m          FF /0 */
		[1] = { OP_DEC, Ev },         /* DEC r/m          FF /1 */
		[6] = { OP_PUSH, Stack, Ev }, /* PUSH r/m         FF /6 */
	},
};

/* Where 66h is but the operand size, its row repeats the one without. */
static const struct opcode prefixed[PREFIX_COUNT][4] = {
	[PREFIX_0F_B8] = {
		[MANDATORY_F3] = { OP_POPCNT, Gv, Ev },   /* POPCNT r, r/m  F3 0F B8 /r */
	},
	[PREFIX_0F_BC] = {
		[MANDATORY_NONE] = { OP_BSF, Gv, Ev },    /* BSF r, r/m     0F BC /r */
		[MANDATORY_66] = { OP_BSF, Gv, Ev },
		[MANDATORY_F3] = { OP_TZCNT, Gv, Ev },    /* TZCNT r, r/m   F3 0F BC /r */
		[MANDATORY_F2] = { OP_BSF, Gv, Ev },
	},
	[PREFIX_0F_BD] = {
		[MANDATORY_NONE] = { OP_BSR, Gv, Ev },    /* BSR r, r/m     0F BD /r */
		[MANDATORY_66] = { OP_BSR, Gv, Ev },
		[MANDATORY_F3] = { OP_LZCNT, Gv, Ev },    /* LZCNT r, r/m   F3 0F BD /r */
		[MANDATORY_F2] = { OP_BSR, Gv, Ev },
	},
};

/* Outside 64-bit mode, and in it. */
static const struct opcode moded[MODED_COUNT][2] = {
	[MODED_63] = {
		[1] = { OP_MOVSX, Gv, Ed },   /* MOVSXD r, r/m32  63 /r */
	},
};

const struct opcode *opcodes_groups_member(const struct opcode *group, u8 reg)
{
	return &groups[group->dst][reg & 7];
}

const struct opcode *opcodes_groups_prefixed(const struct opcode *row,
					     enum opcode_mandatory mandatory)
{
	return &prefixed[row->dst][mandatory];
}

const struct opcode *opcodes_groups_moded(const struct opcode *row,
					  bool mode_64)
{
	return &moded[row->dst][mode_64];
}
