/** @file
 * panic(): the hypervisor has found a bug of its own.
 *
 * Unlike a fault there is no trap frame, so the place is taken from the frame
 * pointer of panic() itself: the word above it is the return address into the
 * function that panicked.  Its registers are not printed, since a call of a
 * function with a format has used most of them up.
 */
#include "hv/lib/panic.h"

#include <stdarg.h>

#include "hv/lib/backtrace.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/lib/string.h"

/**
 * Fill in what panic() and panic_step() have in common, and stop.
 * @param frame RBP of panic() itself: the backtrace starts with its caller
 */
static __noreturn void stop(struct crash *crash, const unsigned long *frame,
			    const char *format, va_list args)
{
	crash->rip = frame[1];
	recovery_begin_report("panic", crash->rip);
	vsnprintf(crash->message, sizeof(crash->message), format, args);
	backtrace_from(crash->rip, frame[0], &crash->trace);
	crash->trace.first_is_return = true;
	recovery_stop(crash);
}

void panic(const char *format, ...)
{
	struct crash crash = { .kind = CRASH_PANIC };
	va_list args;

	va_start(args, format);
	stop(&crash, __builtin_frame_address(0), format, args);
}

/* Not a bug but a gap; it ends the run by the same way, since the caller has
 * no answer to go on with. */
void panic_step(const char *step, const char *format, ...)
{
	struct crash crash = { .kind = CRASH_STEP };
	va_list args;

	string_copy(crash.step, step, sizeof(crash.step));
	va_start(args, format);
	stop(&crash, __builtin_frame_address(0), format, args);
}
