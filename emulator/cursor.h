/** @file
 * The decoder's cursor over the instruction's bytes.
 *
 * It hands out at most 15 of them: beyond there is no instruction, but a #GP.
 */
#ifndef EMULATOR_CURSOR_H
#define EMULATOR_CURSOR_H

#include "emulator/context.h"

/** The REX prefix's bits (SDM 2A table 2-4). */
#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/**
 * Have bytes up to `end`, counted from the instruction's start, at hand.
 *
 * What lies within the first 15 is fetched, and may fault, before the 16th
 * is a #GP.
 *
 * @return EMUL_DONE, or as memory_fetch_more()
 */
enum emul_result __must_check cursor_fetch(struct emulator *e,
					   unsigned int end);

/**
 * Take size bytes, little endian and sign-extended.
 *
 * @param size  1, 2, 4 or 8
 * @return EMUL_DONE, or as cursor_need()
 */
enum emul_result __must_check cursor_take_signed(struct emulator *e,
						 unsigned int size, u64 *value);

/** Whether the next count bytes can be taken; fetches them if need be. */
static inline enum emul_result __must_check cursor_need(struct emulator *e,
							unsigned int count)
{
	unsigned int end = e->insn.length + count;

	return likely(end <= e->insn.fetched) ? EMUL_DONE
					      : cursor_fetch(e, end);
}

/** Take the next byte; cursor_need() has seen to it that it is there. */
static inline u8 cursor_take(struct insn *insn)
{
	return insn->bytes[insn->length++];
}

#endif
