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
 */
#include "emulator/operations.h"

#include "emulator/context.h"
#include "emulator/op_alu.h"
#include "emulator/op_bit.h"
#include "emulator/op_control.h"
#include "emulator/op_exchange.h"
#include "emulator/op_far.h"
#include "emulator/op_interrupt.h"
#include "emulator/op_port.h"
#include "emulator/op_segment.h"
#include "emulator/op_sse.h"
#include "emulator/op_stack.h"
#include "emulator/op_system.h"
#include "emulator/op_table.h"
#include "emulator/op_verify.h"

/* A line leaves out its last column where it is empty: it is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define RMW (OP_READS_DST | OP_WRITES_DST | OP_LOCKABLE)
#define MOVES (OP_WRITES_DST | OP_MOVES)
#define PUSHES (OP_WRITES_DST | OP_TWO_MEMORY | OP_D64)
#define POPS   PUSHES
/* What only the system does, by CPL; with operands of its own. */
#define SYSTEM_ALL OP_SYSTEM
#define SYSTEM_OWN (OP_SYSTEM | OP_OWN)
#define SYSTEM_0   (OP_SYSTEM | OP_CPL0)
#define SYSTEM_FAR (OP_SYSTEM | OP_OWN | OP_TWO_MEMORY)

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

	/* op_exchange.c */
	[OP_XCHG] = { op_exchange_xchg, RMW },
	[OP_XADD] = { op_exchange_xadd, RMW },
	[OP_CMPXCHG] = { op_exchange_cmpxchg, RMW },

	/* op_bit.c */
	[OP_BSF] = { op_bit_bsf, OP_WRITES_DST, C | O | S | A | P },
	[OP_BSR] = { op_bit_bsr, OP_WRITES_DST, C | O | S | A | P },
	[OP_TZCNT] = { op_bit_tzcnt, OP_WRITES_DST, O | S | A | P },
	[OP_LZCNT] = { op_bit_lzcnt, OP_WRITES_DST, O | S | A | P },
	[OP_POPCNT] = { op_bit_popcnt, OP_WRITES_DST },

	/* op_stack.c */
	[OP_PUSH] = { op_stack_push, PUSHES },
	[OP_POP] = { op_stack_pop, POPS },

	/* op_segment.c */
	[OP_GET_SEGMENT] = { op_segment_get, OP_WRITES_DST | OP_OWN },
	[OP_SET_SEGMENT] = { op_segment_set, SYSTEM_ALL },
	[OP_PUSH_SEGMENT] = { op_segment_push, SYSTEM_OWN | OP_D64 },
	[OP_POP_SEGMENT] = { op_segment_pop, SYSTEM_OWN | OP_D64 },
	[OP_LOAD_FAR] = { op_segment_load_far, SYSTEM_OWN | OP_WRITES_DST },

	/* op_far.c, op_interrupt.c */
	[OP_JMP_FAR] = { op_far_jmp, SYSTEM_OWN },
	[OP_CALL_FAR] = { op_far_call, SYSTEM_FAR },
	[OP_RET_FAR] = { op_far_ret, SYSTEM_FAR },
	[OP_INT] = { op_interrupt_int, SYSTEM_FAR },
	[OP_INT3] = { op_interrupt_int3, SYSTEM_FAR },
	[OP_INTO] = { op_interrupt_into, SYSTEM_FAR },
	[OP_IRET] = { op_interrupt_iret, SYSTEM_FAR },

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
};
