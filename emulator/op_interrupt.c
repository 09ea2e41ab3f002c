/** @file
 * INT n, INT3 and INTO; and events that are no instruction's at all.
 *
 * These come as an instruction INT n without length: emulator_deliver() has
 * left in e->event what they are.
 */
#include "emulator/op_interrupt.h"

#include "emulator/interrupt.h"
#include "emulator/system.h"

/**
 * By software: the gate's DPL counts, and the return address is behind the
 * instruction, where e->next_rip is already.
 */
static enum emul_result enter(struct emulator *e, struct alu *alu, u8 vector)
{
	const struct emul_event event = { .vector = vector, .software = true };

	return interrupt_enter(e, &event, &alu->flags);
}

/** In virtual-8086 mode only with IOPL 3 (SDM 3A 20.3), unless CR4.VME has a
 * map of those that stay in it. */
enum emul_result op_interrupt_int(struct emulator *e, struct alu *alu)
{
	if (!e->insn.length) {
		e->next_rip = e->rip + e->event.length;
		return interrupt_enter(e, &e->event, &alu->flags);
	}
	if (e->rflags & RFLAGS_VM) {
		if (e->ops->control(e, SYSTEM_CR4) & CONTROL_CR4_VME) {
			return context_stop(e, "INT n with CR4.VME set");
		}
		if ((e->rflags & RFLAGS_IOPL) != RFLAGS_IOPL) {
			return context_protection(e, VECTOR_GP);
		}
	}
	return enter(e, alu, e->insn.immediate);
}

/* One byte, so that a debugger can put it over any instruction. */
enum emul_result op_interrupt_int3(struct emulator *e, struct alu *alu)
{
	return enter(e, alu, VECTOR_BP);
}

enum emul_result op_interrupt_into(struct emulator *e, struct alu *alu)
{
	return e->rflags & RFLAGS_OF ? enter(e, alu, VECTOR_OF) : EMUL_DONE;
}
