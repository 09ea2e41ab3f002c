/** @file
 * One case: run on memory, run on the mirror, compared.
 */
#ifndef GUEST_TESTS_DIFF_BOTH_H
#define GUEST_TESTS_DIFF_BOTH_H

#include "bus/types.h"

/** Make the mirror and the mapping; once a test. */
void both_begin(void);

/** Run the case of this seed both ways.  Ends the test if they differ. */
void both_run(u64 seed);

#endif
