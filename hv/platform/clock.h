/** @file
 * A chip's own clock, counted from the processor's time-stamp counter.
 *
 * All time in the machine comes from one place, the guest's TSC, so that a
 * kernel that measures one clock with another finds exactly the rates of the
 * data sheets.  A chip never keeps time by being called often enough: it
 * computes from the TSC how many ticks of its own have passed.
 *
 *	TSC   |....|....|....|....|....     tsc_hz
 *	clock 0    1    2    3    4         hz; tick n begins at n * tsc_hz / hz
 *
 * There is no 128-bit division here: tsc_hz * hz must stay below 2^64.
 */
#ifndef HV_PLATFORM_CLOCK_H
#define HV_PLATFORM_CLOCK_H

#include "bus/types.h"

/** A deadline that never comes. */
#define CLOCK_NEVER (~0ull)

/** Fixed. */
struct clock {
	u64 origin; /* the TSC when it was at tick 0 */
	u64 tsc_hz; /* of the TSC; at least hz */
	u64 hz;	    /* of this clock */
};

/** a * b / c, for b * c below 2^64. */
static inline u64 clock_scale(u64 a, u64 b, u64 c)
{
	return a / c * b + a % c * b / c;
}

/** @return how many ticks have passed when the TSC is now; 0 before origin */
static inline u64 clock_ticks(const struct clock *clock, u64 now)
{
	if (now < clock->origin) {
		return 0;
	}
	return clock_scale(now - clock->origin, clock->hz, clock->tsc_hz);
}

/** @return the first TSC at which so many ticks have passed */
static inline u64 clock_when(const struct clock *clock, u64 ticks)
{
	u64 tsc = clock_scale(ticks, clock->tsc_hz, clock->hz);

	/* Rounded down it may be one too early. */
	if (clock_scale(tsc, clock->hz, clock->tsc_hz) < ticks) {
		tsc++;
	}
	return clock->origin + tsc;
}

#endif
