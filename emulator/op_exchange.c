/** @file
 * Exchanges: XCHG, XADD, CMPXCHG.
 *
 * XCHG and XADD give their source, which is a register, what the destination
 * held.  They do it before the destination is written: XADD of a register
 * with itself leaves the sum in it.
 */
#include "emulator/op_exchange.h"

#include "emulator/operand.h"

enum emul_result op_exchange_xchg(struct emulator *e, struct alu *alu)
{
	u64 found = alu->dst;

	alu->dst = alu->src;
	return operand_write(e, &e->insn.src, found);
}

enum emul_result op_exchange_xadd(struct emulator *e, struct alu *alu)
{
	u64 found = alu->dst;

	alu->dst = flags_add(alu, false);
	return operand_write(e, &e->insn.src, found);
}

/**
 * Memory is written in any case, with its old value if the accumulator
 * differs (spec 3.6).  A register that differs is left alone: writing 32 bits
 * of it back would clear its upper half, which processors do not do, although
 * the SDM's DEST := TEMP can be read like that.
 */
enum emul_result op_exchange_cmpxchg(struct emulator *e, struct alu *alu)
{
	struct alu compare = *alu;
	u64 found = alu->dst;

	compare.dst = context_register(e, REG_RAX);
	compare.src = found;
	flags_subtract(&compare, false);
	alu->flags = compare.flags;
	if (alu->flags & RFLAGS_ZF) {
		alu->dst = alu->src;
		return EMUL_DONE;
	}
	alu->discard = e->insn.dst.kind == OPERAND_REGISTER;
	context_merge_register(e, REG_RAX, found, alu->size);
	return EMUL_DONE;
}
