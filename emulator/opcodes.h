/** @file
 * What a row of the opcode tables is made of.
 *
 * Operand codes are those of SDM 2D appendix A.2: a capital letter says where
 * the operand is (E: ModRM's r/m, G: ModRM's reg, Z: the opcode's low three
 * bits, I: immediate, J: immediate that counts from the next instruction,
 * O: absolute offset, X: DS:rSI, Y: ES:rDI, M: memory only), a small one how
 * wide it is (b, w, d, q: 1, 2, 4, 8 bytes, v: 2, 4 or 8 by operand size, y: 4
 * or 8, z: as v, but 4 bytes encode an 8-byte one; dq: 16, p: a far pointer,
 * s: a descriptor table's base and limit).  S, C, D are segment, control and
 * debug registers, V an XMM register, W an XMM register or memory; R is a
 * general register whatever ModRM's mod says.
 *
 * A row whose meaning hangs on more than the opcode byte names a table of
 * rows instead (opcodes_groups.h): on ModRM's reg field (OP_GROUP, SDM 2D A.4),
 * on the prefixes 66h, F3h and F2h (OP_PREFIX), or on the mode (OP_MODE).
 */
#ifndef EMULATOR_OPCODES_H
#define EMULATOR_OPCODES_H

#include "emulator/insn.h"

enum operand_code {
	None,
	Eb, /* the codes that need a ModRM byte stand first ... */
	Ew,
	Ed, /* MOVSXD, 64-bit mode: 4 bytes, or 2 with operand size 2 */
	Ev,
	Ey,
	Gb,
	Gw,
	Gv,
	M,     /* the effective address as a value; no register form */
	Ma,    /* two operands of the operation's size, one behind the other */
	Mv,    /* memory only */
	Mpair, /* CMPXCHG8B and 16B: 8 bytes, 16 with REX.W */
	ModRM, /* a ModRM byte that is read and means nothing */
	Es, /* a register of the operand size, or 2 bytes of memory */
	Gy,
	Ry,
	Sw,
	Cy,
	Dy,
	Mp,
	Ms,
	My,
	Mq,
	Mdq,
	Wd,
	Wq,
	Wdq,
	Vdq,
	OPERAND_CODES_WITH_MODRM_END, /* ... up to here */
	/* immediates, in the order in which two of them follow each other */
	Iv,
	Iz,
	Iw,
	Ib, /* sign-extended to the operation's size */
	Jb,
	Jz,
	Ob,
	Ov,
	Zb,
	Zv,
	AL,
	CL,
	rAX,
	eAX, /* as rAX, but at most 4 bytes */
	DX,
	One,   /* the value 1 */
	Table, /* XLAT: one byte at rBX + AL */
	Xb,
	Xv,
	Xz,
	Yb,
	Yv,
	Yz,
	Stack, /* what PUSH writes below SS:rSP and POP reads at it */
	OPERAND_CODE_COUNT,
};

/** What else a row says. */
enum opcode_mark {
	I64 = BIT(0), /* no instruction in 64-bit mode: #UD */
	/* with a register it is another instruction, which has no row */
	MEMORY_ROW = BIT(1),
	/* a register whatever ModRM's mod says (SDM 2B, MOV) */
	REGISTER_ROW = BIT(2),
	/* with memory it is locked without being told to (SDM 2D, XCHG) */
	LOCKED_ROW = BIT(3),
};

/**
 * What the row's instruction does; OP_UNKNOWN is what a missing row says.
 * operations.c has the function of each, which is called alike: op_alu_add().
 */
enum op {
	OP_UNKNOWN = 0,
	OP_GROUP,  /* dst is an enum opcode_group */
	OP_PREFIX, /* dst is an enum opcode_prefixed */
	OP_MODE,   /* dst is an enum opcode_moded */

	/* moves, which take no function */
	OP_MOV,
	OP_MOVZX,
	OP_LEA,
	OP_MOVS,
	OP_STOS,
	OP_LODS,

	/* op_alu.c */
	OP_MOVSX,
	OP_ADD,
	OP_OR,
	OP_ADC,
	OP_SBB,
	OP_AND,
	OP_SUB,
	OP_XOR,
	OP_CMP,
	OP_CMPS,
	OP_SCAS,
	OP_TEST,
	OP_NOT,
	OP_NEG,
	OP_INC,
	OP_DEC,
	OP_ADCX,
	OP_ADOX,
	OP_CBW,
	OP_CWD,
	OP_ARPL,

	/* op_exchange.c */
	OP_XCHG,
	OP_XCHG_NOP,
	OP_XADD,
	OP_CMPXCHG,
	OP_CMPXCHG8B,

	/* op_bit.c */
	OP_BT,
	OP_BTS,
	OP_BTR,
	OP_BTC,
	OP_BSF,
	OP_BSR,
	OP_TZCNT,
	OP_LZCNT,
	OP_POPCNT,

	/* op_byte.c */
	OP_BSWAP,
	OP_MOVBE,
	OP_CRC32,

	/* op_shift.c */
	OP_ROL,
	OP_ROR,
	OP_RCL,
	OP_RCR,
	OP_SHL,
	OP_SHR,
	OP_SAR,
	OP_SHLD,
	OP_SHRD,

	/* op_muldiv.c */
	OP_MUL,
	OP_IMUL,
	OP_IMUL_REG,
	OP_DIV,
	OP_IDIV,

	/* op_decimal.c */
	OP_DAA,
	OP_DAS,
	OP_AAA,
	OP_AAS,
	OP_AAM,
	OP_AAD,

	/* op_flow.c */
	OP_JMP,
	OP_JCC,
	OP_LOOPNE,
	OP_LOOPE,
	OP_LOOP,
	OP_JCXZ,
	OP_CALL,
	OP_RET,
	OP_SETCC,
	OP_CMOVCC,
	OP_NOP,
	OP_UD,
	OP_BOUND,

	/* op_stack.c */
	OP_PUSH,
	OP_POP,
	OP_PUSHA,
	OP_POPA,
	OP_ENTER,
	OP_LEAVE,

	/* op_flags.c */
	OP_PUSHF,
	OP_POPF,
	OP_LAHF,
	OP_SAHF,
	OP_CLC,
	OP_STC,
	OP_CMC,
	OP_CLD,
	OP_STD,
	OP_CLI,
	OP_STI,

	/* op_segment.c */
	OP_GET_SEGMENT,
	OP_SET_SEGMENT,
	OP_PUSH_SEGMENT,
	OP_POP_SEGMENT,
	OP_LOAD_FAR,

	/* op_far.c, op_interrupt.c */
	OP_JMP_FAR,
	OP_CALL_FAR,
	OP_RET_FAR,
	OP_INT,
	OP_INT3,
	OP_INTO,
	OP_IRET,

	/* op_table.c, op_control.c, op_verify.c */
	OP_SGDT,
	OP_SIDT,
	OP_LGDT,
	OP_LIDT,
	OP_SLDT,
	OP_STR,
	OP_LLDT,
	OP_LTR,
	OP_GET_CR,
	OP_SET_CR,
	OP_GET_DR,
	OP_SET_DR,
	OP_SMSW,
	OP_LMSW,
	OP_CLTS,
	OP_LAR,
	OP_LSL,
	OP_VERR,
	OP_VERW,

	/* op_system.c, op_port.c */
	OP_HLT,
	OP_VMCALL,
	OP_CACHE,
	OP_INVLPG,
	OP_RDTSC,
	OP_RDMSR,
	OP_WRMSR,
	OP_CPUID,
	OP_IN,
	OP_OUT,
	OP_INS,
	OP_OUTS,

	/* op_sse.c */
	OP_SSE_MOVE,
	OP_SSE_ALIGNED,
	OP_SSE_SCALAR,
	OP_SSE_LOW,
	OP_SSE_HIGH,

	/* op_x87.c */
	OP_X87_CONTROL,
	OP_X87_LOAD_CW,
	OP_X87_STORE_CW,
	OP_X87_STORE_SW,
	OP_X87_STORE_SW_AX,
	OP_X87_WAIT,

	OP_COUNT,
};

/** 256 rows each; opcodes_row() looks into them. */
extern const struct opcode *const opcodes_maps[MAP_COUNT];

/**
 * The row of an opcode.
 *
 * @param map    enum opcode_map
 * @param byte   the opcode byte
 * @return a row, whose op is OP_UNKNOWN if the opcode is not supported
 */
static inline const struct opcode *opcodes_row(u8 map, u8 byte)
{
	return &opcodes_maps[map][byte];
}

#endif
