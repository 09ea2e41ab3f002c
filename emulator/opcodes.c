/** @file
 * The opcode tables: what each byte means.
 *
 * A row is written the way the SDM writes it in appendix A: the operation,
 * then its operands in operand codes, the destination first.  The encoding
 * stands beside it.  decode.c asks for the row of the byte in its hand and
 * learns from the operand codes what else belongs to the instruction: a ModRM
 * byte, an immediate, an absolute offset.
 *
 * An opcode that has no row here is not supported, and that is an answer as
 * well: it ends in EMUL_UNHANDLEABLE with the bytes in the message, and
 * emulator/test/unsupported.txt lists every one of them.
 *
 * Adding an instruction is adding its row, and a case in execute.c if the
 * operation is new.  Rows whose meaning hangs on ModRM's reg field are groups
 * (SDM 2D A.4): eight rows of their own.
 */
#include "emulator/opcodes.h"

#define RMW (OP_READS_DST | OP_WRITES_DST | OP_LOCKABLE)

const u8 opcodes_traits[OP_COUNT] = {
	[OP_MOV] = OP_WRITES_DST | OP_MOVES,
	[OP_MOVZX] = OP_WRITES_DST | OP_MOVES,
	[OP_MOVSX] = OP_WRITES_DST,
	[OP_LEA] = OP_WRITES_DST | OP_MOVES,
	[OP_ADD] = RMW,
	[OP_OR] = RMW,
	[OP_ADC] = RMW,
	[OP_SBB] = RMW,
	[OP_AND] = RMW,
	[OP_SUB] = RMW,
	[OP_XOR] = RMW,
	[OP_CMP] = OP_READS_DST,
	[OP_TEST] = OP_READS_DST,
	[OP_NOT] = RMW,
	[OP_NEG] = RMW,
	[OP_INC] = RMW,
	[OP_DEC] = RMW,
	[OP_XCHG] = RMW | OP_WRITES_MORE,
	[OP_XADD] = RMW | OP_WRITES_MORE,
	[OP_CMPXCHG] = RMW | OP_WRITES_MORE,
	[OP_PUSH] = OP_WRITES_DST | OP_WRITES_MORE | OP_TWO_MEMORY | OP_STACK_SIZE,
	[OP_POP] = OP_WRITES_DST | OP_WRITES_MORE | OP_TWO_MEMORY | OP_STACK_SIZE,
	[OP_MOVS] = OP_WRITES_DST | OP_MOVES | OP_TWO_MEMORY | OP_STRING,
	[OP_CMPS] = OP_READS_DST | OP_TWO_MEMORY | OP_STRING,
	[OP_STOS] = OP_WRITES_DST | OP_MOVES | OP_STRING,
	[OP_LODS] = OP_WRITES_DST | OP_MOVES | OP_STRING,
	[OP_SCAS] = OP_READS_DST | OP_STRING,
};

enum opcode_group {
	GROUP_80,
	GROUP_81,
	GROUP_83,
	GROUP_8F,
	GROUP_C6,
	GROUP_C7,
	GROUP_F6,
	GROUP_F7,
	GROUP_FE,
	GROUP_FF,
	GROUP_COUNT,
};

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
		[2] = { OP_NOT, Eb, None },   /* NOT r/m8         F6 /2 */
		[3] = { OP_NEG, Eb, None },   /* NEG r/m8         F6 /3 */
	},
	[GROUP_F7] = {
		[0] = { OP_TEST, Ev, Iz },    /* TEST r/m, imm    F7 /0 iz */
		[1] = { OP_TEST, Ev, Iz },    /* the same         F7 /1 iz */
		[2] = { OP_NOT, Ev, None },   /* NOT r/m          F7 /2 */
		[3] = { OP_NEG, Ev, None },   /* NEG r/m          F7 /3 */
	},
	[GROUP_FE] = {
		[0] = { OP_INC, Eb, None },   /* INC r/m8         FE /0 */
		[1] = { OP_DEC, Eb, None },   /* DEC r/m8         FE /1 */
	},
	[GROUP_FF] = {
		[0] = { OP_INC, Ev, None },   /* INC r/m          FF /0 */
		[1] = { OP_DEC, Ev, None },   /* DEC r/m          FF /1 */
		[6] = { OP_PUSH, Stack, Ev }, /* PUSH r/m         FF /6 */
	},
};

#define GROUP(name) { OP_GROUP, GROUP_##name, None }

/* The six rows that each operation of opcodes 00 to 3d has. */
#define ALU_ROWS(first, op)                                \
	[(first) + 0] = { op, Eb, Gb }, /* r/m8, r8 */     \
	[(first) + 1] = { op, Ev, Gv }, /* r/m, r */       \
	[(first) + 2] = { op, Gb, Eb }, /* r8, r/m8 */     \
	[(first) + 3] = { op, Gv, Ev }, /* r, r/m */       \
	[(first) + 4] = { op, AL, Ib }, /* AL, imm8 */     \
	[(first) + 5] = { op, rAX, Iz } /* rAX, imm */

/* The same row for the eight registers of Z. */
#define EIGHT_ROWS(first, ...)              \
	[(first) + 0] = { __VA_ARGS__ },    \
	[(first) + 1] = { __VA_ARGS__ },    \
	[(first) + 2] = { __VA_ARGS__ },    \
	[(first) + 3] = { __VA_ARGS__ },    \
	[(first) + 4] = { __VA_ARGS__ },    \
	[(first) + 5] = { __VA_ARGS__ },    \
	[(first) + 6] = { __VA_ARGS__ },    \
	[(first) + 7] = { __VA_ARGS__ }

static const struct opcode one_byte[] = {
	ALU_ROWS(0x00, OP_ADD),               /* ADD              00..05 */
	ALU_ROWS(0x08, OP_OR),                /* OR               08..0D */
	ALU_ROWS(0x10, OP_ADC),               /* ADC              10..15 */
	ALU_ROWS(0x18, OP_SBB),               /* SBB              18..1D */
	ALU_ROWS(0x20, OP_AND),               /* AND              20..25 */
	ALU_ROWS(0x28, OP_SUB),               /* SUB              28..2D */
	ALU_ROWS(0x30, OP_XOR),               /* XOR              30..35 */
	ALU_ROWS(0x38, OP_CMP),               /* CMP              38..3D */
	EIGHT_ROWS(0x40, OP_INC, Zv, None),   /* INC r            40+r, REX in 64-bit mode */
	EIGHT_ROWS(0x48, OP_DEC, Zv, None),   /* DEC r            48+r, REX in 64-bit mode */
	EIGHT_ROWS(0x50, OP_PUSH, Stack, Zv), /* PUSH r           50+r */
	EIGHT_ROWS(0x58, OP_POP, Zv, Stack),  /* POP r            58+r */
	[0x63] = { OP_MOVSX, Gv, Ed },        /* MOVSXD r, r/m32  63 /r, ARPL outside */
	[0x68] = { OP_PUSH, Stack, Iz },      /* PUSH imm         68 iz */
	[0x6a] = { OP_PUSH, Stack, Ib },      /* PUSH imm8        6A ib */
	[0x80] = GROUP(80),
	[0x81] = GROUP(81),
	[0x83] = GROUP(83),
	[0x84] = { OP_TEST, Eb, Gb },         /* TEST r/m8, r8    84 /r */
	[0x85] = { OP_TEST, Ev, Gv },         /* TEST r/m, r      85 /r */
	[0x86] = { OP_XCHG, Eb, Gb },         /* XCHG r/m8, r8    86 /r */
	[0x87] = { OP_XCHG, Ev, Gv },         /* XCHG r/m, r      87 /r */
	[0x88] = { OP_MOV, Eb, Gb },          /* MOV r/m8, r8     88 /r */
	[0x89] = { OP_MOV, Ev, Gv },          /* MOV r/m, r       89 /r */
	[0x8a] = { OP_MOV, Gb, Eb },          /* MOV r8, r/m8     8A /r */
	[0x8b] = { OP_MOV, Gv, Ev },          /* MOV r, r/m       8B /r */
	[0x8d] = { OP_LEA, Gv, M },           /* LEA r, m         8D /r */
	[0x8f] = GROUP(8F),
	[0xa0] = { OP_MOV, AL, Ob },          /* MOV AL, moffs8   A0 */
	[0xa1] = { OP_MOV, rAX, Ov },         /* MOV rAX, moffs   A1 */
	[0xa2] = { OP_MOV, Ob, AL },          /* MOV moffs8, AL   A2 */
	[0xa3] = { OP_MOV, Ov, rAX },         /* MOV moffs, rAX   A3 */
	[0xa4] = { OP_MOVS, Yb, Xb },         /* MOVSB            A4 */
	[0xa5] = { OP_MOVS, Yv, Xv },         /* MOVSW, D, Q      A5 */
	[0xa6] = { OP_CMPS, Xb, Yb },         /* CMPSB            A6 */
	[0xa7] = { OP_CMPS, Xv, Yv },         /* CMPSW, D, Q      A7 */
	[0xa8] = { OP_TEST, AL, Ib },         /* TEST AL, imm8    A8 ib */
	[0xa9] = { OP_TEST, rAX, Iz },        /* TEST rAX, imm    A9 iz */
	[0xaa] = { OP_STOS, Yb, AL },         /* STOSB            AA */
	[0xab] = { OP_STOS, Yv, rAX },        /* STOSW, D, Q      AB */
	[0xac] = { OP_LODS, AL, Xb },         /* LODSB            AC */
	[0xad] = { OP_LODS, rAX, Xv },        /* LODSW, D, Q      AD */
	[0xae] = { OP_SCAS, AL, Yb },         /* SCASB            AE */
	[0xaf] = { OP_SCAS, rAX, Yv },        /* SCASW, D, Q      AF */
	EIGHT_ROWS(0xb0, OP_MOV, Zb, Ib),     /* MOV r8, imm8     B0+r ib */
	EIGHT_ROWS(0xb8, OP_MOV, Zv, Iv),     /* MOV r, imm       B8+r iv */
	[0xc6] = GROUP(C6),
	[0xc7] = GROUP(C7),
	[0xf6] = GROUP(F6),
	[0xf7] = GROUP(F7),
	[0xfe] = GROUP(FE),
	[0xff] = GROUP(FF),
};

static const struct opcode two_byte[] = {
	[0xb0] = { OP_CMPXCHG, Eb, Gb },      /* CMPXCHG r/m8, r8 0F B0 /r */
	[0xb1] = { OP_CMPXCHG, Ev, Gv },      /* CMPXCHG r/m, r   0F B1 /r */
	[0xb6] = { OP_MOVZX, Gv, Eb },        /* MOVZX r, r/m8    0F B6 /r */
	[0xb7] = { OP_MOVZX, Gv, Ew },        /* MOVZX r, r/m16   0F B7 /r */
	[0xbe] = { OP_MOVSX, Gv, Eb },        /* MOVSX r, r/m8    0F BE /r */
	[0xbf] = { OP_MOVSX, Gv, Ew },        /* MOVSX r, r/m16   0F BF /r */
	[0xc0] = { OP_XADD, Eb, Gb },         /* XADD r/m8, r8    0F C0 /r */
	[0xc1] = { OP_XADD, Ev, Gv },         /* XADD r/m, r      0F C1 /r */
	[0xff] = { OP_UNKNOWN, None, None },  /* UD0              0F FF */
};

/* A designated row past the end would silently grow a table. */
_Static_assert(ARRAY_SIZE(one_byte) == 256, "one row an opcode byte");
_Static_assert(ARRAY_SIZE(two_byte) == 256, "one row an opcode byte");

const struct opcode *opcodes_row(u8 map, u8 byte)
{
	return map == MAP_ONE_BYTE ? &one_byte[byte] : &two_byte[byte];
}

const struct opcode *opcodes_member(const struct opcode *group, u8 reg)
{
	return &groups[group->dst][reg & 7];
}
