/** @file
 * Tests of the VMX unit, each with a tiny guest, for the word `selftest`.
 *
 * Both units must pass them, native and soft, but for what a case says to be
 * the affair of one of them.
 */
#ifndef HV_UNITTEST_UNITTEST_H
#define HV_UNITTEST_UNITTEST_H

#include "bus/types.h"

/** A case. */
struct unittest_case {
	const char *name; /* the rule that it checks */
	/**
	 * Run it: switch the unit on, make a guest, give all back.
	 * @return NULL if it passed, else a sentence without quotes that stays
	 *	valid until the next case
	 */
	const char *(*run)(void);
};

/** @return the i-th case, or NULL past the last one */
const struct unittest_case *unittest_at(size_t i);

#endif
