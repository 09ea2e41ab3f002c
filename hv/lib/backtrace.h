/** @file
 * Who called whom: walking the chain of frame pointers.
 *
 * Bounded, and never faults: each frame must lie on a stack of ours, above
 * the one before.
 */
#ifndef HV_LIB_BACKTRACE_H
#define HV_LIB_BACKTRACE_H

#include "bus/types.h"

struct trap_frame;

#define BACKTRACE_MAX 16

struct backtrace {
	unsigned int count;
	unsigned long address[BACKTRACE_MAX]; /* innermost first */
	bool first_is_return; /* [0] is a return address too, not a RIP */
};

/** Collect the callers of the calling function, starting with itself. */
void backtrace_here(struct backtrace *trace);

/**
 * Collect from an interrupted place.
 * @param rip where it was
 * @param rbp its frame pointer; may be rubbish
 */
void backtrace_from(unsigned long rip, unsigned long rbp,
		    struct backtrace *trace);

/**
 * Collect from an exception or interrupt.  Unlike backtrace_from(), it also
 * finds the caller of a function that was interrupted without a frame.
 */
void backtrace_from_frame(const struct trap_frame *frame,
			  struct backtrace *trace);

/** Format entry i as "ept_walk+0x12 mmu/ept.c:88". */
void backtrace_format(const struct backtrace *trace, unsigned int i,
		      char *buffer, size_t size);

/** Print it on COM1, a line an entry. */
void backtrace_print(const struct backtrace *trace);

#endif
