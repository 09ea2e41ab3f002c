/** @file
 * Exchanges: XCHG, XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B.
 *
 * XCHG and XADD give their source, which is a register, what the destination
 * held.  They do it before the destination is written: XADD of a register
 * with itself leaves the sum in it.
 */
#include "emulator/op_exchange.h"

#include "emulator/operand.h"

/* With memory it is locked without a prefix: LOCKED_ROW in the tables. */
enum emul_result op_exchange_xchg(struct emulator *e, struct alu *alu)
{
	u64 found = alu->dst;

	alu->dst = alu->src;
	return operand_write(e, &e->insn.src, found);
}

/** 90h is NOP, or PAUSE after F3h, unless REX.B makes it an XCHG with r8. */
enum emul_result op_exchange_xchg_nop(struct emulator *e, struct alu *alu)
{
	if (e->insn.dst.reg != REG_RAX) {
		return op_exchange_xchg(e, alu);
	}
	alu->discard = true;
	return EMUL_DONE;
}

/*
 * With LOCK this is how counters are shared: each who adds learns what he
 * found, and no two find the same.
 */
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

/** Two registers as one value; each gives size bytes, which become 8. */
static void read_pair(const struct emulator *e, unsigned int high,
		      unsigned int low, struct memory_wide *value)
{
	value->half[0] = context_register(e, low);
	value->half[1] = context_register(e, high);
	if (e->insn.operand_size != 8) {
		value->half[0] = (u32)value->half[0] | value->half[1] << 32;
		value->half[1] = 0;
	}
}

/** rDX:rAX takes what was found. */
static void write_accumulator(struct emulator *e,
			      const struct memory_wide *found)
{
	if (e->insn.operand_size == 8) {
		context_set_register(e, REG_RAX, found->half[0]);
		context_set_register(e, REG_RDX, found->half[1]);
		return;
	}
	context_merge_register(e, REG_RAX, found->half[0], 4);
	context_merge_register(e, REG_RDX, found->half[0] >> 32, 4);
}

/**
 * CMPXCHG16B wants its operand aligned, and in RAM: no device has it, and one
 * that is asked twice for eight bytes would not be asked the same (spec
 * 10.11).
 */
static enum emul_result check_wide(struct emulator *e)
{
	const struct mem_access *at = &e->insn.dst.at;

	if (at->size != 16) {
		return EMUL_DONE;
	}
	if (at->address.v % 16) {
		return context_protection(e, VECTOR_GP);
	}
	return memory_need_ram(e, at);
}

/**
 * CMPXCHG8B and 16B: rDX:rAX is compared with memory, rCX:rBX goes there.  As
 * with CMPXCHG, memory is written in any case.
 */
enum emul_result op_exchange_cmpxchg8b(struct emulator *e, struct alu *alu)
{
	const struct mem_access *at = &e->insn.dst.at;
	struct memory_wide found = { { 0 } }, expected, new;
	enum emul_result result = check_wide(e);

	alu->discard = true; /* it is written here */
	if (!result) {
		result = read_cache_read(e, at, found.half);
	}
	if (result) {
		return result;
	}
	read_pair(e, REG_RDX, REG_RAX, &expected);
	read_pair(e, REG_RCX, REG_RBX, &new);
	alu->flags |= RFLAGS_ZF;
	if (memcmp(&found, &expected, sizeof(found))) {
		alu->flags &= ~RFLAGS_ZF;
		write_accumulator(e, &found);
		new = found;
	}
	if (e->insn.lock) {
		return memory_exchange_wide(e, at, &found, &new);
	}
	return fragments_write(e, at, new.half);
}
