/** @file
 * IRET: back from an interrupt's handler (SDM 2A IRET).
 *
 *	pop    rIP, CS, rFLAGS
 *	code   no inner level's
 *	stack  of an outer level, and always in 64-bit mode: pop rSP, SS
 *	go     rIP, CS, SS, rSP; of the flags those that this level may change
 *
 * It ends the blocking of NMIs.  A return to another task ends in
 * EMUL_UNHANDLEABLE, to virtual-8086 mode goes by virtual_8086.h.
 *
 *	now                    by IRET to
 *	real mode              real mode
 *	virtual-8086 mode      itself, IOPL 3; else #GP for its monitor
 *	protected, level 0     the same or an outer level; or, with VM set in
 *	                       the flags on the stack, virtual-8086 mode
 *	protected, NT set      the task before: not supported
 *	IA-32e mode            the same or an outer level; with NT set #GP
 *
 * What may be popped into the flags hangs on the level that is *left*: a
 * program that executes IRET by itself gains nothing by it.
 */
#include "emulator/op_iret.h"

#include "emulator/op_far.h"
#include "emulator/outer.h"
#include "emulator/segment.h"
#include "emulator/stack.h"
#include "emulator/virtual_8086.h"

/**
 * What IRET takes from the stack in real mode; the operand size permitting.
 *
 *	257FD5h   ID AC RF, NT IOPL, OF DF IF TF, SF ZF AF PF CF
 *
 * Missing are VM, VIF and VIP, which are for level 0 of protected mode to set,
 * and what is reserved.
 */
#define IRET_FLAGS 0x257fd5ull

#define RFLAGS_RESERVED_1 BIT(1)

/** What is popped first. */
struct frame_read {
	struct far_target to;
	u64 selector;
	u64 flags;
};

/**
 * They are read as the stack in use, with the rights of the CPL and through the
 * read cache: in MMIO this may take several passes, each of which begins here.
 */
static enum emul_result pop_three(struct emulator *e, struct frame_read *from)
{
	unsigned int size = e->insn.operand_size;
	enum emul_result result = stack_pop(e, &from->to.offset, size);

	if (!result) {
		result = stack_pop(e, &from->selector, size);
	}
	return result ? result : stack_pop(e, &from->flags, size);
}

/** Flags: 16 bits with a 16-bit operand. @param taken the others stay */
static u64 return_flags(const struct emulator *e, u64 popped, u64 taken)
{
	taken &= context_mask(e->insn.operand_size);
	return (e->rflags & ~taken & ~RFLAGS_RF) | (popped & taken) |
	       RFLAGS_RESERVED_1;
}

/** Of protected mode: IF by IOPL; IOPL, VIF and VIP at level 0. */
static u64 may_take(struct emulator *e)
{
	unsigned int cpl = e->ops->cpl(e);
	u64 taken = IRET_FLAGS;

	if (cpl == 0) {
		return taken | RFLAGS_VIF | RFLAGS_VIP;
	}
	if (cpl > bits(e->rflags, 13, 12)) {
		taken &= ~RFLAGS_IF;
	}
	return taken & ~RFLAGS_IOPL;
}

/** In virtual-8086 mode IOPL stays as it is. */
static enum emul_result return_real(struct emulator *e, struct alu *alu)
{
	u64 taken = IRET_FLAGS;
	struct frame_read from;
	enum emul_result result = pop_three(e, &from);

	if (e->rflags & RFLAGS_VM) {
		taken &= ~RFLAGS_IOPL;
	}
	if (!result) {
		result = op_far_find(e, from.selector, true, &from.to);
	}
	if (!result) {
		result = op_far_check(e, &from.to);
	}
	if (result) {
		return result;
	}
	alu->flags = return_flags(e, from.flags, taken);
	return op_far_go(e, &from.to);
}

/**
 * Only level 0 may make virtual-8086 mode, and only by the 32-bit form, since
 * VM is bit 17 of the flags.  IA-32e mode has no such mode any more.
 */
static bool is_to_8086(struct emulator *e, const struct frame_read *from)
{
	return (from->flags & RFLAGS_VM) && e->insn.operand_size == 4 &&
	       e->ops->cpl(e) == 0 && !segment_long_mode(e);
}

static enum emul_result return_8086(struct emulator *e, struct alu *alu,
				    const struct frame_read *from)
{
	const struct virtual_8086_entry entry = {
		.offset = from->to.offset,
		.cs = from->selector,
		.flags = return_flags(e, from->flags,
				      may_take(e) | RFLAGS_VM),
	};

	return virtual_8086_enter(e, &entry, &alu->flags);
}

/**
 * Where it leads, with its stack if that is another.
 *
 * The RPL of the popped CS is the level to return to.  In 64-bit mode rSP and
 * SS are popped always, as the frame of an event there has them always.
 */
static enum emul_result find_return(struct emulator *e, struct frame_read *from,
				    struct outer *stack)
{
	enum emul_result result = op_far_find(e, from->selector, true,
					      &from->to);

	if (result) {
		return result;
	}
	stack->level = from->selector & 3;
	stack->changes = stack->level != e->ops->cpl(e) || e->mode == MODE_64;
	if (stack->changes) {
		result = outer_pop(e, &from->to.code.segment, stack);
	}
	return result ? result : op_far_check(e, &from->to);
}

/**
 * outer_use() stands behind op_far_go(): it wants to know the new CS, and the
 * one step that may still refuse is op_far_go()'s first.
 */
static enum emul_result return_protected(struct emulator *e, struct alu *alu)
{
	struct frame_read from;
	struct outer stack;
	enum emul_result result = pop_three(e, &from);

	if (!result && is_to_8086(e, &from)) {
		return return_8086(e, alu, &from);
	}
	if (!result) {
		result = find_return(e, &from, &stack);
	}
	if (!result) {
		result = outer_mark(e, &stack);
	}
	if (result) {
		return result;
	}
	alu->flags = return_flags(e, from.flags, may_take(e));
	result = op_far_go(e, &from.to);
	if (!result) {
		outer_use(e, &stack);
	}
	return result;
}

/*
 * NT says that the handler was entered by a switch of tasks, so that going back
 * is one as well.  Real mode does not look at it.
 */
enum emul_result op_iret_iret(struct emulator *e, struct alu *alu)
{
	e->dirty |= EMUL_OPENS_NMI;
	if ((e->rflags & RFLAGS_VM) &&
	    (e->rflags & RFLAGS_IOPL) != RFLAGS_IOPL) {
		return context_protection(e, VECTOR_GP);
	}
	if (!segment_protected(e)) {
		return return_real(e, alu);
	}
	if (!(e->rflags & RFLAGS_NT)) {
		return return_protected(e, alu);
	}
	return segment_long_mode(e)
		       ? context_protection(e, VECTOR_GP)
		       : context_stop(e, "a return to another task");
}
