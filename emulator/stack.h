/** @file
 * The guest's stack, for operations that push or pop several values.
 *
 * Values are as wide as the instruction says; rSP is as wide as the mode and
 * SS.B say.  All of it happens on the pass' own rSP: several calls in a row
 * push or pop one value behind the other.
 */
#ifndef EMULATOR_STACK_H
#define EMULATOR_STACK_H

#include "emulator/context.h"

/** How wide rSP is, in bytes: 8 in 64-bit mode, else by SS.B. */
static inline unsigned int stack_width(const struct emulator *e)
{
	return e->mode == MODE_64 ? 8 : e->stack_size;
}

/** Add `by` to rSP; what is above its width stays. */
void stack_move(struct emulator *e, s64 by);

/**
 * Push one value.
 *
 * @param e      the emulator
 * @param value  its low size bytes
 * @param size   bytes: 2, 4 or 8
 * @return EMUL_DONE, EMUL_FAULT (#SS, #PF), or as fragments_write()
 */
enum emul_result __must_check stack_push(struct emulator *e, u64 value,
					 unsigned int size);

/**
 * Pop one value.
 *
 * @param e      the emulator
 * @param value  gets it, zero-extended
 * @param size   bytes: 2, 4 or 8
 * @return EMUL_DONE, EMUL_FAULT (#SS, #PF), or as read_cache_read()
 */
enum emul_result __must_check stack_pop(struct emulator *e, u64 *value,
					unsigned int size);

#endif
