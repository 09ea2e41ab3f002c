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

/** Interrupts get their turn after this many iterations (spec 3.7). */
#define STRING_BATCH 1024

_Static_assert(Xz - Xb == 2 && Yz - Yb == 2, "three codes a pointer");

/** X: what rSI points to. */
static bool is_x(u8 code)
{
	return (u8)(code - Xb) <= Xz - Xb;
}

/** Y: what rDI points to. */
static bool is_y(u8 code)
{
	return (u8)(code - Yb) <= Yz - Yb;
}

static u64 count_of(const struct emulator *e, const u64 *registers)
{
	return registers[REG_RCX] & e->insn.address_mask;
}

/** Point the operands at where rSI and rDI are in this iteration. */
static enum emul_result point(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;

	if (insn->dst.kind == OPERAND_MEMORY) {
		result = operand_point(e, &insn->dst,
				       is_x(insn->row.dst) ? REG_RSI : REG_RDI);
	}
	if (!result && insn->src.kind == OPERAND_MEMORY) {
		result = operand_point(e, &insn->src,
				       is_y(insn->row.src) ? REG_RDI : REG_RSI);
	}
	return result;
}

/** Move a pointer by one element, down if DF is set. */
static void move(struct emulator *e, unsigned int reg)
{
	const struct insn *insn = &e->insn;
	bool dst_is_memory = insn->dst.kind == OPERAND_MEMORY;
	u64 step = dst_is_memory ? insn->dst.size : insn->src.size;
	u64 pointer = context_register(e, reg);

	pointer = e->rflags & RFLAGS_DF ? pointer - step : pointer + step;
	context_merge_register(e, reg, pointer, e->insn.address_size);
}

/** What the operands' codes say: rSI moves, rDI does, or both. */
static void move_pointers(struct emulator *e)
{
	const struct opcode *row = &e->insn.row;

	if (is_x(row->dst) || is_x(row->src)) {
		move(e, REG_RSI);
	}
	if (is_y(row->dst) || is_y(row->src)) {
		move(e, REG_RDI);
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

/** After an iteration with REP: the count, and whether RIP stays. */
static void count_down(struct emulator *e)
{
	u64 left = count_of(e, e->gpr) - 1;

	context_merge_register(e, REG_RCX, left, e->insn.address_size);
	if (!condition_ends(e) && (left || !(e->rflags & RFLAGS_TF))) {
		e->new_rflags |= RFLAGS_RF;
		e->next_rip = e->rip;
	}
}

enum emul_result string_step(struct emulator *e)
{
	enum emul_result result;

	if (e->insn.rep && count_of(e, e->gpr) == 0) {
		return EMUL_DONE;
	}
	if (!e->insn.pointed) {
		result = point(e);
		if (result) {
			return result;
		}
		e->insn.pointed = true;
	}
	result = execute_run(e);
	if (result) {
		return result;
	}
	e->insn.pointed = false;
	move_pointers(e);
	if (e->insn.rep) {
		count_down(e);
	}
	return EMUL_DONE;
}

bool string_goes_on(const struct emulator *e)
{
	u64 left = count_of(e, e->gpr);

	return (e->rflags & RFLAGS_RF) && left % STRING_BATCH != 0 &&
	       !(e->rflags & RFLAGS_TF);
}
