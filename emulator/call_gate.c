/** @file
 * Call gates: how a program calls a more privileged one.
 *
 * The offset of the far pointer means nothing; where to go stands in the gate.
 * A CALL that comes out at an inner level finds there, on that level's own
 * stack, what it would have found on its caller's:
 *
 *	SS, rSP      of the caller
 *	parameters   as many as the gate says, copied
 *	CS, rIP      to return to
 *
 * A JMP changes no level, so it may go to its own only, and pushes nothing.
 *
 * Hardly a system of today has call gates: SYSCALL and INT n do with one
 * address for all calls what these do with a descriptor for each.  But a guest
 * may have one in its table, and then it leads where the processor's would.
 *
 * The order in which CALL may refuse, which decides what the guest's handler is
 * told: gate, code, stack, parameters, room, offset, and last the pages.
 */
#include "emulator/call_gate.h"

#include "emulator/frame.h"
#include "emulator/gate.h"
#include "emulator/memory.h"
#include "emulator/system.h"

#define SELECTOR_RPL 3u
#define PARAMETERS   31u /* five bits of the gate: how many are copied */

/** Values, in the order in which they are pushed. */
struct values {
	u64 value[FRAME_VALUES];
	unsigned int count;
};

/**
 * What a selector of a system segment may name here: a call gate.  A task gate
 * or a TSS is right as well outside IA-32e mode, but a switch of tasks is not
 * supported; LDT, interrupt gates and the rest are the guest's mistake.
 */
static enum emul_result check_type(struct emulator *e, const struct gate *gate,
				   u16 selector)
{
	bool wide = segment_long_mode(e);

	switch (gate_type(gate)) {
	case GATE_CALL:
		return EMUL_DONE;
	case GATE_CALL_16:
		return wide ? segment_fault(e, VECTOR_GP, selector) : EMUL_DONE;
	case GATE_TASK:
	case SYSTEM_TSS:
	case SYSTEM_TSS_16:
		return wide ? segment_fault(e, VECTOR_GP, selector)
			    : context_stop(e, "a far transfer to a task");
	default:
		return segment_fault(e, VECTOR_GP, selector);
	}
}

/**
 * Both who calls and for whom he calls (the RPL: who made the selector) must be
 * inside of the gate's level.  A gate to level 0 whose DPL is 3 is what opens a
 * system to its programs.
 */
static enum emul_result check_gate(struct emulator *e, const struct gate *gate,
				   u16 selector)
{
	unsigned int dpl = rights_dpl(gate->rights);
	enum emul_result result = check_type(e, gate, selector);

	if (result) {
		return result;
	}
	if (dpl < e->ops->cpl(e) || dpl < (selector & SELECTOR_RPL)) {
		return segment_fault(e, VECTOR_GP, selector);
	}
	return gate->rights & RIGHTS_P ? EMUL_DONE
				       : segment_fault(e, VECTOR_NP, selector);
}

/**
 * From the selector to the code, without any change.  In IA-32e mode a gate has
 * sixteen bytes, of which the second eight hold the offset's upper half.
 */
static enum emul_result find(struct emulator *e, u16 selector,
			     struct gate *gate, struct gate_target *target)
{
	bool wide = segment_long_mode(e);
	struct descriptor found;
	enum emul_result result = segment_find(e, selector, wide, &found);

	if (result) {
		return result;
	}
	gate_decode(found.low, found.high, wide, gate);
	result = check_gate(e, gate, selector);
	return result ? result : gate_find(e, gate, target);
}

/** The offset is the last thing that is looked at. */
static enum emul_result check_offset(struct emulator *e,
				     const struct gate *gate,
				     const struct gate_target *target)
{
	return segment_code_holds(e, &target->code.segment, gate->offset)
		       ? EMUL_DONE
		       : context_protection(e, VECTOR_GP);
}

/** What is no longer to be refused: where to go on, and in which segment. */
static void go(struct emulator *e, const struct gate *gate,
	       const struct gate_target *target)
{
	e->next_rip = gate->offset;
	e->ops->system->set_segment(e, SEGMENT_CS, &target->code.segment);
}

/*
 * A JMP to an inner level would leave no way back, and its code would run on a
 * stack that belongs to a program; so conforming code and code of the same
 * level are all that it may reach.
 */
enum emul_result call_gate_jmp(struct emulator *e, u16 selector)
{
	struct gate_target target;
	struct gate gate;
	enum emul_result result = find(e, selector, &gate, &target);

	if (!result && target.inner) {
		result = segment_fault(e, VECTOR_GP, gate.selector);
	}
	if (!result) {
		result = check_offset(e, &gate, &target);
	}
	if (!result) {
		result = segment_mark(e, &target.code, RIGHTS_ACCESSED);
	}
	if (!result) {
		go(e, &gate, &target);
	}
	return result;
}

/**
 * The caller's stack, the last parameter first.
 *
 * What was pushed first lies highest and is copied first, so that the order on
 * the new stack is that on the old one, and the called procedure finds its
 * parameters at the same distance from rSP.  They are read with the rights of
 * the caller, whose CPL is still in force.  64-bit gates copy nothing: there
 * parameters are passed in registers.
 */
static enum emul_result read_parameters(struct emulator *e,
					const struct gate *gate,
					struct values *to)
{
	unsigned int i = gate->size == 8 ? 0 : gate->extra & PARAMETERS;
	enum emul_result result = EMUL_DONE;
	struct frame here;

	frame_here(e, gate->size, gate->size == 8, &here);
	while (i-- && !result) {
		struct mem_access at = { .size = gate->size,
					 .kind = EMUL_READ };
		u64 sp = here.sp + (u64)i * gate->size;

		result = memory_linear(e, SEGMENT_SS,
				       sp & context_mask(here.width), &at);
		if (!result) {
			to->value[to->count] = 0;
			result = read_cache_read(e, &at,
						 &to->value[to->count++]);
		}
	}
	return result;
}

/**
 * All reads are here, and all writes in write_frame(): a parameter on a device
 * would end the pass, and by then nothing must have been written.
 */
static enum emul_result make_values(struct emulator *e,
				    const struct gate *gate, bool inner,
				    struct values *to)
{
	enum emul_result result = EMUL_DONE;
	struct segment_register ss, cs;

	e->ops->system->get_segment(e, SEGMENT_SS, &ss);
	e->ops->system->get_segment(e, SEGMENT_CS, &cs);
	to->count = 0;
	if (inner) {
		to->value[to->count++] = ss.selector;
		to->value[to->count++] = context_register(e, REG_RSP);
		result = read_parameters(e, gate, to);
	}
	to->value[to->count++] = cs.selector;
	to->value[to->count++] = e->next_rip;
	return result;
}

/** As wide as the gate and not as the CALL: 66h in front of it says nothing. */
static enum emul_result find_stack(struct emulator *e, const struct gate *gate,
				   const struct gate_target *target,
				   struct frame *frame)
{
	frame->size = gate->size;
	if (target->inner) {
		return frame_inner(e, target->level, 0, frame);
	}
	frame_here(e, gate->size, gate->size == 8, frame);
	return EMUL_DONE;
}

/** The stack is written, with what is marked accessed before. */
static enum emul_result write_frame(struct emulator *e,
				    const struct gate_target *target,
				    struct frame *frame,
				    const struct values *values)
{
	enum emul_result result = frame_mark(e, frame);

	if (!result) {
		result = segment_mark(e, &target->code, RIGHTS_ACCESSED);
	}
	return result ? result
		      : frame_push(e, frame, values->value, values->count);
}

enum emul_result call_gate_call(struct emulator *e, u16 selector)
{
	struct gate_target target;
	struct values values = { .count = 0 };
	struct frame frame;
	struct gate gate;
	enum emul_result result = find(e, selector, &gate, &target);

	if (!result) {
		result = find_stack(e, &gate, &target, &frame);
	}
	if (!result) {
		result = make_values(e, &gate, target.inner, &values);
	}
	if (!result) {
		result = frame_room(e, &frame, values.count);
	}
	if (!result) {
		result = check_offset(e, &gate, &target);
	}
	if (!result) {
		result = write_frame(e, &target, &frame, &values);
	}
	if (!result) {
		frame_use(e, &frame);
		go(e, &gate, &target);
	}
	return result;
}
