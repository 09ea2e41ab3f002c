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

/* The eight shifts of group 2; /6 is another SHL. */
#define SHIFT_MEMBERS(dst, src)                    \
	{                                          \
		{ OP_ROL, dst, src }, /* /0 */     \
		{ OP_ROR, dst, src }, /* /1 */     \
		{ OP_RCL, dst, src }, /* /2 */     \
		{ OP_RCR, dst, src }, /* /3 */     \
		{ OP_SHL, dst, src }, /* /4 */     \
		{ OP_SHR, dst, src }, /* /5 */     \
		{ OP_SHL, dst, src }, /* /6 */     \
		{ OP_SAR, dst, src }, /* /7 */     \
	}

const struct opcode opcodes_groups_members[GROUP_COUNT][8] = {
	[GROUP_80] = ALU_MEMBERS(Eb, Ib), /* ADD..CMP r/m8, imm8  80 /0../7 ib */
	[GROUP_81] = ALU_MEMBERS(Ev, Iz), /* ADD..CMP r/m, imm    81 /0../7 iz */
	[GROUP_83] = ALU_MEMBERS(Ev, Ib), /* ADD..CMP r/m, imm8   83 /0../7 ib */
	[GROUP_8F] = {
		[0] = { OP_POP, Ev, Stack },  /* POP r/m          8F /0 */
	},
	[GROUP_C0] = SHIFT_MEMBERS(Eb, Ib),   /* ROL..SAR r/m8, imm8  C0 /0../7 ib */
	[GROUP_C1] = SHIFT_MEMBERS(Ev, Ib),   /* ROL..SAR r/m, imm8   C1 /0../7 ib */
	[GROUP_C6] = {
		[0] = { OP_MOV, Eb, Ib },     /* MOV r/m8, imm8   C6 /0 ib */
	},
	[GROUP_C7] = {
		[0] = { OP_MOV, Ev, Iz },     /* MOV r/m, imm     C7 /0 iz */
	},
	[GROUP_D0] = SHIFT_MEMBERS(Eb, One),  /* ROL..SAR r/m8, 1     D0 /0../7 */
	[GROUP_D1] = SHIFT_MEMBERS(Ev, One),  /* ROL..SAR r/m, 1      D1 /0../7 */
	[GROUP_D2] = SHIFT_MEMBERS(Eb, CL),   /* ROL..SAR r/m8, CL    D2 /0../7 */
	[GROUP_D3] = SHIFT_MEMBERS(Ev, CL),   /* ROL..SAR r/m, CL     D3 /0../7 */
	[GROUP_D9] = {
		[5] = { OP_X87_LOAD_CW, None, Ew, None, MEMORY_ROW }, /* FLDCW m16  D9 /5 */
		[7] = { OP_X87_STORE_CW, Ew, None, None, MEMORY_ROW }, /* FNSTCW m16  D9 /7 */
	},
	[GROUP_DB] = {
		[4] = { OP_UNKNOWN, 0xe2, 0xe3, OP_X87_CONTROL, MEMORY_ROW },
	},
	[GROUP_DD] = {
		[7] = { OP_X87_STORE_SW, Ew, None, None, MEMORY_ROW }, /* FNSTSW m16  DD /7 */
	},
	[GROUP_DF] = {
		[4] = { OP_UNKNOWN, 0xe0, 0xe0, OP_X87_STORE_SW_AX, MEMORY_ROW },
	},
	[GROUP_F6] = {
		[0] = { OP_TEST, Eb, Ib },    /* TEST r/m8, imm8  F6 /0 ib */
		[1] = { OP_TEST, Eb, Ib },    /* the same         F6 /1 ib */
		[2] = { OP_NOT, Eb },         /* NOT r/m8         F6 /2 */
		[3] = { OP_NEG, Eb },         /* NEG r/m8         F6 /3 */
		[4] = { OP_MUL, None, Eb },   /* MUL r/m8         F6 /4 */
		[5] = { OP_IMUL, None, Eb },  /* IMUL r/m8        F6 /5 */
		[6] = { OP_DIV, None, Eb },   /* DIV r/m8         F6 /6 */
		[7] = { OP_IDIV, None, Eb },  /* IDIV r/m8        F6 /7 */
	},
	[GROUP_F7] = {
		[0] = { OP_TEST, Ev, Iz },    /* TEST r/m, imm    F7 /0 iz */
		[1] = { OP_TEST, Ev, Iz },    /* the same         F7 /1 iz */
		[2] = { OP_NOT, Ev },         /* NOT r/m          F7 /2 */
		[3] = { OP_NEG, Ev },         /* NEG r/m          F7 /3 */
		[4] = { OP_MUL, None, Ev },   /* MUL r/m          F7 /4 */
		[5] = { OP_IMUL, None, Ev },  /* IMUL r/m         F7 /5 */
		[6] = { OP_DIV, None, Ev },   /* DIV r/m          F7 /6 */
		[7] = { OP_IDIV, None, Ev },  /* IDIV r/m         F7 /7 */
	},
	[GROUP_FE] = {
		[0] = { OP_INC, Eb },         /* INC r/m8         FE /0 */
		[1] = { OP_DEC, Eb },         /* DEC r/m8         FE /1 */
	},
	[GROUP_FF] = {
		[0] = { OP_INC, Ev },         /* INC r/m          FF /0 */
		[1] = { OP_DEC, Ev },         /* DEC r/m          FF /1 */
		[2] = { OP_CALL, None, Ev },  /* CALL r/m         FF /2 */
		[3] = { OP_CALL_FAR, None, Mp }, /* CALL m        FF /3 */
		[4] = { OP_JMP, None, Ev },   /* JMP r/m          FF /4 */
		[5] = { OP_JMP_FAR, None, Mp },  /* JMP m         FF /5 */
		[6] = { OP_PUSH, Stack, Ev }, /* PUSH r/m         FF /6 */
	},
	[GROUP_0F_00] = {
		[0] = { OP_SLDT, Es, None },  /* SLDT r/m         0F 00 /0 */
		[1] = { OP_STR, Es, None },   /* STR r/m          0F 00 /1 */
		[2] = { OP_LLDT, None, Ew },  /* LLDT r/m16       0F 00 /2 */
		[3] = { OP_LTR, None, Ew },   /* LTR r/m16        0F 00 /3 */
		[4] = { OP_VERR, None, Ew },  /* VERR r/m16       0F 00 /4 */
		[5] = { OP_VERW, None, Ew },  /* VERW r/m16       0F 00 /5 */
	},
	[GROUP_0F_01] = {
		[0] = { OP_SGDT, Ms, None, None, MEMORY_ROW }, /* SGDT m  0F 01 /0 */
		[1] = { OP_SIDT, Ms, None, None, MEMORY_ROW }, /* SIDT m  0F 01 /1 */
		[2] = { OP_LGDT, None, Ms, None, MEMORY_ROW }, /* LGDT m  0F 01 /2 */
		[3] = { OP_LIDT, None, Ms, None, MEMORY_ROW }, /* LIDT m  0F 01 /3 */
		[4] = { OP_SMSW, Es, None },  /* SMSW r/m         0F 01 /4 */
		[6] = { OP_LMSW, None, Ew },  /* LMSW r/m16       0F 01 /6 */
		[7] = { OP_INVLPG, None, M, None, MEMORY_ROW }, /* INVLPG m  0F 01 /7 */
	},
	[GROUP_0F_BA] = {
		[4] = { OP_BT, Ev, Ib },      /* BT r/m, imm8     0F BA /4 ib */
		[5] = { OP_BTS, Ev, Ib },     /* BTS r/m, imm8    0F BA /5 ib */
		[6] = { OP_BTR, Ev, Ib },     /* BTR r/m, imm8    0F BA /6 ib */
		[7] = { OP_BTC, Ev, Ib },     /* BTC r/m, imm8    0F BA /7 ib */
	},
	[GROUP_0F_C7] = {
		[1] = { OP_CMPXCHG8B, Mpair }, /* CMPXCHG8B, 16B  0F C7 /1 */
	},
};

/* Where 66h is but the operand size, its row repeats the one without. */
const struct opcode opcodes_groups_vmcall = {
	OP_VMCALL, ModRM, None /* VMCALL  0F 01 C1 */
};

const struct opcode opcodes_groups_x87[2] = {
	{ OP_X87_CONTROL, ModRM, None },     /* FNCLEX, FNINIT  DB E2, E3 */
	{ OP_X87_STORE_SW_AX, ModRM, None }, /* FNSTSW AX       DF E0 */
};

const struct opcode opcodes_groups_prefixes[PREFIX_COUNT][4] = {
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
	[PREFIX_0F_10] = {
		[MANDATORY_NONE] = { OP_SSE_MOVE, Vdq, Wdq },          /* MOVUPS  0F 10 /r */
		[MANDATORY_66] = { OP_SSE_MOVE, Vdq, Wdq },          /* MOVUPD */
		[MANDATORY_F3] = { OP_SSE_SCALAR, Vdq, Wd },         /* MOVSS */
		[MANDATORY_F2] = { OP_SSE_SCALAR, Vdq, Wq },         /* MOVSD */
	},
	[PREFIX_0F_11] = {
		[MANDATORY_NONE] = { OP_SSE_MOVE, Wdq, Vdq },          /* MOVUPS  0F 11 /r */
		[MANDATORY_66] = { OP_SSE_MOVE, Wdq, Vdq },          /* MOVUPD */
		[MANDATORY_F3] = { OP_SSE_SCALAR, Wd, Vdq },         /* MOVSS */
		[MANDATORY_F2] = { OP_SSE_SCALAR, Wq, Vdq },         /* MOVSD */
	},
	[PREFIX_0F_12] = {
		[MANDATORY_NONE] = { OP_SSE_LOW, Vdq, Mq, None, MEMORY_ROW },/* MOVLPS  0F 12 /r */
		[MANDATORY_66] = { OP_SSE_LOW, Vdq, Mq },            /* MOVLPD */
	},
	[PREFIX_0F_13] = {
		[MANDATORY_NONE] = { OP_SSE_LOW, Mq, Vdq },            /* MOVLPS  0F 13 /r */
		[MANDATORY_66] = { OP_SSE_LOW, Mq, Vdq },            /* MOVLPD */
	},
	[PREFIX_0F_16] = {
		[MANDATORY_NONE] = { OP_SSE_HIGH, Vdq, Mq, None, MEMORY_ROW },/* MOVHPS  0F 16 /r */
		[MANDATORY_66] = { OP_SSE_HIGH, Vdq, Mq },           /* MOVHPD */
	},
	[PREFIX_0F_17] = {
		[MANDATORY_NONE] = { OP_SSE_HIGH, Mq, Vdq },           /* MOVHPS  0F 17 /r */
		[MANDATORY_66] = { OP_SSE_HIGH, Mq, Vdq },           /* MOVHPD */
	},
	[PREFIX_0F_28] = {
		[MANDATORY_NONE] = { OP_SSE_ALIGNED, Vdq, Wdq },       /* MOVAPS  0F 28 /r */
		[MANDATORY_66] = { OP_SSE_ALIGNED, Vdq, Wdq },       /* MOVAPD */
	},
	[PREFIX_0F_29] = {
		[MANDATORY_NONE] = { OP_SSE_ALIGNED, Wdq, Vdq },       /* MOVAPS  0F 29 /r */
		[MANDATORY_66] = { OP_SSE_ALIGNED, Wdq, Vdq },       /* MOVAPD */
	},
	[PREFIX_0F_2B] = {
		[MANDATORY_NONE] = { OP_SSE_ALIGNED, Mdq, Vdq },       /* MOVNTPS 0F 2B /r */
		[MANDATORY_66] = { OP_SSE_ALIGNED, Mdq, Vdq },       /* MOVNTPD */
	},
	[PREFIX_0F_6E] = {
		[MANDATORY_66] = { OP_SSE_MOVE, Vdq, Ey }, /* MOVD, Q xmm, r/m  66 0F 6E /r */
	},
	[PREFIX_0F_6F] = {
		[MANDATORY_66] = { OP_SSE_ALIGNED, Vdq, Wdq },       /* MOVDQA  66 0F 6F /r */
		[MANDATORY_F3] = { OP_SSE_MOVE, Vdq, Wdq },          /* MOVDQU */
	},
	[PREFIX_0F_7E] = {
		[MANDATORY_66] = { OP_SSE_MOVE, Ey, Vdq }, /* MOVD, Q r/m, xmm  66 0F 7E /r */
		[MANDATORY_F3] = { OP_SSE_MOVE, Vdq, Wq },           /* MOVQ xmm, xmm/m64 */
	},
	[PREFIX_0F_7F] = {
		[MANDATORY_66] = { OP_SSE_ALIGNED, Wdq, Vdq },       /* MOVDQA  66 0F 7F /r */
		[MANDATORY_F3] = { OP_SSE_MOVE, Wdq, Vdq },          /* MOVDQU */
	},
	[PREFIX_0F_C3] = {
		[MANDATORY_NONE] = { OP_MOV, My, Gy },                 /* MOVNTI  0F C3 /r */
	},
	[PREFIX_0F_D6] = {
		[MANDATORY_66] = { OP_SSE_MOVE, Wq, Vdq }, /* MOVQ xmm/m64, xmm  66 0F D6 /r */
	},
	[PREFIX_0F_E7] = {
		[MANDATORY_66] = { OP_SSE_ALIGNED, Mdq, Vdq },       /* MOVNTDQ 66 0F E7 /r */
	},
	[PREFIX_0F_F0] = {
		[MANDATORY_F2] = { OP_SSE_MOVE, Vdq, Mdq },          /* LDDQU   F2 0F F0 /r */
	},
	[PREFIX_0F38_2A] = {
		[MANDATORY_66] = { OP_SSE_ALIGNED, Vdq, Mdq },       /* MOVNTDQA  66 0F 38 2A /r */
	},
	[PREFIX_0F38_F0] = {
		[MANDATORY_NONE] = { OP_MOVBE, Gv, Mv },  /* MOVBE r, m     0F 38 F0 /r */
		[MANDATORY_66] = { OP_MOVBE, Gv, Mv },
		[MANDATORY_F2] = { OP_CRC32, Gy, Eb },    /* CRC32 r, r/m8  F2 0F 38 F0 /r */
	},
	[PREFIX_0F38_F1] = {
		[MANDATORY_NONE] = { OP_MOVBE, Mv, Gv },  /* MOVBE m, r     0F 38 F1 /r */
		[MANDATORY_66] = { OP_MOVBE, Mv, Gv },
		[MANDATORY_F2] = { OP_CRC32, Gy, Ev },    /* CRC32 r, r/m   F2 0F 38 F1 /r */
	},
	[PREFIX_0F38_F6] = {
		[MANDATORY_66] = { OP_ADCX, Gy, Ey },     /* ADCX r, r/m    66 0F 38 F6 /r */
		[MANDATORY_F3] = { OP_ADOX, Gy, Ey },     /* ADOX r, r/m    F3 0F 38 F6 /r */
	},
};

/* Outside 64-bit mode, and in it. */
const struct opcode opcodes_groups_modes[MODED_COUNT][2] = {
	[MODED_62] = {
		[0] = { OP_BOUND, None, Ma, Gv, MEMORY_ROW }, /* BOUND r, m  62 /r */
	},
	[MODED_63] = {
		[0] = { OP_ARPL, Ew, Gw },    /* ARPL r/m16, r16  63 /r */
		[1] = { OP_MOVSX, Gv, Ed },   /* MOVSXD r, r/m32  63 /r */
	},
	[MODED_C4] = {
		[0] = { OP_LOAD_FAR, Gv, Mp, None, MEMORY_ROW }, /* LES  C4 /r */
	},
	[MODED_C5] = {
		[0] = { OP_LOAD_FAR, Gv, Mp, None, MEMORY_ROW }, /* LDS  C5 /r */
	},
	[MODED_82] = {
		[0] = GROUP(80),              /* ADD..CMP r/m8, imm8  82 /0../7 ib */
		[1] = { OP_UD, .marks = I64 },
	},
};
