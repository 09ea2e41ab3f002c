/** @file
 * Recovery: a crash in the hypervisor costs one test, not the machine.
 *
 * recovery_run() calls a function.  A panic, an exception, or the watchdog's
 * stop inside it, on this CPU, comes back out of recovery_run() as if the
 * function had returned, with a struct crash that says what happened.  What
 * the function had built is simply abandoned: its memory goes back by
 * page_free_all(), its locks are released here.
 *
 *	recovery_run(fn) --> fn() --> ... --> bug
 *	      ^                                 |
 *	      +--------- recovery_stop() -------+
 */
#ifndef HV_LIB_RECOVERY_H
#define HV_LIB_RECOVERY_H

#include "bus/types.h"
#include "hv/lib/backtrace.h"

enum crash_kind {
	CRASH_NONE,
	CRASH_PANIC,	/* panic(): the hypervisor found its own bug */
	CRASH_FAULT,	/* an exception in the hypervisor */
	CRASH_HANG,	/* no progress: hypervisor or guest loops */
	CRASH_LIVELOCK, /* no progress, although the guest exits */
	CRASH_STEP,	/* a lab's step is not written yet */
};

#define CRASH_MESSAGE_SIZE 240
#define CRASH_STEP_SIZE 8

/** What ended a run. */
struct crash {
	enum crash_kind kind;
	unsigned int vector; /* CRASH_FAULT: the exception, enum trap_vector */
	char message[CRASH_MESSAGE_SIZE]; /* one sentence, no newline */
	char step[CRASH_STEP_SIZE];	  /* CRASH_STEP: "1.4" */
	unsigned long rip;		  /* where it happened, image address */
	struct backtrace trace;
};

/**
 * Run fn(arg) so that a crash in it comes back here.
 * @param out filled; out->kind is CRASH_NONE when fn returned by itself
 * @return whether fn returned by itself
 * On return the interrupt flag is as it was, and locks taken inside are free.
 * Does not nest on one CPU.
 */
bool recovery_run(void (*fn)(void *arg), void *arg, struct crash *out)
	__must_check;

/**
 * Have a function called at the beginning of each crash, on the CPU that
 * crashed: for whoever may have switched off what a report, or the way back,
 * needs.
 * @param fn the one function; NULL: none any more
 */
void recovery_on_crash(void (*fn)(void));

/**
 * Call it before a crash is described: describing one must not crash.
 * Ends the machine with a line when this CPU is at it already.
 * @param what a few words, "#PF page fault"
 * @param rip where it happened
 */
void recovery_begin_report(const char *what, unsigned long rip);

/**
 * End the current run with this crash, or without one, end the machine: the
 * report is printed, status 1.
 * @param crash is copied; recovery_begin_report() came before it was made
 */
__noreturn void recovery_stop(const struct crash *crash);

/** @return the name as result lines have it: "panic", "fault", "hang", ... */
const char *recovery_kind_name(enum crash_kind kind);

#endif
