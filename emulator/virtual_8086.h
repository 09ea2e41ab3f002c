/** @file
 * Into virtual-8086 mode by IRET, and out of it by an event.
 */
#ifndef EMULATOR_VIRTUAL_8086_H
#define EMULATOR_VIRTUAL_8086_H

#include "emulator/context.h"

/** Segments that an event leaves on the stack, above SS: GS, FS, DS, ES. */
#define VIRTUAL_8086_SEGMENTS 4

/** Their selectors, in the order in which they are pushed. */
void virtual_8086_selectors(struct emulator *e, u64 *values);

/** An event has left the mode: these four are null (SDM 2A INT n). */
void virtual_8086_leave(struct emulator *e);

/** What IRET has popped first. */
struct virtual_8086_entry {
	u64 offset;
	u64 cs;
	u64 flags;
};

/**
 * IRET at level 0 with VM set: pop ESP, SS, ES, DS, FS, GS, and go there.
 *
 * @param flags  gets the new ones, all of them from the stack
 * @return EMUL_DONE; #GP(0) for an offset beyond FFFFh; as stack_pop()
 */
enum emul_result __must_check
virtual_8086_enter(struct emulator *e, const struct virtual_8086_entry *entry,
		   u64 *flags);

#endif
