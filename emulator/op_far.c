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
 * What names a system segment in place of code is a call gate, which
 * call_gate.c goes through; or a task, which ends in EMUL_UNHANDLEABLE.
 *
 * It is by a far transfer that a guest changes its mode: real mode to protected
 * mode, when CR0.PE has just been set, and compatibility mode to 64-bit code,
 * whose descriptor has the L bit.  A kernel's first instructions are full of
 * them, so a guest that starts in real mode comes here early.
 */
#include "emulator/op_far.h"

#include "emulator/call_gate.h"
#include "emulator/operand.h"
#include "emulator/outer.h"
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

enum emul_result op_far_find(struct emulator *e, u16 selector, bool is_return,
			     struct far_target *to)
{
	if (segment_protected(e)) {
		return segment_code(e, selector, is_return, &to->code);
	}
	find_real(e, selector, &to->code.segment);
	return EMUL_DONE;
}

/*
 * Against the segment that is gone to, not the one that is left.  IRET and RET
 * come here as well, and after their stacks: so it is a function of its own.
 */
enum emul_result op_far_check(struct emulator *e, const struct far_target *to)
{
	return segment_code_holds(e, &to->code.segment, to->offset)
		       ? EMUL_DONE
		       : context_protection(e, VECTOR_GP);
}

/*
 * The accessed bit is a write to the guest's memory and may fault, therefore it
 * comes before CS, which is replaced at once and cannot be taken back.
 */
enum emul_result op_far_go(struct emulator *e, const struct far_target *to)
{
	enum emul_result result = EMUL_DONE;

	if (segment_protected(e)) {
		result = segment_mark(e, &to->code, RIGHTS_ACCESSED);
	}
	if (!result) {
		e->next_rip = to->offset;
		e->ops->system->set_segment(e, SEGMENT_CS, &to->code.segment);
	}
	return result;
}

/**
 * The pointer of CALL and JMP: in the instruction, or in memory.
 *
 * In memory it is two operands in a row, the offset below the selector, and is
 * read as two: 4 + 2 bytes, or 2 + 2, or 8 + 2, which no single read has.
 */
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

/**
 * Does the selector name a system segment of its table?  Nothing else is looked
 * at: whoever takes over reads the descriptor again and checks it in his order.
 */
static enum emul_result look(struct emulator *e, u16 selector, bool *system)
{
	struct descriptor found;
	enum emul_result result;

	*system = false;
	if (!segment_protected(e) || selector <= 3) {
		return EMUL_DONE; /* for op_far_find() to judge */
	}
	result = segment_find(e, selector, false, &found);
	*system = !(found.segment.rights & RIGHTS_S);
	return result;
}

enum emul_result op_far_jmp(struct emulator *e, struct alu *alu)
{
	u64 selector = 0;
	struct far_target to;
	bool system = false;
	enum emul_result result = read_pointer(e, &to.offset, &selector);

	(void)alu;
	if (!result) {
		result = look(e, selector, &system);
	}
	if (system) {
		return result ? result : call_gate_jmp(e, selector);
	}
	if (!result) {
		result = op_far_find(e, selector, false, &to);
	}
	if (!result) {
		result = op_far_check(e, &to);
	}
	return result ? result : op_far_go(e, &to);
}

/**
 * CALL to code of the same level.  The return address is as wide as the operand
 * size, which the matching RET must have too; the selector takes as much room,
 * so that the stack stays aligned.
 */
static enum emul_result call_code(struct emulator *e, u16 selector,
				  struct far_target *to)
{
	unsigned int size = e->insn.operand_size;
	enum emul_result result = op_far_find(e, selector, false, to);
	struct segment_register old;

	e->ops->system->get_segment(e, SEGMENT_CS, &old);
	if (!result) {
		result = op_far_check(e, to);
	}
	if (!result) {
		result = stack_push(e, old.selector, size);
	}
	if (!result) {
		result = stack_push(e, e->next_rip, size);
	}
	return result ? result : op_far_go(e, to);
}

enum emul_result op_far_call(struct emulator *e, struct alu *alu)
{
	u64 selector = 0;
	struct far_target to;
	bool system = false;
	enum emul_result result = read_pointer(e, &to.offset, &selector);

	(void)alu;
	if (!result) {
		result = look(e, selector, &system);
	}
	if (result) {
		return result;
	}
	return system ? call_gate_call(e, selector)
		      : call_code(e, selector, &to);
}

/** Bytes of arguments that RET imm16 drops. */
static u16 arguments(const struct emulator *e)
{
	return e->insn.src.kind == OPERAND_IMMEDIATE ? e->insn.immediate : 0;
}

/**
 * The outer stack stands behind the arguments, which it has, too: a call gate
 * had copied them to the inner one, so RET imm16 drops them twice.
 */
static enum emul_result find_outer(struct emulator *e,
				   const struct far_target *to,
				   struct outer *stack)
{
	enum emul_result result;

	stack->changes = segment_protected(e) &&
			 (to->code.segment.selector & 3) != e->ops->cpl(e);
	stack_move(e, arguments(e));
	if (!stack->changes) {
		return EMUL_DONE;
	}
	stack->level = to->code.segment.selector & 3;
	result = outer_pop(e, &to->code.segment, stack);
	stack->sp += arguments(e);
	return result;
}

/** Code, then stack, then offset, as IRET does. */
static enum emul_result find_return(struct emulator *e, u16 selector,
				    struct far_target *to, struct outer *stack)
{
	enum emul_result result = op_far_find(e, selector, true, to);

	if (!result) {
		result = find_outer(e, to, stack);
	}
	return result ? result : op_far_check(e, to);
}

enum emul_result op_far_ret(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	struct far_target to;
	struct outer stack;
	enum emul_result result;
	u64 selector;

	(void)alu;
	result = stack_pop(e, &to.offset, size);
	if (!result) {
		result = stack_pop(e, &selector, size);
	}
	if (!result) {
		result = find_return(e, selector, &to, &stack);
	}
	if (!result) {
		result = outer_mark(e, &stack);
	}
	if (!result) {
		result = op_far_go(e, &to);
	}
	if (!result) {
		outer_use(e, &stack);
	}
	return result;
}
