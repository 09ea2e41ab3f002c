/** @file
 * The opcode map after 0F (SDM 2D A.3, tables A-3).
 *
 * A row that is missing is an opcode which is not supported, and is left to the
 * VMM or becomes #UD at CPL 3 (spec 3.8); a test keeps the list of them
 * (emulator/test/unsupported.txt).  Most of what is missing is vector
 * arithmetic: nobody applies it to a device.
 */
#include "emulator/opcodes_maps.h"

const struct opcode opcodes_0f[256] = {
	[0x00] = GROUP(0F_00),                /* SLDT, STR, LLDT, LTR, VERR, VERW */
	[0x01] = GROUP(0F_01),                /* SGDT, SIDT, LGDT, LIDT, SMSW, LMSW, INVLPG */
	[0x02] = { OP_LAR, Gv, Ew },          /* LAR r, r/m16     0F 02 /r */
	[0x03] = { OP_LSL, Gv, Ew },          /* LSL r, r/m16     0F 03 /r */
	[0x06] = { OP_CLTS, None, None },     /* CLTS             0F 06 */
	[0x08] = { OP_CACHE, None, None },    /* INVD             0F 08 */
	[0x09] = { OP_CACHE, None, None },    /* WBINVD           0F 09 */
	[0x0b] = { OP_UD },                   /* UD2              0F 0B */
	[0x0d] = { OP_NOP, ModRM },           /* PREFETCHW        0F 0D /1 */
	[0x10] = PREFIX(0F_10),               /* MOVUPS, MOVUPD, MOVSS, MOVSD */
	[0x11] = PREFIX(0F_11),               /* the same to memory */
	[0x12] = PREFIX(0F_12),               /* MOVLPS, MOVLPD */
	[0x13] = PREFIX(0F_13),               /* the same to memory */
	[0x16] = PREFIX(0F_16),               /* MOVHPS, MOVHPD */
	[0x17] = PREFIX(0F_17),               /* the same to memory */
	[0x18] = { OP_NOP, ModRM },           /* PREFETCHh        0F 18 /r */
	[0x19] = { OP_NOP, ModRM },           /* NOP r/m          0F 19 /r */
	[0x1c] = { OP_NOP, ModRM },           /* NOP r/m          0F 1C /r */
	[0x1d] = { OP_NOP, ModRM },           /* NOP r/m          0F 1D /r */
	[0x1e] = { OP_NOP, ModRM },           /* NOP r/m, ENDBR   0F 1E /r */
	[0x1f] = { OP_NOP, ModRM },           /* NOP r/m          0F 1F /0 */
	[0x20] = { OP_GET_CR, Ry, Cy, None, REGISTER_ROW },/* MOV r, CR        0F 20 /r */
	[0x21] = { OP_GET_DR, Ry, Dy, None, REGISTER_ROW },/* MOV r, DR        0F 21 /r */
	[0x22] = { OP_SET_CR, Cy, Ry, None, REGISTER_ROW },/* MOV CR, r        0F 22 /r */
	[0x23] = { OP_SET_DR, Dy, Ry, None, REGISTER_ROW },/* MOV DR, r        0F 23 /r */
	[0x28] = PREFIX(0F_28),               /* MOVAPS, MOVAPD */
	[0x29] = PREFIX(0F_29),               /* the same to memory */
	[0x2b] = PREFIX(0F_2B),               /* MOVNTPS, MOVNTPD */
	[0x30] = { OP_WRMSR, None, None },    /* WRMSR            0F 30 */
	[0x31] = { OP_RDTSC, None, None },    /* RDTSC            0F 31 */
	[0x32] = { OP_RDMSR, None, None },    /* RDMSR            0F 32 */
	SIXTEEN_ROWS(0x40, OP_CMOVCC, Gv, Ev), /* CMOVcc r, r/m   0F 40+cc /r */
	[0x6e] = PREFIX(0F_6E),               /* MOVD, MOVQ */
	[0x6f] = PREFIX(0F_6F),               /* MOVDQA, MOVDQU */
	[0x7e] = PREFIX(0F_7E),               /* MOVD, MOVQ */
	[0x7f] = PREFIX(0F_7F),               /* MOVDQA, MOVDQU to memory */
	SIXTEEN_ROWS(0x80, OP_JCC, None, Jz), /* Jcc rel          0F 80+cc cz */
	SIXTEEN_ROWS(0x90, OP_SETCC, Eb),     /* SETcc r/m8       0F 90+cc /0 */
	[0xa0] = { OP_PUSH_SEGMENT, None, None },/* PUSH FS          0F A0 */
	[0xa1] = { OP_POP_SEGMENT, None, None },/* POP FS           0F A1 */
	[0xa2] = { OP_CPUID, None, None },    /* CPUID            0F A2 */
	[0xa3] = { OP_BT, Ev, Gv },           /* BT r/m, r        0F A3 /r */
	[0xa4] = { OP_SHLD, Ev, Gv, Ib },     /* SHLD r/m, r, imm8  0F A4 /r ib */
	[0xa5] = { OP_SHLD, Ev, Gv, CL },     /* SHLD r/m, r, CL  0F A5 /r */
	[0xa8] = { OP_PUSH_SEGMENT, None, None },/* PUSH GS          0F A8 */
	[0xa9] = { OP_POP_SEGMENT, None, None },/* POP GS           0F A9 */
	[0xab] = { OP_BTS, Ev, Gv },          /* BTS r/m, r       0F AB /r */
	[0xac] = { OP_SHRD, Ev, Gv, Ib },     /* SHRD r/m, r, imm8  0F AC /r ib */
	[0xad] = { OP_SHRD, Ev, Gv, CL },     /* SHRD r/m, r, CL  0F AD /r */
	[0xaf] = { OP_IMUL_REG, Gv, Ev },     /* IMUL r, r/m      0F AF /r */
	[0xb0] = { OP_CMPXCHG, Eb, Gb },      /* CMPXCHG r/m8, r8 0F B0 /r */
	[0xb1] = { OP_CMPXCHG, Ev, Gv },      /* CMPXCHG r/m, r   0F B1 /r */
	[0xb2] = { OP_LOAD_FAR, Gv, Mp },     /* LSS r, m         0F B2 /r */
	[0xb3] = { OP_BTR, Ev, Gv },          /* BTR r/m, r       0F B3 /r */
	[0xb4] = { OP_LOAD_FAR, Gv, Mp },     /* LFS r, m         0F B4 /r */
	[0xb5] = { OP_LOAD_FAR, Gv, Mp },     /* LGS r, m         0F B5 /r */
	[0xb6] = { OP_MOVZX, Gv, Eb },        /* MOVZX r, r/m8    0F B6 /r */
	[0xb7] = { OP_MOVZX, Gv, Ew },        /* MOVZX r, r/m16   0F B7 /r */
	[0xb8] = PREFIX(0F_B8),               /* POPCNT */
	[0xb9] = { OP_UD, ModRM },            /* UD1              0F B9 /r */
	[0xba] = GROUP(0F_BA),
	[0xbb] = { OP_BTC, Ev, Gv },          /* BTC r/m, r       0F BB /r */
	[0xbc] = PREFIX(0F_BC),               /* BSF, TZCNT */
	[0xbd] = PREFIX(0F_BD),               /* BSR, LZCNT */
	[0xbe] = { OP_MOVSX, Gv, Eb },        /* MOVSX r, r/m8    0F BE /r */
	[0xbf] = { OP_MOVSX, Gv, Ew },        /* MOVSX r, r/m16   0F BF /r */
	[0xc0] = { OP_XADD, Eb, Gb },         /* XADD r/m8, r8    0F C0 /r */
	[0xc1] = { OP_XADD, Ev, Gv },         /* XADD r/m, r      0F C1 /r */
	[0xc3] = PREFIX(0F_C3),               /* MOVNTI */
	[0xc7] = GROUP(0F_C7),
	EIGHT_ROWS(0xc8, OP_BSWAP, Zv),       /* BSWAP r          0F C8+r */
	[0xd6] = PREFIX(0F_D6),               /* MOVQ */
	[0xe7] = PREFIX(0F_E7),               /* MOVNTDQ */
	[0xf0] = PREFIX(0F_F0),               /* LDDQU */
	[0xff] = { OP_UD, ModRM },            /* UD0              0F FF /r */
};
