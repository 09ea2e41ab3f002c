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
#include "emulator/op_exchange.h"
#include "emulator/op_stack.h"

/* A line leaves out its last column where it is empty: it is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define RMW (OP_READS_DST | OP_WRITES_DST | OP_LOCKABLE)
#define MOVES (OP_WRITES_DST | OP_MOVES)
#define PUSHES (OP_WRITES_DST | OP_TWO_MEMORY | OP_D64)
#define POPS   PUSHES

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
};
