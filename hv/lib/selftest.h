/** @file
 * The image's own tests, run by the word `selftest` on the command line.
 */
#ifndef HV_LIB_SELFTEST_H
#define HV_LIB_SELFTEST_H

#include "bus/types.h"

/** Run all of them, results as TAP on COM2. @return how many failed */
unsigned int selftest_run(void);

#endif
