/** @file
 * Arithmetic as the processor does it: result and status flags together.
 */
#ifndef EMULATOR_FLAGS_H
#define EMULATOR_FLAGS_H

#include "bus/types.h"

/** The flags that arithmetic sets: CF, PF, AF, ZF, SF, OF. */
#define FLAGS_STATUS 0x8d5ull

/** One operation's inputs and its flags. */
struct alu {
	u64 dst; /* bits beyond size are ignored, in src as well */
	u64 src;
	u64 flags; /* RFLAGS before; after, with the status flags replaced */
	unsigned int size; /* bytes: 1, 2, 4 or 8 */
	bool discard;	   /* leave the destination as it is after all */
};

/** dst + src, plus CF if with_carry. @return the sum, in size bytes */
u64 flags_add(struct alu *alu, bool with_carry);

/** dst - src, minus CF if with_borrow. @return the difference, in size bytes */
u64 flags_subtract(struct alu *alu, bool with_borrow);

/** Flags of AND, OR, XOR, TEST. @return result, in size bytes */
u64 flags_logic(struct alu *alu, u64 result);

/** dst + 1; CF stays. */
u64 flags_increment(struct alu *alu);

/** dst - 1; CF stays. */
u64 flags_decrement(struct alu *alu);

/** 0 - dst; CF says whether dst was not 0. */
u64 flags_negate(struct alu *alu);

#endif
