/** @file
 * String instructions: MOVS, CMPS, STOS, LODS, SCAS, with REP.
 */
#ifndef EMULATOR_STRING_H
#define EMULATOR_STRING_H

#include "emulator/context.h"
#include "emulator/operations.h"

/** Interrupts get their turn after this many iterations (spec 3.7). */
#define STRING_BATCH 1024

/** Whether the decoded instruction is one of them. */
static inline bool string_is(const struct emulator *e)
{
	return e->insn.traits & OP_STRING;
}

/**
 * Carry one iteration out, or with a count of 0 none.
 *
 * e->next_rip is left at the instruction while it is not finished, with
 * RFLAGS.RF set in e->new_rflags.
 *
 * @return EMUL_DONE, or as execute_run()
 */
enum emul_result __must_check string_step(struct emulator *e);

/**
 * Whether the next iteration should follow at once.  Asked when one has been
 * committed: no more when it was the last, when the guest must get a chance
 * to take an interrupt (every 1024 iterations), and with TF set, since each
 * iteration ends in a trap then.
 */
static inline bool string_goes_on(const struct emulator *e)
{
	u64 left = e->gpr[REG_RCX] & e->insn.address_mask;

	return (e->rflags & RFLAGS_RF) && left % STRING_BATCH != 0 &&
	       !(e->rflags & RFLAGS_TF);
}

#endif
