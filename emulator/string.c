/** @file
 * String instructions: the same operation again and again.
 *
 * To the guest a repeated string instruction is many small instructions: an
 * interrupt or a fault may come between two iterations, and then the
 * registers say how far it got and RIP is still at it (SDM 2B, REP).  So
 * every iteration is a whole pass of its own, with its own read cache, and is
 * committed by itself.
 *
 *	count 0?  -> finished without touching memory
 *	point rSI and rDI operands; execute_run() once
 *	move rSI, rDI; count down
 *	REPE, REPNE condition says stop?  -> finished: RIP moves on
 *	else RIP stays, RF set
 *
 * When the count runs out RIP stays as well, and the guest's own processor
 * retires the instruction with its count of 0, as KVM does it (spec 3.7).
 * With TF set that would be one trap too many, so then RIP moves on.
 */
#include "emulator/string.h"

#include "emulator/execute.h"
#include "emulator/operand.h"
#include "emulator/operations.h"

static inline u64 count_of(const struct emulator *e)
{
	return e->gpr[REG_RCX] & e->insn.address_mask;
}

/**
 * Where one operand is in this iteration, if it is memory.  Once an iteration:
 * insn->pointed says so to the pass that comes back with an answer.
 */
static inline enum emul_result point(struct emulator *e,
				     struct operand *operand)
{
	if (operand->kind != OPERAND_MEMORY) {
		return EMUL_DONE;
	}
	operand->value = e->gpr[operand->reg] & e->insn.address_mask;
	return operand_linear(e, operand);
}

/** Point the operands at where rSI and rDI are. */
static inline enum emul_result point_both(struct emulator *e)
{
	enum emul_result result = point(e, &e->insn.dst);

	return result ? result : point(e, &e->insn.src);
}

/** Add to a register which no pass has written; narrow() comes later. */
static inline void add(struct emulator *e, unsigned int reg, u64 by)
{
	context_set_register(e, reg, e->gpr[reg] + by);
}

/** Addresses of 2 or 4 bytes: only that much of the registers has moved. */
static __noinline void narrow(struct emulator *e)
{
	static const u8 moved[] = { REG_RCX, REG_RSI, REG_RDI };
	u64 mask = e->insn.address_mask;

	for (unsigned int i = 0; i < ARRAY_SIZE(moved); i++) {
		unsigned int reg = moved[i];
		u64 kept = mask == 0xffff ? e->gpr[reg] & ~mask : 0;

		if (e->dirty & BIT(reg)) {
			e->out[reg] = kept | (e->out[reg] & mask);
		}
	}
}

/** The bytes of an element. */
static inline u64 size_of(const struct emulator *e)
{
	const struct insn *insn = &e->insn;

	return insn->dst.kind == OPERAND_MEMORY ? insn->dst.size
						: insn->src.size;
}

/** Move what points to an operand by one element. */
static inline void move(struct emulator *e, const struct operand *operand,
			u64 step)
{
	if (operand->kind == OPERAND_MEMORY) {
		add(e, operand->reg, step);
	}
}

/** REPE goes on while ZF is 1, REPNE while it is 0; only CMPS and SCAS ask. */
static bool condition_ends(const struct emulator *e)
{
	bool zero = e->new_rflags & RFLAGS_ZF;

	if (e->insn.row.op != OP_CMPS && e->insn.row.op != OP_SCAS) {
		return false;
	}
	return e->insn.rep == 0xf3 ? !zero : zero;
}

/**
 * After an iteration with REP: the count, and whether RIP stays.  RF in the
 * flags is what string_goes_on() looks at, and what spares the guest a
 * breakpoint on the same instruction for each of its iterations.
 */
static void count_down(struct emulator *e)
{
	u64 left = count_of(e) - 1;

	add(e, REG_RCX, -1ull);
	if (!condition_ends(e) && (left || !(e->rflags & RFLAGS_TF))) {
		e->new_rflags |= RFLAGS_RF;
		e->next_rip = e->rip;
	}
}

/** The iteration is done: the pointers move, down if DF is set. */
static __noinline void end_step(struct emulator *e)
{
	u64 step = size_of(e);

	if (unlikely(e->rflags & RFLAGS_DF)) {
		step = -step;
	}
	move(e, &e->insn.dst, step);
	move(e, &e->insn.src, step);
	e->insn.pointed = false;
	if (e->insn.rep) {
		count_down(e);
	}
	if (unlikely(e->insn.address_size != 8)) {
		narrow(e);
	}
}

enum emul_result string_step(struct emulator *e)
{
	enum emul_result result;

	if (!e->insn.pointed) {
		if (e->insn.rep && count_of(e) == 0) {
			return EMUL_DONE;
		}
		result = point_both(e);
		if (result) {
			return result;
		}
		e->insn.pointed = true;
	}
	result = execute_run(e);
	if (result) {
		return result;
	}
	end_step(e);
	return EMUL_DONE;
}
