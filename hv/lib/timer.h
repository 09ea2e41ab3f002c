/** @file
 * Timers: a function that is called at a moment of the time stamp counter.
 *
 * Time in exit49 is the TSC, which all CPUs count alike.  A timer belongs to
 * the CPU on which it was set, until it has fired or is cancelled:
 *
 *	static void ring(struct timer *timer) { ... }
 *	timer_init(&t, ring);
 *	timer_set(&t, rdtsc() + timer_ticks(20000000));	   in 20 ms
 *
 * It fires in an interrupt: interrupts are off, and what it calls must neither
 * wait nor take long.  What it tells a vCPU reaches that at its next entry, if
 * it also calls vcpu_kick() (hv/vcpu/vcpu.h).
 */
#ifndef HV_LIB_TIMER_H
#define HV_LIB_TIMER_H

#include "bus/types.h"

struct trap_frame;

/** No deadline at all. */
#define TIMER_NEVER (~0ull)

struct timer {
	/* fixed by timer_init() */
	void (*fire)(struct timer *timer);

	/* timer.c's; under the lock of the CPU's queue */
	struct timer *next;
	u64 deadline;
	u32 cpu; /* the one whose queue it is in, or was */
	bool queued;
};

/** Make a timer that is not set. @param fire see above */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

/**
 * Let it fire once, on this CPU, as soon as the TSC has reached its deadline;
 * one that was set already is moved.  One whose time has passed fires at once.
 * @param timer    two CPUs must not set the same one at the same time; it may
 *	be set from within its own fire()
 * @param deadline of the host's TSC; TIMER_NEVER: timer_cancel()
 */
void timer_set(struct timer *timer, u64 deadline);

/**
 * It does not fire any more, and its fire() is not running on another CPU: the
 * caller must hold no lock that fire() takes.  From its own fire() as well.
 */
void timer_cancel(struct timer *timer);

/** @return TSC ticks a second, as measured when the machine started */
u64 timer_hz(void);

/** TSC ticks to nanoseconds, and back; rounded down.  Good for 500 years. */
u64 timer_nanoseconds(u64 ticks);
u64 timer_ticks(u64 nanoseconds);

/**
 * value * to / from, without losing bits on the way.
 * @param from not 0; the result must be less than 2^64
 */
u64 timer_scale(u64 value, u64 to, u64 from);

/** Take the timer's interrupt; once, after lapic_calibrate(). */
void timer_start(void);

/**
 * Call tick() on this CPU LAPIC_TICK_HZ times a second, from now on.  Ticks
 * that were missed are not made up for.
 * @param tick what was interrupted is its argument; it need not return
 */
void timer_tick_begin(void (*tick)(struct trap_frame *frame));

/** No more of that. */
void timer_tick_end(void);

#endif
