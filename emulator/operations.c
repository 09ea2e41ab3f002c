/** @file
 * The list of operations (operations.h), family by family.
 *
 * A newcomer who looks for an instruction finds its row in opcodes_*.c, the
 * operation named there in this list, and its function in the file after
 * which the function is called: op_alu_add() stands in op_alu.c.
 *
 * The last column names the flags that the SDM leaves undefined.  What we do
 * with them is what most processors do where that is simple, and nothing
 * depends on it: the tests that compare us with a processor leave them out.
 *
 * The middle column is the plan that execute.c follows, and so all that differs
 * between instructions in the pipeline:
 *
 *	MOVES            read src, write dst; no function
 *	OP_WRITES_DST    read src, function, write dst
 *	RMW              read both, function, write dst; LOCK is allowed
 *	OP_READS_DST     read both, function: a comparison
 *	OP_OWN           the function reads and writes by itself
 */
#include "emulator/operations.h"

#include "emulator/context.h"
#include "emulator/op_alu.h"
#include "emulator/op_bit.h"
#include "emulator/op_byte.h"
#include "emulator/op_control.h"
#include "emulator/op_decimal.h"
#include "emulator/op_exchange.h"
#include "emulator/op_far.h"
#include "emulator/op_flags.h"
#include "emulator/op_flow.h"
#include "emulator/op_interrupt.h"
#include "emulator/op_iret.h"
#include "emulator/op_muldiv.h"
#include "emulator/op_port.h"
#include "emulator/op_segment.h"
#include "emulator/op_shift.h"
#include "emulator/op_sse.h"
#include "emulator/op_stack.h"
#include "emulator/op_system.h"
#include "emulator/op_table.h"
#include "emulator/op_verify.h"
#include "emulator/op_x87.h"

/* A line leaves out its last column where it is empty: it is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define RMW (OP_READS_DST | OP_WRITES_DST | OP_LOCKABLE)
#define MOVES (OP_WRITES_DST | OP_MOVES)
/* PUSH and POP of memory have the stack as their second memory operand. */
#define PUSHES (OP_WRITES_DST | OP_TWO_MEMORY | OP_D64)
#define POPS   PUSHES
/* What only the system does, by CPL; with operands of its own. */
#define SYSTEM_ALL OP_SYSTEM
#define SYSTEM_OWN (OP_SYSTEM | OP_OWN)
#define SYSTEM_0   (OP_SYSTEM | OP_CPL0)
#define SYSTEM_FAR (OP_SYSTEM | OP_OWN | OP_TWO_MEMORY)
#define SHIFTS (OP_READS_DST | OP_WRITES_DST)

/* Flags, by their letters. */
#define C RFLAGS_CF
#define P RFLAGS_PF
#define A RFLAGS_AF
#define Z RFLAGS_ZF
#define S RFLAGS_SF
#define O RFLAGS_OF

const struct operation operations[OP_COUNT] = {
	/* moves */
	[OP_MOV] = { NULL, MOVES },
	[OP_MOVZX] = { NULL, MOVES },
	[OP_LEA] = { NULL, MOVES },
	[OP_MOVS] = { NULL, MOVES | OP_TWO_MEMORY | OP_STRING },
	[OP_STOS] = { NULL, MOVES | OP_STRING },
	[OP_LODS] = { NULL, MOVES | OP_STRING },

	/* op_alu.c */
	[OP_MOVSX] = { op_alu_movsx, OP_WRITES_DST },
	[OP_ADD] = { op_alu_add, RMW },
	[OP_OR] = { op_alu_or, RMW, A },
	[OP_ADC] = { op_alu_adc, RMW },
	[OP_SBB] = { op_alu_sbb, RMW },
	[OP_AND] = { op_alu_and, RMW, A },
	[OP_SUB] = { op_alu_sub, RMW },
	[OP_XOR] = { op_alu_xor, RMW, A },
	[OP_CMP] = { op_alu_cmp, OP_READS_DST },
	[OP_CMPS] = { op_alu_cmp, OP_READS_DST | OP_TWO_MEMORY | OP_STRING },
	[OP_SCAS] = { op_alu_cmp, OP_READS_DST | OP_STRING },
	[OP_TEST] = { op_alu_and, OP_READS_DST, A },
	[OP_NOT] = { op_alu_not, RMW },
	[OP_NEG] = { op_alu_neg, RMW },
	[OP_INC] = { op_alu_inc, RMW },
	[OP_DEC] = { op_alu_dec, RMW },
	[OP_ADCX] = { op_alu_adcx, OP_READS_DST | OP_WRITES_DST },
	[OP_ADOX] = { op_alu_adox, OP_READS_DST | OP_WRITES_DST },
	[OP_CBW] = { op_alu_cbw, OP_WRITES_DST },
	[OP_CWD] = { op_alu_cwd, 0 },
	[OP_ARPL] = { op_alu_arpl, OP_READS_DST | OP_WRITES_DST },

	/* op_exchange.c */
	[OP_XCHG] = { op_exchange_xchg, RMW },
	[OP_XCHG_NOP] = { op_exchange_xchg_nop, OP_READS_DST | OP_WRITES_DST },
	[OP_XADD] = { op_exchange_xadd, RMW },
	[OP_CMPXCHG] = { op_exchange_cmpxchg, RMW },
	[OP_CMPXCHG8B] = { op_exchange_cmpxchg8b, OP_WRITES_DST | OP_LOCKABLE },

	/* op_bit.c */
	[OP_BT] = { op_bit_bt, OP_READS_DST | OP_BITS, O | S | A | P },
	[OP_BTS] = { op_bit_bts, RMW | OP_BITS, O | S | A | P },
	[OP_BTR] = { op_bit_btr, RMW | OP_BITS, O | S | A | P },
	[OP_BTC] = { op_bit_btc, RMW | OP_BITS, O | S | A | P },
	[OP_BSF] = { op_bit_bsf, OP_WRITES_DST, C | O | S | A | P },
	[OP_BSR] = { op_bit_bsr, OP_WRITES_DST, C | O | S | A | P },
	[OP_TZCNT] = { op_bit_tzcnt, OP_WRITES_DST, O | S | A | P },
	[OP_LZCNT] = { op_bit_lzcnt, OP_WRITES_DST, O | S | A | P },
	[OP_POPCNT] = { op_bit_popcnt, OP_WRITES_DST },

	/* op_byte.c */
	[OP_BSWAP] = { op_byte_bswap, OP_READS_DST | OP_WRITES_DST },
	[OP_MOVBE] = { op_byte_movbe, OP_WRITES_DST },
	[OP_CRC32] = { op_byte_crc32, OP_READS_DST | OP_WRITES_DST },

	/* op_shift.c: which flags are undefined hangs on the count as well */
	[OP_ROL] = { op_shift_rol, SHIFTS, O },
	[OP_ROR] = { op_shift_ror, SHIFTS, O },
	[OP_RCL] = { op_shift_rcl, SHIFTS, O },
	[OP_RCR] = { op_shift_rcr, SHIFTS, O },
	[OP_SHL] = { op_shift_shl, SHIFTS, O | A },
	[OP_SHR] = { op_shift_shr, SHIFTS, O | A },
	[OP_SAR] = { op_shift_sar, SHIFTS, O | A },
	[OP_SHLD] = { op_shift_shld, SHIFTS, O | A },
	[OP_SHRD] = { op_shift_shrd, SHIFTS, O | A },

	/* op_muldiv.c */
	[OP_MUL] = { op_muldiv_mul, 0, S | Z | A | P },
	[OP_IMUL] = { op_muldiv_imul, 0, S | Z | A | P },
	[OP_IMUL_REG] = { op_muldiv_imul_reg, OP_READS_DST | OP_WRITES_DST, S | Z | A | P },
	[OP_DIV] = { op_muldiv_div, 0, FLAGS_STATUS },
	[OP_IDIV] = { op_muldiv_idiv, 0, FLAGS_STATUS },

	/* op_decimal.c */
	[OP_DAA] = { op_decimal_daa, 0, O },
	[OP_DAS] = { op_decimal_das, 0, O },
	[OP_AAA] = { op_decimal_aaa, 0, O | S | Z | P },
	[OP_AAS] = { op_decimal_aas, 0, O | S | Z | P },
	[OP_AAM] = { op_decimal_aam, 0, O | A | C },
	[OP_AAD] = { op_decimal_aad, 0, O | A | C },

	/* op_flow.c */
	[OP_JMP] = { op_flow_jmp, OP_F64 },
	[OP_JCC] = { op_flow_jcc, OP_F64 },
	[OP_LOOPNE] = { op_flow_loopne, OP_F64 },
	[OP_LOOPE] = { op_flow_loope, OP_F64 },
	[OP_LOOP] = { op_flow_loop, OP_F64 },
	[OP_JCXZ] = { op_flow_jcxz, OP_F64 },
	[OP_CALL] = { op_flow_call, OP_F64 | OP_TWO_MEMORY },
	[OP_RET] = { op_flow_ret, OP_F64 | OP_TWO_MEMORY },
	[OP_SETCC] = { op_flow_setcc, OP_WRITES_DST },
	[OP_CMOVCC] = { op_flow_cmovcc, OP_READS_DST | OP_WRITES_DST },
	[OP_NOP] = { op_flow_nop, 0 },
	[OP_UD] = { op_flow_ud, 0 },
	[OP_BOUND] = { op_flow_bound, 0 },

	/* op_stack.c */
	[OP_PUSH] = { op_stack_push, PUSHES },
	[OP_POP] = { op_stack_pop, POPS },
	[OP_PUSHA] = { op_stack_pusha, OP_TWO_MEMORY },
	[OP_POPA] = { op_stack_popa, OP_TWO_MEMORY },
	[OP_ENTER] = { op_stack_enter, OP_D64 | OP_TWO_MEMORY },
	[OP_LEAVE] = { op_stack_leave, OP_D64 | OP_TWO_MEMORY },

	/* op_flags.c */
	[OP_PUSHF] = { op_flags_pushf, PUSHES },
	[OP_POPF] = { op_flags_popf, OP_D64 | OP_TWO_MEMORY },
	[OP_LAHF] = { op_flags_lahf, 0 },
	[OP_SAHF] = { op_flags_sahf, 0 },
	[OP_CLC] = { op_flags_clc, 0 },
	[OP_STC] = { op_flags_stc, 0 },
	[OP_CMC] = { op_flags_cmc, 0 },
	[OP_CLD] = { op_flags_cld, 0 },
	[OP_STD] = { op_flags_std, 0 },
	[OP_CLI] = { op_flags_cli, 0 },
	[OP_STI] = { op_flags_sti, 0 },

	/* op_segment.c */
	[OP_GET_SEGMENT] = { op_segment_get, OP_WRITES_DST | OP_OWN },
	[OP_SET_SEGMENT] = { op_segment_set, SYSTEM_ALL },
	[OP_PUSH_SEGMENT] = { op_segment_push, SYSTEM_OWN | OP_D64 },
	[OP_POP_SEGMENT] = { op_segment_pop, SYSTEM_OWN | OP_D64 },
	[OP_LOAD_FAR] = { op_segment_load_far, SYSTEM_OWN | OP_WRITES_DST },

	/* op_far.c, op_interrupt.c, op_iret.c */
	[OP_JMP_FAR] = { op_far_jmp, SYSTEM_OWN },
	[OP_CALL_FAR] = { op_far_call, SYSTEM_FAR },
	[OP_RET_FAR] = { op_far_ret, SYSTEM_FAR },
	[OP_INT] = { op_interrupt_int, SYSTEM_FAR },
	[OP_INT3] = { op_interrupt_int3, SYSTEM_FAR },
	[OP_INTO] = { op_interrupt_into, SYSTEM_FAR },
	[OP_IRET] = { op_iret_iret, SYSTEM_FAR },

	/* op_table.c, op_control.c, op_verify.c */
	[OP_SGDT] = { op_table_sgdt, SYSTEM_OWN | OP_WRITES_DST | OP_F64 },
	[OP_SIDT] = { op_table_sidt, SYSTEM_OWN | OP_WRITES_DST | OP_F64 },
	[OP_LGDT] = { op_table_lgdt, SYSTEM_0 | OP_OWN | OP_F64 },
	[OP_LIDT] = { op_table_lidt, SYSTEM_0 | OP_OWN | OP_F64 },
	[OP_SLDT] = { op_table_sldt, SYSTEM_ALL | OP_WRITES_DST },
	[OP_STR] = { op_table_str, SYSTEM_ALL | OP_WRITES_DST },
	[OP_LLDT] = { op_table_lldt, SYSTEM_ALL },
	[OP_LTR] = { op_table_ltr, SYSTEM_ALL },
	[OP_GET_CR] = { op_control_get_cr,
			SYSTEM_0 | OP_OWN | OP_WRITES_DST | OP_F64 },
	[OP_SET_CR] = { op_control_set_cr, SYSTEM_0 | OP_F64 },
	[OP_GET_DR] = { op_control_get_dr,
			SYSTEM_0 | OP_OWN | OP_WRITES_DST | OP_F64 },
	[OP_SET_DR] = { op_control_set_dr, SYSTEM_0 | OP_F64 },
	[OP_SMSW] = { op_control_smsw, SYSTEM_ALL | OP_WRITES_DST },
	[OP_LMSW] = { op_control_lmsw, SYSTEM_0 },
	[OP_CLTS] = { op_control_clts, SYSTEM_0 },
	[OP_LAR] = { op_verify_lar, SYSTEM_ALL | OP_WRITES_DST },
	[OP_LSL] = { op_verify_lsl, SYSTEM_ALL | OP_WRITES_DST },
	[OP_VERR] = { op_verify_verr, SYSTEM_ALL },
	[OP_VERW] = { op_verify_verw, SYSTEM_ALL },

	/* op_system.c, op_port.c */
	[OP_HLT] = { op_system_hlt, SYSTEM_0 },
	[OP_VMCALL] = { op_system_vmcall, SYSTEM_ALL },
	[OP_CACHE] = { op_system_nothing, SYSTEM_0 },
	[OP_INVLPG] = { op_system_invlpg, SYSTEM_0 },
	[OP_RDTSC] = { op_system_rdtsc, SYSTEM_ALL },
	[OP_RDMSR] = { op_system_rdmsr, SYSTEM_0 },
	[OP_WRMSR] = { op_system_wrmsr, SYSTEM_0 },
	[OP_CPUID] = { op_system_cpuid, SYSTEM_ALL },
	[OP_IN] = { op_port_in, SYSTEM_ALL | OP_WRITES_DST },
	[OP_OUT] = { op_port_out, SYSTEM_OWN },
	[OP_INS] = { op_port_ins, SYSTEM_OWN | OP_STRING | OP_WRITES_DST },
	[OP_OUTS] = { op_port_outs, SYSTEM_OWN | OP_STRING },

	/* op_sse.c */
	[OP_SSE_MOVE] = { op_sse_move, OP_OWN | OP_WRITES_DST },
	[OP_SSE_ALIGNED] = { op_sse_aligned, OP_OWN | OP_WRITES_DST },
	[OP_SSE_SCALAR] = { op_sse_scalar, OP_OWN | OP_WRITES_DST },
	[OP_SSE_LOW] = { op_sse_low, OP_OWN | OP_WRITES_DST },
	[OP_SSE_HIGH] = { op_sse_high, OP_OWN | OP_WRITES_DST },

	/* op_x87.c */
	[OP_X87_CONTROL] = { op_x87_control, SYSTEM_OWN },
	[OP_X87_LOAD_CW] = { op_x87_load_cw, SYSTEM_ALL },
	[OP_X87_STORE_CW] = { op_x87_store_cw, SYSTEM_ALL | OP_WRITES_DST },
	[OP_X87_STORE_SW] = { op_x87_store_sw, SYSTEM_ALL | OP_WRITES_DST },
	[OP_X87_STORE_SW_AX] = { op_x87_store_sw_ax, SYSTEM_OWN },
	[OP_X87_WAIT] = { op_x87_wait, SYSTEM_OWN },
};
