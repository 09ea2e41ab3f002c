/** @file
 * The stack's own instructions: PUSH, POP, PUSHA, POPA, ENTER, LEAVE.
 *
 * Where a row has the operand Stack, it is one value below or at rSP, which
 * operand.c has located and execute.c reads or writes; what is left to do is
 * to move rSP.  The others go through stack.h.
 *
 * rSP moves before the destination is written: POP rSP leaves in it what was
 * popped.
 */
#include "emulator/op_stack.h"

#include "emulator/memory.h"
#include "emulator/stack.h"

/*
 * rSP is still the old one in the source: PUSH rSP pushes what it was, as all
 * processors since the 80286 do.
 */
enum emul_result op_stack_push(struct emulator *e, struct alu *alu)
{
	alu->dst = alu->src;
	stack_move(e, -(s64)e->insn.operand_size);
	return EMUL_DONE;
}

enum emul_result op_stack_pop(struct emulator *e, struct alu *alu)
{
	alu->dst = alu->src;
	stack_move(e, e->insn.operand_size);
	return EMUL_DONE;
}

/** In the order of their numbers; rSP as it was before the first push. */
enum emul_result op_stack_pusha(struct emulator *e, struct alu *alu)
{
	enum emul_result result = EMUL_DONE;
	unsigned int i;

	(void)alu;
	for (i = 0; !result && i < 8; i++) {
		result = stack_push(e, e->gpr[i], e->insn.operand_size);
	}
	return result;
}

/** The other way round; rSP's place is skipped. */
enum emul_result op_stack_popa(struct emulator *e, struct alu *alu)
{
	unsigned int i, size = e->insn.operand_size;
	enum emul_result result = EMUL_DONE;
	u64 value = 0;

	(void)alu;
	for (i = 8; !result && i-- > 0;) {
		if (i == REG_RSP) {
			stack_move(e, size);
			continue;
		}
		result = stack_pop(e, &value, size);
		context_merge_register(e, i, value, size);
	}
	return result;
}

/**
 * Copy the pointers to the frames of the procedures around this one.  Nested
 * procedures, as Pascal has them, reach the outer ones' variables by them.
 */
static enum emul_result push_display(struct emulator *e, unsigned int level)
{
	struct mem_access at = { .size = e->insn.operand_size,
				 .kind = EMUL_READ };
	u64 offset = context_register(e, REG_RBP), value;
	enum emul_result result = EMUL_DONE;

	while (!result && --level > 0) {
		value = 0;
		offset -= at.size;
		result = memory_linear(e, SEGMENT_SS,
				       offset & context_mask(stack_width(e)),
				       &at);
		if (!result) {
			result = read_cache_read(e, &at, &value);
		}
		if (!result) {
			result = stack_push(e, value, at.size);
		}
	}
	return result;
}

/**
 * Could something be pushed at the new rSP?  ENTER faults if not, though it
 * writes nothing there (SDM 2A ENTER).
 */
static enum emul_result check_room(struct emulator *e)
{
	struct mem_access at = { .size = e->insn.operand_size,
				 .kind = EMUL_WRITE };
	u64 sp = context_register(e, REG_RSP) & context_mask(stack_width(e));
	enum emul_result result = memory_linear(e, SEGMENT_SS, sp, &at);

	return result ? result : memory_check(e, &at);
}

/**
 * ENTER: rBP is pushed, then the display, then the new frame's own address;
 * rBP points to the new frame and rSP behind its variables.  The display is
 * read and pushed in turns, as the processor does; where that makes a read
 * wait behind a write, with both in MMIO, the instruction is given up.
 */
enum emul_result op_stack_enter(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	unsigned int level = e->insn.immediate2 & 31;
	enum emul_result result;
	u64 frame;

	result = stack_push(e, context_register(e, REG_RBP), size);
	frame = context_register(e, REG_RSP);
	if (!result && level) {
		result = push_display(e, level);
	}
	if (!result && level) {
		result = stack_push(e, frame, size);
	}
	context_merge_register(e, REG_RBP, frame, stack_width(e));
	stack_move(e, -(s64)(u16)alu->src);
	return result ? result : check_room(e);
}

/* ENTER taken back: rSP to where the old rBP was pushed, which is popped. */
enum emul_result op_stack_leave(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	enum emul_result result;
	u64 value = 0;

	(void)alu;
	context_merge_register(e, REG_RSP, context_register(e, REG_RBP),
			       stack_width(e));
	result = stack_pop(e, &value, size);
	if (!result) {
		context_merge_register(e, REG_RBP, value, size);
	}
	return result;
}
