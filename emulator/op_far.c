/** @file
 * Far transfers: JMP, CALL and RET to another code segment.
 *
 *	find   the descriptor, its rights, the offset against its limit
 *	push   CS and the offset behind the instruction (CALL)
 *	go     CS and RIP change
 *
 * In that order: the stack is written only when nothing can refuse any more.
 * In real and virtual-8086 mode there is nothing to find; the offset is held
 * against the limit that CS has.
 *
 * Transfers through gates and task-state segments, and returns to an outer
 * level, are not here: a guest on its way out of real mode needs none, and
 * they end in EMUL_UNHANDLEABLE with a sentence.
 */
#include "emulator/op_far.h"

#include "emulator/operand.h"
#include "emulator/segment.h"
#include "emulator/stack.h"

/** CS in real and virtual-8086 mode: the base moves, the rest stays. */
static void find_real(struct emulator *e, u16 selector,
		      struct segment_register *cs)
{
	e->ops->system->get_segment(e, SEGMENT_CS, cs);
	cs->selector = selector;
	cs->base = gva((u64)selector << 4);
}

/** Canonical for 64-bit code, else inside the limit (SDM 2A JMP). */
static bool is_inside(struct emulator *e, const struct far_target *to)
{
	if ((to->cs.rights & RIGHTS_L) && segment_long_mode(e)) {
		return context_canonical(to->offset, 1);
	}
	return to->offset <= to->cs.limit;
}

enum emul_result op_far_find(struct emulator *e, u16 selector, bool is_return,
			     struct far_target *to)
{
	enum emul_result result = EMUL_DONE;

	if (segment_protected(e)) {
		result = segment_code(e, selector, is_return, &to->cs);
	} else {
		find_real(e, selector, &to->cs);
	}
	if (!result && !is_inside(e, to)) {
		result = context_protection(e, VECTOR_GP);
	}
	return result;
}

void op_far_go(struct emulator *e, const struct far_target *to)
{
	e->next_rip = to->offset;
	e->ops->system->set_segment(e, SEGMENT_CS, &to->cs);
}

/** The pointer of CALL and JMP: in the instruction, or in memory. */
static enum emul_result read_pointer(struct emulator *e, u64 *offset,
				     u64 *selector)
{
	const struct insn *insn = &e->insn;
	struct operand part = insn->src;
	enum emul_result result;

	if (part.kind == OPERAND_IMMEDIATE) {
		*offset = insn->immediate & context_mask(insn->operand_size);
		*selector = insn->immediate2;
		return EMUL_DONE;
	}
	part.at.size = insn->operand_size;
	result = operand_read(e, &part, offset);
	if (result) {
		return result;
	}
	part.at.address = gva_add(part.at.address, insn->operand_size);
	part.at.size = 2;
	return operand_read(e, &part, selector);
}

static enum emul_result find_pointer(struct emulator *e, struct far_target *to)
{
	enum emul_result result;
	u64 selector = 0;

	result = read_pointer(e, &to->offset, &selector);
	return result ? result : op_far_find(e, selector, false, to);
}

enum emul_result op_far_jmp(struct emulator *e, struct alu *alu)
{
	struct far_target to;
	enum emul_result result = find_pointer(e, &to);

	(void)alu;
	if (!result) {
		op_far_go(e, &to);
	}
	return result;
}

enum emul_result op_far_call(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	struct segment_register old;
	struct far_target to;
	enum emul_result result = find_pointer(e, &to);

	(void)alu;
	e->ops->system->get_segment(e, SEGMENT_CS, &old);
	if (!result) {
		result = stack_push(e, old.selector, size);
	}
	if (!result) {
		result = stack_push(e, e->next_rip, size);
	}
	if (!result) {
		op_far_go(e, &to);
	}
	return result;
}

/** RET, and RET imm16, which drops as many bytes of arguments. */
enum emul_result op_far_ret(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	struct far_target to;
	enum emul_result result;
	u64 selector;

	(void)alu;
	result = stack_pop(e, &to.offset, size);
	if (!result) {
		result = stack_pop(e, &selector, size);
	}
	if (!result) {
		result = op_far_find(e, selector, true, &to);
	}
	if (result) {
		return result;
	}
	if (e->insn.src.kind == OPERAND_IMMEDIATE) {
		stack_move(e, e->insn.immediate & 0xffff);
	}
	op_far_go(e, &to);
	return EMUL_DONE;
}
