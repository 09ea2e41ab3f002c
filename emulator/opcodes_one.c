/** @file
 * The one-byte opcode map (SDM 2D A.3, tables A-2).
 *
 * Missing here: the prefixes and 0F, which decode.c takes before it asks.
 *
 * Each row is written by its opcode, in the manual's own codes for operands,
 * with the encoding beside it: so a row can be held against the table of the
 * manual without knowing anything else of the emulator.
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
	[0x06] = { OP_PUSH_SEGMENT, None, None, None, I64 },/* PUSH ES           06 */
	[0x07] = { OP_POP_SEGMENT, None, None, None, I64 },/* POP ES            07 */
	ALU_ROWS(0x08, OP_OR),                /* OR               08..0D */
	[0x0e] = { OP_PUSH_SEGMENT, None, None, None, I64 },/* PUSH CS           0E */
	ALU_ROWS(0x10, OP_ADC),               /* ADC              10..15 */
	[0x16] = { OP_PUSH_SEGMENT, None, None, None, I64 },/* PUSH SS           16 */
	[0x17] = { OP_POP_SEGMENT, None, None, None, I64 },/* POP SS            17 */
	ALU_ROWS(0x18, OP_SBB),               /* SBB              18..1D */
	[0x1e] = { OP_PUSH_SEGMENT, None, None, None, I64 },/* PUSH DS           1E */
	[0x1f] = { OP_POP_SEGMENT, None, None, None, I64 },/* POP DS            1F */
	ALU_ROWS(0x20, OP_AND),               /* AND              20..25 */
	ALU_ROWS(0x28, OP_SUB),               /* SUB              28..2D */
	ALU_ROWS(0x30, OP_XOR),               /* XOR              30..35 */
	ALU_ROWS(0x38, OP_CMP),               /* CMP              38..3D */
	[0x27] = { OP_DAA, .marks = I64 },    /* DAA              27 */
	[0x2f] = { OP_DAS, .marks = I64 },    /* DAS              2F */
	[0x37] = { OP_AAA, .marks = I64 },    /* AAA              37 */
	[0x3f] = { OP_AAS, .marks = I64 },    /* AAS              3F */
	EIGHT_ROWS(0x40, OP_INC, Zv),         /* INC r            40+r, REX in 64-bit mode */
	EIGHT_ROWS(0x48, OP_DEC, Zv),         /* DEC r            48+r, REX in 64-bit mode */
	EIGHT_ROWS(0x50, OP_PUSH, Stack, Zv), /* PUSH r           50+r */
	EIGHT_ROWS(0x58, OP_POP, Zv, Stack),  /* POP r            58+r */
	[0x60] = { OP_PUSHA, .marks = I64 },  /* PUSHA            60 */
	[0x61] = { OP_POPA, .marks = I64 },   /* POPA             61 */
	[0x62] = MODED(62),                   /* BOUND, EVEX in 64-bit mode */
	[0x63] = MODED(63),                   /* MOVSXD, ARPL outside 64-bit mode */
	[0x68] = { OP_PUSH, Stack, Iz },      /* PUSH imm         68 iz */
	[0x69] = { OP_IMUL_REG, Gv, Ev, Iz }, /* IMUL r, r/m, imm 69 /r iz */
	[0x6a] = { OP_PUSH, Stack, Ib },      /* PUSH imm8        6A ib */
	[0x6b] = { OP_IMUL_REG, Gv, Ev, Ib }, /* IMUL r, r/m, imm8  6B /r ib */
	[0x6c] = { OP_INS, Yb, DX },          /* INSB             6C */
	[0x6d] = { OP_INS, Yz, DX },          /* INSW, D          6D */
	[0x6e] = { OP_OUTS, DX, Xb },         /* OUTSB            6E */
	[0x6f] = { OP_OUTS, DX, Xz },         /* OUTSW, D         6F */
	SIXTEEN_ROWS(0x70, OP_JCC, None, Jb), /* Jcc rel8         70+cc cb */
	[0x80] = GROUP(80),
	[0x81] = GROUP(81),
	[0x82] = MODED(82),                   /* as 80, outside 64-bit mode */
	[0x83] = GROUP(83),
	[0x84] = { OP_TEST, Eb, Gb },         /* TEST r/m8, r8    84 /r */
	[0x85] = { OP_TEST, Ev, Gv },         /* TEST r/m, r      85 /r */
	[0x86] = { OP_XCHG, Eb, Gb, None, LOCKED_ROW }, /* XCHG r/m8, r8    86 /r */
	[0x87] = { OP_XCHG, Ev, Gv, None, LOCKED_ROW }, /* XCHG r/m, r      87 /r */
	[0x88] = { OP_MOV, Eb, Gb },          /* MOV r/m8, r8     88 /r */
	[0x89] = { OP_MOV, Ev, Gv },          /* MOV r/m, r       89 /r */
	[0x8a] = { OP_MOV, Gb, Eb },          /* MOV r8, r/m8     8A /r */
	[0x8b] = { OP_MOV, Gv, Ev },          /* MOV r, r/m       8B /r */
	[0x8c] = { OP_GET_SEGMENT, Es, Sw },  /* MOV r/m, Sreg    8C /r */
	[0x8d] = { OP_LEA, Gv, M },           /* LEA r, m         8D /r */
	[0x8e] = { OP_SET_SEGMENT, Sw, Ew },  /* MOV Sreg, r/m16  8E /r */
	[0x8f] = GROUP(8F),
	[0x90] = { OP_XCHG_NOP, Zv, rAX },    /* NOP, PAUSE; XCHG r8, rAX  90 */
	[0x91] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      91 */
	[0x92] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      92 */
	[0x93] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      93 */
	[0x94] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      94 */
	[0x95] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      95 */
	[0x96] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      96 */
	[0x97] = { OP_XCHG, Zv, rAX },        /* XCHG r, rAX      97 */
	[0x98] = { OP_CBW, rAX, rAX },        /* CBW, CWDE, CDQE  98 */
	[0x99] = { OP_CWD, None, rAX },       /* CWD, CDQ, CQO    99 */
	[0x9a] = { OP_CALL_FAR, None, Iv, Iw, I64 },/* CALL ptr  9A cd cp */
	[0x9b] = { OP_X87_WAIT, None, None }, /* FWAIT            9B */
	[0x9c] = { OP_PUSHF, Stack },         /* PUSHF            9C */
	[0x9d] = { OP_POPF, None, Stack },    /* POPF             9D */
	[0x9e] = { OP_SAHF },                 /* SAHF             9E */
	[0x9f] = { OP_LAHF },                 /* LAHF             9F */
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
	[0xc0] = GROUP(C0),
	[0xc1] = GROUP(C1),
	[0xc2] = { OP_RET, None, Iw },        /* RET imm16        C2 iw */
	[0xc3] = { OP_RET },                  /* RET              C3 */
	[0xc4] = MODED(C4),                   /* LES, VEX in 64-bit mode */
	[0xc5] = MODED(C5),                   /* LDS, VEX in 64-bit mode */
	[0xc6] = GROUP(C6),
	[0xc7] = GROUP(C7),
	[0xc8] = { OP_ENTER, None, Iw, Ib },  /* ENTER            C8 iw ib */
	[0xc9] = { OP_LEAVE },                /* LEAVE            C9 */
	[0xca] = { OP_RET_FAR, None, Iw },    /* RET far imm16    CA iw */
	[0xcb] = { OP_RET_FAR, None, None },  /* RET far          CB */
	[0xcc] = { OP_INT3, None, None },     /* INT3             CC */
	[0xcd] = { OP_INT, None, Ib },        /* INT imm8         CD ib */
	[0xce] = { OP_INTO, None, None, None, I64 },/* INTO      CE */
	[0xcf] = { OP_IRET, None, None },     /* IRET             CF */
	[0xd0] = GROUP(D0),
	[0xd1] = GROUP(D1),
	[0xd2] = GROUP(D2),
	[0xd3] = GROUP(D3),
	[0xd4] = { OP_AAM, None, Ib, .marks = I64 }, /* AAM imm8  D4 ib */
	[0xd5] = { OP_AAD, None, Ib, .marks = I64 }, /* AAD imm8  D5 ib */
	[0xd7] = { OP_MOV, AL, Table },       /* XLAT             D7 */
	[0xd9] = GROUP(D9),
	[0xdb] = GROUP(DB),
	[0xdd] = GROUP(DD),
	[0xdf] = GROUP(DF),
	[0xe0] = { OP_LOOPNE, None, Jb },     /* LOOPNE rel8      E0 cb */
	[0xe1] = { OP_LOOPE, None, Jb },      /* LOOPE rel8       E1 cb */
	[0xe2] = { OP_LOOP, None, Jb },       /* LOOP rel8        E2 cb */
	[0xe3] = { OP_JCXZ, None, Jb },       /* JCXZ rel8        E3 cb */
	[0xe4] = { OP_IN, AL, Ib },           /* IN AL, imm8      E4 ib */
	[0xe5] = { OP_IN, eAX, Ib },          /* IN eAX, imm8     E5 ib */
	[0xe6] = { OP_OUT, Ib, AL },          /* OUT imm8, AL     E6 ib */
	[0xe7] = { OP_OUT, Ib, eAX },         /* OUT imm8, eAX    E7 ib */
	[0xe8] = { OP_CALL, None, Jz },       /* CALL rel         E8 cz */
	[0xe9] = { OP_JMP, None, Jz },        /* JMP rel          E9 cz */
	[0xea] = { OP_JMP_FAR, None, Iv, Iw, I64 },/* JMP ptr    EA cd cp */
	[0xeb] = { OP_JMP, None, Jb },        /* JMP rel8         EB cb */
	[0xec] = { OP_IN, AL, DX },           /* IN AL, DX        EC */
	[0xed] = { OP_IN, eAX, DX },          /* IN eAX, DX       ED */
	[0xee] = { OP_OUT, DX, AL },          /* OUT DX, AL       EE */
	[0xef] = { OP_OUT, DX, eAX },         /* OUT DX, eAX      EF */
	[0xf4] = { OP_HLT, None, None },      /* HLT              F4 */
	[0xf5] = { OP_CMC },                  /* CMC              F5 */
	[0xf6] = GROUP(F6),
	[0xf7] = GROUP(F7),
	[0xf8] = { OP_CLC },                  /* CLC              F8 */
	[0xf9] = { OP_STC },                  /* STC              F9 */
	[0xfa] = { OP_CLI },                  /* CLI              FA */
	[0xfb] = { OP_STI },                  /* STI              FB */
	[0xfc] = { OP_CLD },                  /* CLD              FC */
	[0xfd] = { OP_STD },                  /* STD              FD */
	[0xfe] = GROUP(FE),
	[0xff] = GROUP(FF),
};
