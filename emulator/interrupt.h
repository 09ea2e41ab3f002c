/** @file
 * An event on its way through the interrupt descriptor table.
 */
#ifndef EMULATOR_INTERRUPT_H
#define EMULATOR_INTERRUPT_H

#include "emulator/context.h"

/**
 * Go to the handler of an event: its frame is on the stack, CS and RIP, and at
 * an inner level SS, are the handler's (SDM 2A INT n, 3A 6.12).  In real mode
 * through the interrupt vector table (SDM 3A 20.1.4).
 *
 * @param event  the return address is e->next_rip, the flags are e->rflags
 * @param flags  the handler's; those of e->new_rflags before
 * @return EMUL_DONE; EMUL_FAULT: #GP, #NP, #SS, #TS or #PF of the delivery,
 *         with EXT and IDT bits in the error code; EMUL_UNHANDLEABLE for task
 *         gates, and tables that are not in RAM
 */
enum emul_result __must_check interrupt_enter(struct emulator *e,
					      const struct emul_event *event,
					      u64 *flags);

#endif
