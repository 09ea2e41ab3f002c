/** @file
 * A return to an outer privilege level: its stack, and what it must not keep.
 */
#ifndef EMULATOR_OUTER_H
#define EMULATOR_OUTER_H

#include "emulator/segment.h"

/** The stack that is returned to. */
struct outer {
	u64 sp;
	struct descriptor stack; /* its segment is SS as it will be */
	unsigned int level;
	bool changes; /* it is not the one in use; else this is all */
};

/**
 * Pop rSP and SS, and check SS for out->level (SDM 2A IRET, 2B RET).
 *
 * @param cs   the code that is returned to
 * @param out  level is set
 * @return EMUL_DONE; #GP, #SS; as stack_pop(), segment_find()
 */
enum emul_result __must_check outer_pop(struct emulator *e,
					const struct segment_register *cs,
					struct outer *out);

/** Mark SS accessed, if it changes.  @return as segment_mark() */
enum emul_result __must_check outer_mark(struct emulator *e,
					 const struct outer *stack);

/**
 * SS and rSP are the outer ones, if they change.  Data segments that the outer
 * level may not use become null (SDM 3A 5.8.6).  Behind op_far_go().
 */
void outer_use(struct emulator *e, const struct outer *stack);

#endif
