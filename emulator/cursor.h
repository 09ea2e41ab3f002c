/** @file
 * The decoder's cursor over the instruction's bytes.
 *
 * Taking bytes cannot fail: the buffer is longer than any instruction that the
 * grammar could make.  Whether they had all been fetched, and were not more
 * than 15, is asked once, when the decoder is done (decode_run()).
 */
#ifndef EMULATOR_CURSOR_H
#define EMULATOR_CURSOR_H

#include "emulator/context.h"

/** The REX prefix's bits (SDM 2A table 2-4). */
#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/** Look at the next byte; taking it is up to somebody else. */
static inline u8 cursor_peek(const struct insn *insn)
{
	return insn->bytes[insn->length];
}

/** Take the next byte. */
static inline u8 cursor_take(struct insn *insn)
{
	return insn->bytes[insn->length++];
}

/**
 * Take size bytes, little endian and sign-extended.
 *
 * Eight are read whatever the size is; those too many are shifted out.
 *
 * @param size  1, 2, 4 or 8
 */
static inline u64 cursor_take_signed(struct insn *insn, unsigned int size)
{
	u64 raw;

	__builtin_memcpy(&raw, &insn->bytes[insn->length], sizeof(raw));
	insn->length += size;
	return context_sign_extend(raw, size);
}

#endif
