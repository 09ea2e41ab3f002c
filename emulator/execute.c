/** @file
 * Execution: one pipeline for every operation.
 *
 *	read dst -> read src -> compute -> write src (XCHG, XADD) -> write dst
 *
 * Which steps an operation takes is in its traits (opcodes.c); what it does in
 * the middle is one case of compute().  A plain move, which is what nearly all
 * accesses to devices are, has no middle and no flags.
 *
 * All reads come before all writes, so
 * a pass that ends at a read which the VMM must answer has changed nothing,
 * and running it again from its start is harmless.
 *
 * A destination that will be written is *read* as a write: if its page is
 * read-only, the fault's error code says so, as the processor's does (spec
 * 3.5).
 *
 * A locked operation on RAM is compute and compare-exchange.  When another
 * vCPU was faster, the guest is resumed and executes the instruction again.
 */
#include "emulator/execute.h"

#include "emulator/flags.h"
#include "emulator/opcodes.h"
#include "emulator/operand.h"

/** The low size bytes of value, sign-extended to 64 bits. */
static u64 sign_extend(u64 value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

/**
 * CMPXCHG: what goes to the destination.  Memory is written in any case, with
 * its old value if the accumulator differs (spec 3.6).
 */
static u64 compare_and_exchange(struct emulator *e, struct alu *alu)
{
	struct alu compare = *alu;
	u64 found = alu->dst;

	compare.dst = context_register(e, REG_RAX);
	compare.src = found;
	flags_subtract(&compare, false);
	alu->flags = compare.flags;
	if (alu->flags & RFLAGS_ZF) {
		return alu->src;
	}
	context_merge_register(e, REG_RAX, found, alu->size);
	return found;
}

/** What the operation makes of alu->dst and alu->src; updates alu->flags. */
static u64 compute(struct emulator *e, struct alu *alu)
{
	switch ((enum op)e->insn.row.op) {
	case OP_MOVSX:
		return sign_extend(alu->src, e->insn.src.size);
	case OP_ADD:
	case OP_XADD:
		return flags_add(alu, false);
	case OP_ADC:
		return flags_add(alu, true);
	case OP_SUB:
	case OP_CMP:
	case OP_CMPS:
	case OP_SCAS:
		return flags_subtract(alu, false);
	case OP_SBB:
		return flags_subtract(alu, true);
	case OP_AND:
	case OP_TEST:
		return flags_logic(alu, alu->dst & alu->src);
	case OP_OR:
		return flags_logic(alu, alu->dst | alu->src);
	case OP_XOR:
		return flags_logic(alu, alu->dst ^ alu->src);
	case OP_NOT:
		return ~alu->dst;
	case OP_NEG:
		return flags_negate(alu);
	case OP_INC:
		return flags_increment(alu);
	case OP_DEC:
		return flags_decrement(alu);
	case OP_CMPXCHG:
		return compare_and_exchange(e, alu);
	case OP_MOV:
	case OP_MOVZX:
	case OP_LEA:
	case OP_XCHG:
	case OP_PUSH:
	case OP_POP:
	case OP_MOVS:
	case OP_STOS:
	case OP_LODS:
	case OP_UNKNOWN:
	case OP_GROUP:
	case OP_COUNT:
		break;
	}
	return alu->src;
}

/** PUSH and POP move rSP by the operand's size, in the stack's width. */
static void move_stack(struct emulator *e)
{
	unsigned int width = e->mode == MODE_64 ? 8 : e->stack_size;
	u64 sp = context_register(e, REG_RSP);
	u64 size = e->insn.operand_size;

	sp = e->insn.row.op == OP_PUSH ? sp - size : sp + size;
	context_merge_register(e, REG_RSP, sp, width);
}

/** XCHG and XADD give their source, a register, what the destination held. */
static enum emul_result write_source(struct emulator *e, u64 found)
{
	if (e->insn.row.op != OP_XCHG && e->insn.row.op != OP_XADD) {
		return EMUL_DONE;
	}
	return operand_write(e, &e->insn.src, found);
}

/**
 * A register that CMPXCHG found different is left alone: writing 32 bits of
 * it back would clear its upper half.
 */
static bool leaves_destination(const struct emulator *e)
{
	return e->insn.row.op == OP_CMPXCHG &&
	       e->insn.dst.kind == OPERAND_REGISTER &&
	       !(e->new_rflags & RFLAGS_ZF);
}

static enum emul_result write_destination(struct emulator *e,
					  const struct memory_exchange *values)
{
	if (unlikely(e->insn.lock)) {
		return memory_exchange(e, &e->insn.dst.at, values);
	}
	return operand_write(e, &e->insn.dst, values->new);
}

/**
 * Write the results where there is more than one, or perhaps none.  The
 * destination comes last: XADD of a register with itself leaves the sum in
 * it, and POP rSP what was popped.
 */
static enum emul_result write_more(struct emulator *e,
				   const struct memory_exchange *values)
{
	enum emul_result result = write_source(e, values->old);

	if (e->insn.row.op == OP_PUSH || e->insn.row.op == OP_POP) {
		move_stack(e);
	}
	if (result || leaves_destination(e)) {
		return result;
	}
	return write_destination(e, values);
}

static inline enum emul_result write_back(struct emulator *e, u8 traits,
					  const struct memory_exchange *values)
{
	if (!(traits & OP_WRITES_DST)) {
		return EMUL_DONE;
	}
	if (unlikely(traits & OP_WRITES_MORE)) {
		return write_more(e, values);
	}
	return write_destination(e, values);
}

/** Everything but moves: read, read, compute, write, flags. */
static __noinline enum emul_result operate(struct emulator *e)
{
	struct insn *insn = &e->insn;
	u8 traits = insn->traits;
	struct alu alu = { .flags = e->new_rflags, .size = insn->dst.size };
	struct memory_exchange values;
	enum emul_result result = EMUL_DONE;

	if (traits & OP_READS_DST) {
		result = operand_read(e, &insn->dst, &alu.dst);
	}
	if (!result) {
		result = operand_read(e, &insn->src, &alu.src);
	}
	if (result) {
		return result;
	}
	values.old = alu.dst;
	values.new = compute(e, &alu);
	e->new_rflags = alu.flags;
	return write_back(e, traits, &values);
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
