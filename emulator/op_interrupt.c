/** @file
 * INT n, INT3, INTO and IRET, in real mode.
 *
 * Real mode's vectors are far pointers of four bytes, from where IDTR says
 * (0 at reset), and delivery pushes three words: FLAGS, CS, IP (SDM 3A 20.1.4).
 * Protected mode delivers through gates, with privilege changes, stack
 * switches and error codes: those are the processor's, and it can do them in
 * every state that it can be entered in.  They end in EMUL_UNHANDLEABLE.
 */
#include "emulator/op_interrupt.h"

#include "emulator/memory.h"
#include "emulator/op_far.h"
#include "emulator/segment.h"
#include "emulator/stack.h"

/** What IRET takes from the stack in real mode (SDM 2A IRET). */
#define IRET_FLAGS 0x257fd5ull

#define RFLAGS_RESERVED_1 BIT(1)

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

static enum emul_result push_three(struct emulator *e)
{
	struct segment_register cs;
	enum emul_result result = stack_push(e, e->rflags, 2);

	e->ops->system->get_segment(e, SEGMENT_CS, &cs);
	if (!result) {
		result = stack_push(e, cs.selector, 2);
	}
	return result ? result : stack_push(e, e->next_rip, 2);
}

static enum emul_result deliver(struct emulator *e, struct alu *alu, u8 vector)
{
	u16 pointer[2] = { 0, 0 };
	struct far_target to;
	enum emul_result result;

	if (e->ops->control(e, SYSTEM_CR0) & CONTROL_CR0_PE) {
		return context_stop(e, "INT n in protected mode");
	}
	result = read_vector(e, vector, pointer);
	to.offset = pointer[0];
	if (!result) {
		result = op_far_find(e, pointer[1], false, &to);
	}
	if (!result) {
		result = push_three(e);
	}
	if (result) {
		return result;
	}
	alu->flags &= ~(RFLAGS_IF | RFLAGS_TF | RFLAGS_AC);
	e->dirty |= EMUL_NO_STEP;
	op_far_go(e, &to);
	return EMUL_DONE;
}

enum emul_result op_interrupt_int(struct emulator *e, struct alu *alu)
{
	return deliver(e, alu, e->insn.immediate);
}

enum emul_result op_interrupt_int3(struct emulator *e, struct alu *alu)
{
	return deliver(e, alu, VECTOR_BP);
}

enum emul_result op_interrupt_into(struct emulator *e, struct alu *alu)
{
	return e->rflags & RFLAGS_OF ? deliver(e, alu, VECTOR_OF) : EMUL_DONE;
}

/** Flags: 16 bits with a 16-bit operand; VM, VIF and VIP stay always. */
static u64 return_flags(const struct emulator *e, u64 popped)
{
	u64 taken = IRET_FLAGS & context_mask(e->insn.operand_size);

	return (e->rflags & ~taken & ~RFLAGS_RF) | (popped & taken) |
	       RFLAGS_RESERVED_1;
}

enum emul_result op_interrupt_iret(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	struct far_target to;
	enum emul_result result;
	u64 selector = 0, flags = 0;

	if (e->ops->control(e, SYSTEM_CR0) & CONTROL_CR0_PE) {
		return context_stop(e, "IRET in protected mode");
	}
	result = stack_pop(e, &to.offset, size);
	if (!result) {
		result = stack_pop(e, &selector, size);
	}
	if (!result) {
		result = stack_pop(e, &flags, size);
	}
	if (!result) {
		result = op_far_find(e, selector, true, &to);
	}
	if (result) {
		return result;
	}
	alu->flags = return_flags(e, flags);
	e->dirty |= EMUL_OPENS_NMI;
	op_far_go(e, &to);
	return EMUL_DONE;
}
