/** @file
 * The opcode map after 0F (SDM 2D A.3, tables A-3).
 */
#include "emulator/opcodes_maps.h"

const struct opcode opcodes_0f[256] = {
	[0xb0] = { OP_CMPXCHG, Eb, Gb },      /* CMPXCHG r/m8, r8 0F B0 /r */
	[0xb1] = { OP_CMPXCHG, Ev, Gv },      /* CMPXCHG r/m, r   0F B1 /r */
	[0xb6] = { OP_MOVZX, Gv, Eb },        /* MOVZX r, r/m8    0F B6 /r */
	[0xb7] = { OP_MOVZX, Gv, Ew },        /* MOVZX r, r/m16   0F B7 /r */
	[0xb8] = PREFIX(0F_B8),               /* POPCNT */
	[0xbc] = PREFIX(0F_BC),               /* BSF, TZCNT */
	[0xbd] = PREFIX(0F_BD),               /* BSR, LZCNT */
	[0xbe] = { OP_MOVSX, Gv, Eb },        /* MOVSX r, r/m8    0F BE /r */
	[0xbf] = { OP_MOVSX, Gv, Ew },        /* MOVSX r, r/m16   0F BF /r */
	[0xc0] = { OP_XADD, Eb, Gb },         /* XADD r/m8, r8    0F C0 /r */
	[0xc1] = { OP_XADD, Ev, Gv },         /* XADD r/m, r      0F C1 /r */
};
