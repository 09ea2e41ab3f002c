/** @file
 * Counting what a few accesses cost.
 *
 *	struct tally t;
 *
 *	tally_start(&t);
 *	mmio_read4(address);
 *	tally_stop(&t);
 *	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1, "...");
 *
 * Asking is a hypercall, hence an exit of its own, but none of those counted.
 */
#ifndef GUEST_TESTS_LIB_TALLY_H
#define GUEST_TESTS_LIB_TALLY_H

#include "hv/vmm/hypercall.h"

struct tally {
	u64 count[COUNTER_COUNT]; /* by enum hypercall_counter */
};

/** Remember where all counters stand. */
void tally_start(struct tally *tally);

/** Turn them into what has been counted since. */
void tally_stop(struct tally *tally);

#endif
