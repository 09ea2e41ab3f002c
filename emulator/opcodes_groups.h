/** @file
 * Rows that hang on more than the opcode byte.
 *
 * A group's eight rows are picked by ModRM's reg field.  A prefixed opcode has
 * four: without a mandatory prefix, with 66h, with F3h, with F2h; F3h and F2h
 * go before 66h (SDM 2D A.2.1).  A moded opcode has two: outside 64-bit mode
 * and in it: 0F BC is TZCNT or BSF by its prefix, 63 is ARPL or MOVSXD by the
 * mode.  The mode may lead to a group.
 */
#ifndef EMULATOR_OPCODES_GROUPS_H
#define EMULATOR_OPCODES_GROUPS_H

#include "emulator/opcodes.h"

enum opcode_group {
	GROUP_80,
	GROUP_81,
	GROUP_83,
	GROUP_8F,
	GROUP_C0,
	GROUP_C1,
	GROUP_C6,
	GROUP_C7,
	GROUP_D0,
	GROUP_D1,
	GROUP_D2,
	GROUP_D3,
	GROUP_D9, /* x87 */
	GROUP_DB,
	GROUP_DD,
	GROUP_DF,
	GROUP_F6,
	GROUP_F7,
	GROUP_FE,
	GROUP_FF,
	GROUP_0F_00,
	GROUP_0F_01,
	GROUP_0F_BA,
	GROUP_0F_C7,
	GROUP_COUNT,
};

enum opcode_prefixed {
	PREFIX_0F_B8, /* POPCNT */
	PREFIX_0F_BC, /* BSF, TZCNT */
	PREFIX_0F_BD, /* BSR, LZCNT */
	PREFIX_0F_10,
	PREFIX_0F_11,
	PREFIX_0F_12,
	PREFIX_0F_13,
	PREFIX_0F_16,
	PREFIX_0F_17,
	PREFIX_0F_28,
	PREFIX_0F_29,
	PREFIX_0F_2B,
	PREFIX_0F_6E,
	PREFIX_0F_6F,
	PREFIX_0F_7E,
	PREFIX_0F_7F,
	PREFIX_0F_C3,
	PREFIX_0F_D6,
	PREFIX_0F_E7,
	PREFIX_0F_F0,
	PREFIX_0F38_2A,
	PREFIX_0F38_F0, /* MOVBE, CRC32 */
	PREFIX_0F38_F1, /* MOVBE, CRC32 */
	PREFIX_0F38_F6, /* ADCX, ADOX */
	PREFIX_COUNT,
};

/** Which of the four rows. */
enum opcode_mandatory {
	MANDATORY_NONE,
	MANDATORY_66,
	MANDATORY_F3,
	MANDATORY_F2,
};

enum opcode_moded {
	MODED_62, /* BOUND, EVEX in 64-bit mode */
	MODED_63, /* MOVSXD, ARPL outside 64-bit mode */
	MODED_C4, /* LES; VEX in 64-bit mode */
	MODED_C5, /* LDS; the same */
	MODED_82, /* as 80, nothing in 64-bit mode */
	MODED_COUNT,
};

/** VMCALL is 0F 01 C1: SGDT's opcode with a register. */
#define MODRM_VMCALL 0xc1

/** The rows; the functions below look into them. */
extern const struct opcode opcodes_groups_members[GROUP_COUNT][8];
extern const struct opcode opcodes_groups_vmcall;
extern const struct opcode opcodes_groups_x87[2];
extern const struct opcode opcodes_groups_prefixes[PREFIX_COUNT][4];
extern const struct opcode opcodes_groups_modes[MODED_COUNT][2];

/**
 * The row of a group's member.
 *
 * @param group  the row with OP_GROUP
 * @param reg    ModRM's reg field; REX.R does not count
 */
static inline const struct opcode *
opcodes_groups_member(const struct opcode *group, u8 reg)
{
	return &opcodes_groups_members[group->dst][reg & 7];
}

/**
 * The row of a member that has none but for memory: without memory it may be
 * an instruction of its own, by the whole ModRM byte and without a mandatory
 * prefix.
 *
 * @param member  the row with MEMORY_ROW; with OP_UNKNOWN dst and src are the
 *                first and the last ModRM byte of those few, third their op
 * @param modrm   the byte
 */
static inline const struct opcode *
opcodes_groups_form(const struct opcode *member, u8 modrm)
{
	bool is_call = member->op == OP_SGDT && modrm == MODRM_VMCALL;

	if (member->op == OP_UNKNOWN && modrm >= member->dst &&
	    modrm <= member->src) {
		return &opcodes_groups_x87[member->third != OP_X87_CONTROL];
	}
	return is_call ? &opcodes_groups_vmcall : member;
}

/**
 * The row that the prefixes pick.
 *
 * @param prefixed   the row with OP_PREFIX
 * @param mandatory  which of its four
 */
static inline const struct opcode *
opcodes_groups_prefixed(const struct opcode *prefixed,
			enum opcode_mandatory mandatory)
{
	return &opcodes_groups_prefixes[prefixed->dst][mandatory];
}

/**
 * The row that the mode picks.
 *
 * @param moded   the row with OP_MODE
 * @param mode_64 whether it is 64-bit mode
 */
static inline const struct opcode *
opcodes_groups_moded(const struct opcode *moded, bool mode_64)
{
	return &opcodes_groups_modes[moded->dst][mode_64];
}

#endif
