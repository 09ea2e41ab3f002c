/** @file
 * 16-bit instructions at random, in sequences that run anywhere.
 *
 * AX, CX and DX are the operands' registers, BX, SI, DI and BP hold addresses
 * below RANDOM_WINDOW which no instruction moves far, DS, ES, FS and GS are the
 * same memory.  So a sequence touches its windows of memory and its stack and
 * nothing else, and it ends.
 */
#ifndef GUEST_TESTS_REAL_RANDOM_H
#define GUEST_TESTS_REAL_RANDOM_H

#include "bus/types.h"

/** Bytes of the data segment, and of the stack's, that may be touched. */
#define RANDOM_WINDOW 0x1000

/** Most instructions of a sequence, and bytes of one. */
#define RANDOM_LENGTH 24
#define RANDOM_BYTES 24

/** INT n with this vector comes back at once. */
#define RANDOM_VECTOR 0x40

/** A sequence. */
struct random_code {
	u8 bytes[RANDOM_LENGTH][RANDOM_BYTES];
	u8 size[RANDOM_LENGTH];
};

/** Random numbers: xorshift64 (Marsaglia 2003). @return the next one */
u64 random_next(u64 *state);

/** Make a sequence of RANDOM_LENGTH instructions. @param seed not 0 */
void random_make(u64 seed, struct random_code *code);

#endif
