/** @file
 * The verdict on one test: passed, or how it stopped and why.
 *
 * Whoever stops a test first decides: later causes are consequences.  All texts
 * are copies, since the VM they come from will be gone when they are printed.
 */
#ifndef HV_VMM_VERDICT_H
#define HV_VMM_VERDICT_H

#include "bus/types.h"
#include "hv/lib/recovery.h"

/** What ended a test. */
enum verdict_stop {
	VERDICT_NONE,	 /* it still runs */
	VERDICT_PASSED,
	VERDICT_CHECK,	 /* a check of the guest, or of the driver, failed */
	VERDICT_CRASH,	 /* the hypervisor: see struct verdict, crash */
	VERDICT_TRIPLE_FAULT,
	VERDICT_EMULATION,  /* an instruction that cannot be emulated */
	VERDICT_DELIVERY,   /* MMIO while an event was delivered */
	VERDICT_ERROR,	    /* the fault handler gave up */
	VERDICT_LIVELOCK,   /* the same exit again and again */
	VERDICT_ENTRY,	    /* VM entry failed */
	VERDICT_UNFINISHED, /* the guest halted before its end */
	VERDICT_LEAK,	    /* pages of the VM were not given back */
	VERDICT_ENVIRONMENT, /* no VM could be made for it */
	VERDICT_SECRET,	     /* a hostile guest has seen what it must not */
	VERDICT_NEIGHBOUR,   /* ... or harmed the VM beside it */
	VERDICT_COUNT,
};

#define VERDICT_TEXT 320

struct verdict {
	enum verdict_stop stop;
	char rule[VERDICT_TEXT];
	char seen[VERDICT_TEXT];
	char expected[VERDICT_TEXT];
	char at[VERDICT_TEXT];	    /* "guest-tests/lab1/slots.c:41" */
	char message[VERDICT_TEXT];
	struct crash crash;	    /* VERDICT_CRASH: what and where */

	/* Counts at the end, for people. */
	u64 exits, violations, misconfigs, emulations, checks;
};

/**
 * Stop a test.  Does nothing when it has stopped already.
 * @param format the message, one sentence
 */
void verdict_stop(struct verdict *verdict, enum verdict_stop stop,
		  const char *format, ...) __format(printf, 3, 4);

/** The hypervisor crashed in this test; overrides what was decided. */
void verdict_crash(struct verdict *verdict, const struct crash *crash);

/** @return the stop as result lines have it: "check", "triple-fault", ... */
const char *verdict_stop_name(const struct verdict *verdict);

#endif
