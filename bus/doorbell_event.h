/** @file
 * What a doorbell rings: a counter, as behind Linux's eventfd.
 *
 * A guest that rings has put work somewhere and does not want to wait for
 * whoever does it.  Ringing therefore adds one to a counter and is done; who
 * does the work takes the whole count at some time, sets it to 0, and then
 * looks for work:
 *
 *	vCPU 0   work, ring ---> +1 \
 *	vCPU 1   work, ring ---> +1 --> rings --- take: all of it, now 0
 *	                                          and then look for the work
 *
 * No ring is lost, and several may be taken as one.  What a ringer has stored
 * before it rang is seen by who has taken the ring: ringing is a release,
 * taking an acquire.  Any number of CPUs may do either at the same time.
 */
#ifndef BUS_DOORBELL_EVENT_H
#define BUS_DOORBELL_EVENT_H

#include "bus/types.h"

struct doorbell_event {
	u64 rings; /* that nobody has taken yet; begins with 0 */
};

/**
 * Ring once: for struct bus_doorbell's ring().  Never waits, never fails.
 * @param event a struct doorbell_event
 */
void doorbell_event_ring(void *event);

/**
 * Take all rings so far.
 * @return how many; 0: there was none
 */
u64 doorbell_event_take(struct doorbell_event *event);

/**
 * Look without taking.  Rings may come and go meanwhile; of what was stored
 * before a ring nothing is promised until it is taken.
 * @return how many rings wait
 */
u64 doorbell_event_peek(const struct doorbell_event *event);

/**
 * Wait for the first ring, and take all that are there then.  The caller must
 * be on another CPU than whoever rings: this spins.
 * @param stop set by somebody who wants the caller back
 * @return how many, at least 1; 0: stop is set and no ring was there
 */
u64 doorbell_event_wait(struct doorbell_event *event, const bool *stop);

#endif
