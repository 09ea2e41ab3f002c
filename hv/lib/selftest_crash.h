/** @file
 * What the self-tests of crashes share: making one, and looking at it.
 */
#ifndef HV_LIB_SELFTEST_CRASH_H
#define HV_LIB_SELFTEST_CRASH_H

#include "hv/lib/recovery.h"

/**
 * Run fn and expect a crash of this kind whose message begins like this.
 * @return what went wrong, or NULL; the crash is kept for the next call
 */
const char *selftest_expect(void (*fn)(void *arg), void *arg,
			    enum crash_kind kind, const char *message);

/** Entry i of that crash's backtrace must be in this function, by its symbol.
 * @return what went wrong, or NULL */
const char *selftest_place(unsigned int i, const char *function);

#endif
