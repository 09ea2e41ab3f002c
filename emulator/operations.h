/** @file
 * What the emulator can do: a function and a plan for each operation.
 *
 * An opcode's row names an operation (enum op); operations.c has for each of
 * them the function that does what is special about it, and the traits that
 * say what execute.c has to do before and after.
 */
#ifndef EMULATOR_OPERATIONS_H
#define EMULATOR_OPERATIONS_H

#include "emulator/emulator.h"
#include "emulator/flags.h"
#include "emulator/opcodes.h"

/**
 * What is special about an operation.
 *
 * It finds its source in alu->src and, with OP_READS_DST, its destination in
 * alu->dst, and leaves there what is to be written, with OP_WRITES_DST; flags
 * are replaced in alu->flags.  Whatever else it changes goes through
 * context_set_register() and relatives, e->next_rip, and memory.h.  It may be
 * run several times (spec 3.1), so it must not remember anything, and must
 * read all that it reads before it writes memory.  With OP_OWN nothing is
 * read before or written after it: e->insn.dst and src say only where.
 *
 * @param e    the emulator, e->insn decoded
 * @param alu  operands, their size, flags
 * @return EMUL_DONE, EMUL_FAULT with e->exception, or as read_cache_read()
 */
typedef enum emul_result op_function(struct emulator *e, struct alu *alu);

/** Declares an operation. */
#define OPERATION(name) \
	enum emul_result name(struct emulator *e, struct alu *alu)

/** Traits of an operation: the pipeline's plan for it. */
enum op_trait {
	OP_READS_DST = BIT(0),
	OP_WRITES_DST = BIT(1),
	OP_LOCKABLE = BIT(2), /* LOCK is allowed if the destination is memory */
	OP_STRING = BIT(3),
	OP_TWO_MEMORY = BIT(4), /* the hint does not say which access it means */
	OP_D64 = BIT(5), /* operand size defaults to 8 in 64-bit mode */
	OP_F64 = BIT(6), /* ... and is 8 there whatever the prefixes say */
	OP_MOVES = BIT(7), /* the source goes to the destination as it is */
	OP_BITS = BIT(8), /* a register source is a bit offset into memory */
	OP_OWN = BIT(9), /* its function reads and writes its operands */
	OP_CPL0 = BIT(10), /* #GP(0) at any other level */
	OP_SYSTEM = BIT(11), /* not to be compared with a user's processor */
};

struct operation {
	op_function *run; /* NULL with OP_MOVES, and where there is none */
	u16 traits;	  /* enum op_trait */
	u16 undefined; /* flags of which the SDM says that they are that */
};

/** Indexed by enum op. */
extern const struct operation operations[OP_COUNT];

#endif
