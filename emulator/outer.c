/** @file
 * Returning to an outer level (outer.h).
 *
 * The stack that was left when the inner level was entered stands on the inner
 * one's.  It may be null where 64-bit code returns to 64-bit code, other than
 * at level 3: the processor itself had made it so.
 *
 *	outer_pop()    rSP and SS are read and checked; nothing changes
 *	outer_mark()   SS's descriptor is marked accessed in memory
 *	outer_use()    SS, rSP; data segments that are too good for the level
 *
 * The last step is about a leak.  Segment registers are checked when they are
 * loaded and not when they are used, so a kernel that returned with its own DS
 * would leave the program a way to the kernel's data.
 */
#include "emulator/outer.h"

#include "emulator/stack.h"

#define SELECTOR_RPL 3u

/** May SS be null there?  Then it is unusable, and its DPL is the level. */
static bool may_be_null(struct emulator *e, const struct segment_register *cs,
			unsigned int level)
{
	return e->mode == MODE_64 && (cs->rights & RIGHTS_L) && level != 3;
}

/** The RPL of SS, its DPL and the level must be the same: segment_stack(). */
static enum emul_result find(struct emulator *e, u16 selector,
			     struct outer *out)
{
	enum emul_result result;

	out->stack.selector = selector;
	result = segment_stack(e, out->level, VECTOR_GP, &out->stack);
	out->stack.segment.rights |= RIGHTS_ACCESSED;
	return result;
}

/*
 * Called by IRET and by a far RET, which have popped rIP and CS before; the
 * values are as wide as theirs.  Of the selector's value the low 16 bits count.
 */
enum emul_result outer_pop(struct emulator *e,
			   const struct segment_register *cs,
			   struct outer *out)
{
	unsigned int size = e->insn.operand_size;
	enum emul_result result = stack_pop(e, &out->sp, size);
	u64 selector = 0;

	if (!result) {
		result = stack_pop(e, &selector, size);
	}
	if (result) {
		return result;
	}
	if ((u16)selector > SELECTOR_RPL || !may_be_null(e, cs, out->level)) {
		return find(e, selector, out);
	}
	out->stack.segment = (struct segment_register){
		.selector = selector,
		.rights = RIGHTS_UNUSABLE | out->level << 5,
	};
	return (selector & SELECTOR_RPL) == out->level
		       ? EMUL_DONE
		       : context_protection(e, VECTOR_GP);
}

/** Conforming code may stay; all else only if its level is not an inner one. */
static bool may_stay(const struct segment_register *segment, unsigned int level)
{
	const u32 conforming = RIGHTS_S | RIGHTS_CODE | RIGHTS_DOWN;

	return (segment->rights & conforming) == conforming ||
	       rights_dpl(segment->rights) >= level;
}

/** One that is null already loses its RPL, and keeps the base that an MSR may
 * have given it. */
static void drop(struct emulator *e, enum emul_segment which,
		 unsigned int level)
{
	struct segment_register segment;

	e->ops->system->get_segment(e, which, &segment);
	if (!(segment.rights & RIGHTS_UNUSABLE)) {
		if (may_stay(&segment, level)) {
			return;
		}
		segment.base = gva(0);
		segment.limit = 0;
	}
	segment.rights = RIGHTS_UNUSABLE;
	segment.selector = 0;
	e->ops->system->set_segment(e, which, &segment);
}

/* Before outer_use(), as a write to the descriptor's page may still fault. */
enum emul_result outer_mark(struct emulator *e, const struct outer *stack)
{
	if (!stack->changes ||
	    (stack->stack.segment.rights & RIGHTS_UNUSABLE)) {
		return EMUL_DONE;
	}
	return segment_mark(e, &stack->stack, RIGHTS_ACCESSED);
}

/*
 * How much of rSP is taken is the affair of who returns there: all of it in
 * 64-bit code, and by SS.B elsewhere.  CS is the new one already.
 */
void outer_use(struct emulator *e, const struct outer *stack)
{
	const struct segment_register *ss = &stack->stack.segment;
	unsigned int width = ss->rights & RIGHTS_DB ? 4 : 2;

	if (!stack->changes) {
		return;
	}
	if (segment_long_mode(e)) {
		struct segment_register cs;

		e->ops->system->get_segment(e, SEGMENT_CS, &cs);
		width = cs.rights & RIGHTS_L ? 8 : width;
	}
	context_merge_register(e, REG_RSP, stack->sp, width);
	e->ops->system->set_segment(e, SEGMENT_SS, ss);
	drop(e, SEGMENT_ES, stack->level);
	drop(e, SEGMENT_DS, stack->level);
	drop(e, SEGMENT_FS, stack->level);
	drop(e, SEGMENT_GS, stack->level);
}
