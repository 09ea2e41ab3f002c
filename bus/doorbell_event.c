/** @file
 * The counter of a doorbell.
 *
 * Adding one is a single locked instruction; ringing is on the shortest way
 * that an access of a guest can take.
 *
 * Release and acquire make a handover of it: what the guest has stored before
 * it rang (a descriptor, an index) is visible to who has taken the ring.  Rings
 * are counted and not queued: who wakes up learns how often it rang since, and
 * that is all that a doorbell says.
 */
#include "bus/doorbell_event.h"

#include "bus/access.h"

void doorbell_event_ring(void *event)
{
	struct doorbell_event *e = event;

	__atomic_fetch_add(&e->rings, 1, __ATOMIC_RELEASE);
}

u64 doorbell_event_take(struct doorbell_event *event)
{
	return __atomic_exchange_n(&event->rings, 0, __ATOMIC_ACQUIRE);
}

u64 doorbell_event_peek(const struct doorbell_event *event)
{
	return READ_ONCE(event->rings);
}

/** Looking before taking: an exchange would pull the line over each time. */
u64 doorbell_event_wait(struct doorbell_event *event, const bool *stop)
{
	while (!doorbell_event_peek(event)) {
		if (READ_ONCE(*stop)) {
			break;
		}
		cpu_relax();
	}
	return doorbell_event_take(event);
}
