/** @file
 * What follows each opcode (SDM 2D tables ), and which instructions
 * read and write their memory operand.
 *
 * Rows name ranges of opcodes; an opcode without a row has nothing behind it.
 * In 64-bit mode some one-byte opcodes are REX prefixes, which the decoder has
 * taken off before it looks here.
 */
#include "hv/softvmx/svm_opcode.h"

#include "hv/softvmx/svm_decode.h"

/** ADD to CMP: eight opcodes each, six of which are real. */
#define ALU(first)                                      \
	[(first)... (first) + 3] = INSN_MODRM,          \
	[(first) + 4] = INSN_IMM8, [(first) + 5] = INSN_IMMZ

/* clang-format off */
const u8 svm_opcode_one[256] = {
	ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18),
	ALU(0x20), ALU(0x28), ALU(0x30), ALU(0x38),
	[0x62] = INSN_MODRM,			/* BOUND */
	[0x63] = INSN_MODRM,			/* MOVSXD, ARPL */
	[0x68] = INSN_IMMZ,			/* PUSH */
	[0x69] = INSN_MODRM | INSN_IMMZ,	/* IMUL */
	[0x6a] = INSN_IMM8,			/* PUSH */
	[0x6b] = INSN_MODRM | INSN_IMM8,	/* IMUL */
	[0x70 ... 0x7f] = INSN_IMM8,		/* Jcc */
	[0x80] = INSN_MODRM | INSN_IMM8,	/* group 1 */
	[0x81] = INSN_MODRM | INSN_IMMZ,
	[0x82 ... 0x83] = INSN_MODRM | INSN_IMM8,
	[0x84 ... 0x8f] = INSN_MODRM,		/* TEST XCHG MOV LEA POP */
	[0x9a] = INSN_IMMZ | INSN_IMM16,	/* CALL far */
	[0xa0 ... 0xa3] = INSN_MOFFS,		/* MOV */
	[0xa8] = INSN_IMM8,			/* TEST */
	[0xa9] = INSN_IMMZ,
	[0xb0 ... 0xb7] = INSN_IMM8,		/* MOV */
	[0xb8 ... 0xbf] = INSN_IMMV,
	[0xc0 ... 0xc1] = INSN_MODRM | INSN_IMM8, /* group 2 */
	[0xc2] = INSN_IMM16,			/* RET */
	[0xc4 ... 0xc5] = INSN_MODRM,		/* LES LDS */
	[0xc6] = INSN_MODRM | INSN_IMM8,	/* MOV */
	[0xc7] = INSN_MODRM | INSN_IMMZ,
	[0xc8] = INSN_IMM16 | INSN_IMM8,	/* ENTER */
	[0xca] = INSN_IMM16,			/* RET far */
	[0xcd] = INSN_IMM8,			/* INT */
	[0xd0 ... 0xd3] = INSN_MODRM,		/* group 2 */
	[0xd4 ... 0xd5] = INSN_IMM8,		/* AAM AAD */
	[0xd8 ... 0xdf] = INSN_MODRM,		/* x87 */
	[0xe0 ... 0xe7] = INSN_IMM8,		/* LOOP JCXZ IN OUT */
	[0xe8 ... 0xe9] = INSN_IMMZ,		/* CALL JMP */
	[0xea] = INSN_IMMZ | INSN_IMM16,	/* JMP far */
	[0xeb] = INSN_IMM8,
	[0xf6 ... 0xf7] = INSN_MODRM | INSN_GROUP3,
	[0xfe ... 0xff] = INSN_MODRM,		/* groups 4 and 5 */
};

const u8 insn_table_0f[256] = {
	[0x00 ... 0x03] = INSN_MODRM,		/* groups 6 and 7, LAR LSL */
	[0x0d] = INSN_MODRM,			/* PREFETCHW */
	[0x0f] = INSN_MODRM | INSN_IMM8,	/* 3DNow! */
	[0x10 ... 0x2f] = INSN_MODRM,		/* SSE, NOP, MOV CR and DR */
	[0x40 ... 0x6f] = INSN_MODRM,		/* CMOVcc, SSE */
	[0x70 ... 0x73] = INSN_MODRM | INSN_IMM8,
	[0x74 ... 0x76] = INSN_MODRM,
	[0x78 ... 0x7f] = INSN_MODRM,		/* VMREAD, VMWRITE, SSE */
	[0x80 ... 0x8f] = INSN_IMMZ,		/* Jcc */
	[0x90 ... 0x9f] = INSN_MODRM,		/* SETcc */
	[0xa3] = INSN_MODRM,			/* BT */
	[0xa4] = INSN_MODRM | INSN_IMM8,	/* SHLD */
	[0xa5] = INSN_MODRM,
	[0xab] = INSN_MODRM,			/* BTS */
	[0xac] = INSN_MODRM | INSN_IMM8,	/* SHRD */
	[0xad ... 0xb9] = INSN_MODRM,		/* group 15 to MOVZX */
	[0xba] = INSN_MODRM | INSN_IMM8,	/* group 8 */
	[0xbb ... 0xc1] = INSN_MODRM,
	[0xc2] = INSN_MODRM | INSN_IMM8,	/* CMPPS */
	[0xc3] = INSN_MODRM,			/* MOVNTI */
	[0xc4 ... 0xc6] = INSN_MODRM | INSN_IMM8,
	[0xc7] = INSN_MODRM,			/* group 9 */
	[0xd0 ... 0xff] = INSN_MODRM,		/* SSE */
};
/* clang-format on */

/** One-byte map: group members are told apart by ModRM.reg. */
static bool is_rmw_one(u8 opcode, u8 reg)
{
	if (opcode < 0x38) {
		return (opcode & 7) < 2; /* ADD to XOR with r/m first */
	}
	switch (opcode) {
	case 0x80 ... 0x83:
		return reg != 7; /* all but CMP */
	case 0x86 ... 0x87: /* XCHG */
	case 0xc0 ... 0xc1:
	case 0xd0 ... 0xd3: /* shifts */
		return true;
	case 0xf6 ... 0xf7:
		return reg == 2 || reg == 3; /* NOT, NEG */
	case 0xfe ... 0xff:
		return reg < 2; /* INC, DEC */
	default:
		return false;
	}
}

static bool is_rmw_0f(u8 opcode, u8 reg)
{
	switch (opcode) {
	case 0xa4 ... 0xa5:
	case 0xac ... 0xad: /* SHLD, SHRD */
	case 0xab:
	case 0xb3:
	case 0xbb: /* BTS, BTR, BTC */
	case 0xb0 ... 0xb1: /* CMPXCHG */
	case 0xc0 ... 0xc1: /* XADD */
		return true;
	case 0xba:
		return reg > 4;
	case 0xc7:
		return reg == 1; /* CMPXCHG8B */
	default:
		return false;
	}
}

bool svm_opcode_is_rmw(const struct svm_insn *insn)
{
	u8 reg = insn->modrm >> 3 & 7;

	if (!insn->has_modrm || !insn->has_memory) {
		return false;
	}
	if (insn->map == INSN_MAP_ONE) {
		return is_rmw_one(insn->opcode, reg);
	}
	return insn->map == INSN_MAP_0F && is_rmw_0f(insn->opcode, reg);
}
