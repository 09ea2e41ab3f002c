/** @file
 * Deciding, and naming what was decided.
 *
 * The first reason counts: whatever stops a test makes others follow, and they
 * would only hide it.  A crash of the hypervisor is the exception.  It replaces
 * what was there, for nothing that was decided before it can be believed.
 */
#include "hv/vmm/verdict.h"

#include "hv/lib/printf.h"

/**
 * Formatted at once and kept as text: the arguments may be in the guest's
 * memory or on a stack, and both are gone when it is printed.
 */
void verdict_stop(struct verdict *verdict, enum verdict_stop stop,
		  const char *format, ...)
{
	va_list args;

	if (verdict->stop != VERDICT_NONE) {
		return;
	}
	verdict->stop = stop;
	va_start(args, format);
	vsnprintf(verdict->message, sizeof(verdict->message), format, args);
	va_end(args);
}

/**
 * The whole struct is copied, backtrace and all; the caller's is on its stack.
 */
void verdict_crash(struct verdict *verdict, const struct crash *crash)
{
	verdict->stop = VERDICT_CRASH;
	verdict->crash = *crash;
	snprintf(verdict->message, sizeof(verdict->message), "%s",
		 crash->message);
}

/**
 * These words are read by tools: to change one is to change an interface. A
 * crash goes by what kind it was (panic, fault, hang, step ...).
 */
const char *verdict_stop_name(const struct verdict *verdict)
{
	static const char *const names[VERDICT_COUNT] = {
		[VERDICT_NONE] = "none",
		[VERDICT_PASSED] = "passed",
		[VERDICT_CHECK] = "check",
		[VERDICT_TRIPLE_FAULT] = "triple-fault",
		[VERDICT_EMULATION] = "emulation",
		[VERDICT_DELIVERY] = "delivery",
		[VERDICT_ERROR] = "error",
		[VERDICT_LIVELOCK] = "livelock",
		[VERDICT_ENTRY] = "entry",
		[VERDICT_UNFINISHED] = "unfinished",
		[VERDICT_LEAK] = "leak",
		[VERDICT_ENVIRONMENT] = "environment",
		[VERDICT_SECRET] = "secret",
		[VERDICT_NEIGHBOUR] = "neighbour",
	};

	if (verdict->stop == VERDICT_CRASH) {
		return recovery_kind_name(verdict->crash.kind);
	}
	return names[verdict->stop];
}
