/** @file
 * Execution: one pipeline for every operation.
 *
 *	read dst -> read src -> operation -> write dst, flags
 *
 * Which steps an operation takes is in its traits, and what is special about
 * it is the function beside them (operations.c).  A plain move, which is what
 * nearly all accesses to devices are, has no middle and no flags.
 *
 * All reads come before all writes, so a pass that ends at a read which the
 * VMM must answer has changed nothing, and running it again from its start is
 * harmless.
 *
 * A destination that will be written is *read* as a write: if its page is
 * read-only, the fault's error code says so, as the processor's does (spec
 * 3.5).
 *
 * A locked operation on RAM is compute and compare-exchange.  When another
 * vCPU was faster, the guest is resumed and executes the instruction again.
 */
#include "emulator/execute.h"

#include "emulator/operand.h"
#include "emulator/operations.h"

static enum emul_result write_destination(struct emulator *e, u64 found,
					  u64 value)
{
	struct memory_exchange values = { found, value };

	if (unlikely(e->insn.lock)) {
		return memory_exchange(e, &e->insn.dst.at, &values);
	}
	return operand_write(e, &e->insn.dst, value);
}

/** Everything but moves: read, read, compute, write, flags. */
static __noinline enum emul_result operate(struct emulator *e)
{
	struct insn *insn = &e->insn;
	unsigned int traits = insn->traits;
	struct alu alu = { .flags = e->new_rflags, .size = insn->dst.size };
	enum emul_result result = EMUL_DONE;
	u64 found;

	if (unlikely(traits & OP_CPL0) && e->ops->cpl(e) != 0) {
		return context_protection(e, VECTOR_GP);
	}
	alu.discard = traits & OP_OWN;
	if (traits & OP_READS_DST) {
		result = operand_read(e, &insn->dst, &alu.dst);
	}
	if (!result && !(traits & OP_OWN)) {
		result = operand_read(e, &insn->src, &alu.src);
	}
	if (result) {
		return result;
	}
	found = alu.dst;
	result = operations[insn->row.op].run(e, &alu);
	if (result) {
		return result;
	}
	e->new_rflags = alu.flags;
	if (!(traits & OP_WRITES_DST) || alu.discard) {
		return EMUL_DONE;
	}
	return write_destination(e, found, alu.dst);
}

enum emul_result execute_run(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result;
	u64 value;

	if (!(insn->traits & OP_MOVES)) {
		return operate(e);
	}
	result = operand_read(e, &insn->src, &value);
	if (result) {
		return result;
	}
	return operand_write(e, &insn->dst, value);
}
