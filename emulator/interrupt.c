/** @file
 * Delivery of interrupts and exceptions.
 *
 * Real mode's vectors are far pointers of four bytes, from where IDTR says
 * (0 at reset), and delivery pushes three words: FLAGS, CS, IP (SDM 3A 20.1.4).
 * Protected mode's are gates, and delivery is this, each step with its own
 * exception, in this order (SDM 2A INT n):
 *
 *	gate     in the table, of the right type, open to this CPL, present
 *	code     that it leads to: no outer level's, present
 *	stack    the one in use, or that of an inner level; and room on it
 *	offset   inside of the code
 *	frame    [SS rSP] rFLAGS CS rIP [error code]
 *
 * In IA-32e mode SS and rSP are always there, and the stack is aligned first.
 *
 * If one of these exceptions comes while something is delivered that was no
 * instruction of the program's, bit 0 of its error code says so (EXT); bit 1
 * says that the rest of it is a vector.
 *
 * Task gates are the one thing that is missing: a switch of tasks is a world
 * of its own, and a guest that is not entered yet has no tasks.
 */
#include "emulator/interrupt.h"

#include "emulator/frame.h"
#include "emulator/gate.h"
#include "emulator/memory.h"
#include "emulator/stack.h"
#include "emulator/virtual_8086.h"

/** An error code's lowest bits (SDM 3A 6.13). */
#define ERROR_EXT BIT(0)
#define ERROR_IDT BIT(1)

#define STACK_ALIGNMENT 16ull

/* Real mode ---------------------------------------------------------------- */

/** A far pointer of the interrupt vector table. */
static enum emul_result read_vector(struct emulator *e, u8 vector,
				    u16 pointer[2])
{
	struct table_base idt;

	e->ops->system->get_table(e, SYSTEM_IDT, &idt);
	if (4u * vector + 3 > idt.limit) {
		return context_protection(e, VECTOR_GP);
	}
	return memory_system_read(e, gva_add(idt.base, 4u * vector), pointer,
				  4);
}

/** In words, with a 32-bit CPU as well: real mode's IRET pops words. */
static enum emul_result push_three(struct emulator *e, u16 selector)
{
	enum emul_result result = stack_push(e, e->rflags, 2);

	if (!result) {
		result = stack_push(e, selector, 2);
	}
	return result ? result : stack_push(e, e->next_rip, 2);
}

/**
 * Real mode has no levels and no gates, so little can go wrong: the vector
 * beyond IDTR's limit, the handler beyond CS' limit, no room on the stack.
 * CS keeps its limit and rights, as in a far JMP; only the base moves.
 */
static enum emul_result enter_real(struct emulator *e, u8 vector, u64 *flags)
{
	u16 pointer[2] = { 0, 0 };
	struct segment_register cs;
	enum emul_result result = read_vector(e, vector, pointer);

	e->ops->system->get_segment(e, SEGMENT_CS, &cs);
	if (!result && pointer[0] > cs.limit) {
		result = context_protection(e, VECTOR_GP);
	}
	if (!result) {
		result = push_three(e, cs.selector);
	}
	if (result) {
		return result;
	}
	*flags &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_AC);
	cs.selector = pointer[1];
	cs.base = gva((u64)pointer[1] << 4);
	e->next_rip = pointer[0];
	e->ops->system->set_segment(e, SEGMENT_CS, &cs);
	return EMUL_DONE;
}

/* Protected mode ----------------------------------------------------------- */

/** Where an event comes out. */
struct entrance {
	struct gate gate;
	struct gate_target target;
	struct frame frame;
	bool wide; /* IA-32e mode */
};

/**
 * A fault whose error code names a gate: eight times the vector, as a selector
 * is eight times its index, and the IDT bit, by which the handler knows in
 * which table to look.
 */
static enum emul_result gate_fault(struct emulator *e, u8 fault, u8 vector)
{
	enum emul_result result = segment_fault(e, fault, 0);

	e->exception.error_code = 8u * vector | ERROR_IDT;
	return result;
}

/** A gate has 8 bytes, or 16 in IA-32e mode, by which the vector is scaled. */
static enum emul_result read_gate(struct emulator *e, u8 vector,
				  struct entrance *in)
{
	unsigned int size = in->wide ? 16 : 8;
	struct table_base idt;
	u64 halves[2] = { 0, 0 };
	enum emul_result result;

	e->ops->system->get_table(e, SYSTEM_IDT, &idt);
	if (size * vector + size - 1 > idt.limit) {
		return gate_fault(e, VECTOR_GP, vector);
	}
	result = memory_system_read(e, gva_add(idt.base, size * vector),
				    halves, size);
	gate_decode(halves[0], halves[1], in->wide, &in->gate);
	return result;
}

/** IA-32e mode has given up the 16-bit gates, and tasks altogether. */
static bool is_interrupt_gate(const struct entrance *in)
{
	switch (gate_type(&in->gate)) {
	case GATE_INTERRUPT:
	case GATE_TRAP:
		return true;
	case GATE_INTERRUPT_16:
	case GATE_TRAP_16:
	case GATE_TASK:
		return !in->wide;
	default:
		return false;
	}
}

/**
 * The gate's DPL says from which levels INT n may use it, so that a program
 * can call the system by one vector and not pretend a page fault by another.
 * Interrupts and exceptions need no permission of the program that happens to
 * run when they come: it has not called them.
 */
static enum emul_result check_gate(struct emulator *e,
				   const struct emul_event *event,
				   const struct entrance *in)
{
	u32 rights = in->gate.rights;

	if (!is_interrupt_gate(in) ||
	    (event->software && rights_dpl(rights) < e->ops->cpl(e))) {
		return gate_fault(e, VECTOR_GP, event->vector);
	}
	if (!(rights & RIGHTS_P)) {
		return gate_fault(e, VECTOR_NP, event->vector);
	}
	return gate_type(&in->gate) == GATE_TASK
		       ? context_stop(e, "an event through a task gate")
		       : EMUL_DONE;
}

/** Virtual-8086 mode is left for level 0 only. */
static enum emul_result check_level(struct emulator *e,
				    const struct entrance *in)
{
	return (e->rflags & RFLAGS_VM) && in->target.level != 0
		       ? segment_fault(e, VECTOR_GP, in->gate.selector)
		       : EMUL_DONE;
}

static enum emul_result find_gate(struct emulator *e,
				  const struct emul_event *event,
				  struct entrance *in)
{
	enum emul_result result;

	in->wide = segment_long_mode(e);
	result = read_gate(e, event->vector, in);
	if (!result) {
		result = check_gate(e, event, in);
	}
	if (!result) {
		result = gate_find(e, &in->gate, &in->target);
	}
	return result ? result : check_level(e, in);
}

/**
 * The stack, and room for so many values on it.
 *
 * IST (interrupt stack table) is for events that must not trust the stack in
 * use, at whatever level: NMI, double fault, machine check.  The alignment to
 * 16 bytes comes before the frame; what it skips needs no note, since the rSP
 * that IRET will take stands in the frame.
 */
static enum emul_result find_stack(struct emulator *e, struct entrance *in,
				   unsigned int values)
{
	unsigned int ist = in->wide ? in->gate.extra & 7 : 0;
	enum emul_result result = EMUL_DONE;

	in->frame.size = in->gate.size;
	if (in->target.inner || ist) {
		result = frame_inner(e, in->target.level, ist, &in->frame);
		in->frame.inner = in->target.inner; /* else SS stays */
	} else {
		frame_here(e, in->gate.size, in->wide, &in->frame);
	}
	if (in->wide) {
		in->frame.sp &= ~(STACK_ALIGNMENT - 1);
	}
	if (!result) {
		result = frame_room(e, &in->frame, values);
	}
	if (!result &&
	    !segment_code_holds(e, &in->target.code.segment, in->gate.offset)) {
		result = context_protection(e, VECTOR_GP);
	}
	return result;
}

/**
 * What the handler finds on its stack, the first one at the highest address:
 *
 *	GS FS DS ES      out of virtual-8086 mode only
 *	SS rSP           if the stack changes; in IA-32e mode always
 *	rFLAGS CS rIP
 *	error code       of the exceptions that have one
 *
 * RF stays in the image of an event: a string instruction that is interrupted
 * has it set, so that it does not meet its own breakpoint again when the
 * handler is done.  INT n goes on behind itself, and has none.
 * @return how many values
 */
static unsigned int make_values(struct emulator *e,
				const struct emul_event *event,
				const struct entrance *in, u64 *values)
{
	struct segment_register ss, cs;
	unsigned int n = 0;

	e->ops->system->get_segment(e, SEGMENT_SS, &ss);
	e->ops->system->get_segment(e, SEGMENT_CS, &cs);
	if (e->rflags & RFLAGS_VM) {
		virtual_8086_selectors(e, values);
		n = VIRTUAL_8086_SEGMENTS;
	}
	if (in->target.inner || in->wide) {
		values[n++] = ss.selector;
		values[n++] = context_register(e, REG_RSP);
	}
	values[n++] = event->software ? e->rflags & ~RFLAGS_RF : e->rflags;
	values[n++] = cs.selector;
	values[n++] = e->next_rip;
	if (event->has_error_code) {
		values[n++] = event->error_code;
	}
	return n;
}

/**
 * Nothing can refuse any more but a page.  The descriptors are marked first: a
 * mark that is too many harms nobody, half a frame might.
 */
static enum emul_result write_frame(struct emulator *e, struct entrance *in,
				    const u64 *values, unsigned int count)
{
	enum emul_result result = frame_mark(e, &in->frame);

	if (!result) {
		result = segment_mark(e, &in->target.code, RIGHTS_ACCESSED);
	}
	return result ? result : frame_push(e, &in->frame, values, count);
}

/**
 * The vCPU's own state, last.  An interrupt gate differs from a trap gate in
 * nothing but this: it clears IF, so that the handler is alone at first.
 */
static void go(struct emulator *e, const struct entrance *in, u64 *flags)
{
	unsigned int type = gate_type(&in->gate);

	*flags &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM);
	if (type == GATE_INTERRUPT || type == GATE_INTERRUPT_16) {
		*flags &= ~RFLAGS_IF;
	}
	frame_use(e, &in->frame);
	if (e->rflags & RFLAGS_VM) {
		virtual_8086_leave(e);
	}
	e->next_rip = in->gate.offset;
	e->ops->system->set_segment(e, SEGMENT_CS, &in->target.code.segment);
}

static enum emul_result enter_protected(struct emulator *e,
					const struct emul_event *event,
					u64 *flags)
{
	struct entrance in;
	/* SS, rSP, rFLAGS, CS, rIP, error code, and four segments */
	u64 values[6 + VIRTUAL_8086_SEGMENTS];
	unsigned int count = 0;
	enum emul_result result = find_gate(e, event, &in);

	if (!result) {
		count = make_values(e, event, &in, values);
		result = find_stack(e, &in, count);
	}
	if (!result) {
		result = write_frame(e, &in, values, count);
	}
	if (!result) {
		go(e, &in, flags);
	}
	return result;
}

/** A page fault's error code is of another kind and has no such bit. */
static void add_ext(struct emulator *e)
{
	if (e->exception.has_error_code && e->exception.vector != VECTOR_PF) {
		e->exception.error_code |= ERROR_EXT;
	}
}

/*
 * Virtual-8086 mode goes the protected way: its events leave it for level 0.
 *
 * TF is clear in the handler, so no single-step trap follows (EMUL_NO_STEP).
 */
enum emul_result interrupt_enter(struct emulator *e,
				 const struct emul_event *event, u64 *flags)
{
	enum emul_result result;

	if (!(e->ops->control(e, SYSTEM_CR0) & CONTROL_CR0_PE)) {
		result = enter_real(e, event->vector, flags);
	} else {
		result = enter_protected(e, event, flags);
		if (result == EMUL_FAULT && !event->software) {
			add_ext(e);
		}
	}
	if (!result) {
		e->dirty |= EMUL_NO_STEP;
	}
	return result;
}
