/** @file
 * The one-byte opcode map (SDM 2D A.3, tables A-2).
 *
 * Missing here: the prefixes and 0F, which decode.c takes before it asks.
 */
#include "emulator/opcodes_maps.h"

/* The six rows that each operation of opcodes 00 to 3d has. */
#define ALU_ROWS(first, op)                                \
	[(first) + 0] = { op, Eb, Gb }, /* r/m8, r8 */     \
	[(first) + 1] = { op, Ev, Gv }, /* r/m, r */       \
	[(first) + 2] = { op, Gb, Eb }, /* r8, r/m8 */     \
	[(first) + 3] = { op, Gv, Ev }, /* r, r/m */       \
	[(first) + 4] = { op, AL, Ib }, /* AL, imm8 */     \
	[(first) + 5] = { op, rAX, Iz } /* rAX, imm */

const struct opcode opcodes_one[256] = {
	ALU_ROWS(0x00, OP_ADD),               /* ADD              00..05 */
	ALU_ROWS(0x08, OP_OR),                /* OR               08..0D */
	ALU_ROWS(0x10, OP_ADC),               /* ADC              10..15 */
	ALU_ROWS(0x18, OP_SBB),               /* SBB              18..1D */
	ALU_ROWS(0x20, OP_AND),               /* AND              20..25 */
	ALU_ROWS(0x28, OP_SUB),               /* SUB              28..2D */
	ALU_ROWS(0x30, OP_XOR),               /* XOR              30..35 */
	ALU_ROWS(0x38, OP_CMP),               /* CMP              38..3D */
	EIGHT_ROWS(0x40, OP_INC, Zv),         /* INC r            40+r, REX in 64-bit mode */
	EIGHT_ROWS(0x48, OP_DEC, Zv),         /* DEC r            48+r, REX in 64-bit mode */
	EIGHT_ROWS(0x50, OP_PUSH, Stack, Zv), /* PUSH r           50+r */
	EIGHT_ROWS(0x58, OP_POP, Zv, Stack),  /* POP r            58+r */
	[0x63] = MODED(63),                   /* MOVSXD, ARPL outside 64-bit mode */
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
