/** @file
 * panic(): the hypervisor has found a bug of its own.
 *
 * Inside recovery_run() a panic ends that run only; outside, the report is
 * printed and the machine ends with status 1.
 */
#ifndef HV_LIB_PANIC_H
#define HV_LIB_PANIC_H

#include "bus/types.h"

/** Stop, because something is true that cannot be.
 * @param format one sentence without a newline */
__noreturn void panic(const char *format, ...) __format(printf, 1, 2);

/**
 * Stop, because a step of a lab is not written yet.
 * @param step its number, "1.4"
 * @param format the sentence for the student
 */
__noreturn void panic_step(const char *step, const char *format, ...)
	__format(printf, 2, 3);

/** panic() unless the condition holds; names file and line. */
#define panic_unless(condition)                                         \
	do {                                                            \
		if (unlikely(!(condition))) {                           \
			panic("%s:%d: not true: %s", __FILE__, __LINE__, \
			      #condition);                              \
		}                                                       \
	} while (0)

#endif
