/** @file
 * The second vCPU, as a function call that does not wait.
 *
 *	second_start(fn, argument);	fn(argument) runs on vCPU 1
 *	...				both run
 *	value = second_wait();		what fn has returned
 *
 * What the two say to each other in between goes through a struct meeting.
 */
#ifndef GUEST_TESTS_LIB_SECOND_H
#define GUEST_TESTS_LIB_SECOND_H

#include "bus/types.h"

/** What both vCPUs look at; each field has one that writes it. */
struct meeting {
	u64 arrived; /* locked: how often one of them has come to a gate */
	u64 turns;   /* the second's: how often it has been round its loop */
	u64 stop;    /* the first's: the second shall return */
};

/** Let fn(argument) run on vCPU 1; it must not run yet. */
void second_start(u64 (*fn)(void *argument), void *argument);

/** Wait until it has returned. @return what it has returned */
u64 second_wait(void);

/**
 * Interrupt the second, so that the watchdog is content with it: its loop may
 * then do without an exit of its own, which would hide that one is missing.
 */
void second_wake(void);

/** Wait until both have come here as often as this one. @param nth from 1 */
void second_meet(struct meeting *meeting, u64 nth);

/** Wait until the second has been round its loop twice from its beginning:
 * whatever it does there, it has done since this was called. */
void second_turn(const struct meeting *meeting);

/** For the second's loop: one more turn. @return whether to go on */
bool second_goes_on(struct meeting *meeting);

/** Let interrupts of the host, which are none of the guest's, in at once also
 * where they wait for the guest's interrupt flag (Bochs). */
static inline void second_be_open(void)
{
	asm volatile("sti");
}

#endif
