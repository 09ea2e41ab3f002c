/** @file
 * Doorbells that a test hangs up while it runs (hypercall_doorbell.h).
 *
 * Each has a place with a number, which another one may have once it has been
 * taken down.  What it has been rung is the VMM's to count: by the same event
 * that any VMM would wait for.
 */
#ifndef HV_VMM_MADE_DOORBELL_H
#define HV_VMM_MADE_DOORBELL_H

#include "bus/bus.h"
#include "bus/doorbell_event.h"
#include "hv/vmm/hypercall_doorbell.h"

/** One of them. */
struct made_doorbell {
	struct bus_doorbell bus; /* as the bus sees it; ring NULL: free */
	struct doorbell_event event;
	bool is_port;
};

/** All of a test. */
struct made_doorbells {
	u64 free; /* no place below this is free */
	struct made_doorbell doorbell[DOORBELLS_MADE_MAX];
};

/**
 * Fill a place.  It is not on any bus yet: its member bus is what to register;
 * if that fails, give the place back by made_doorbell_free().
 * @param all zeroed at first
 * @param plan from the guest, anything
 * @return the doorbell; NULL: all places are taken
 */
struct made_doorbell *made_doorbell_make(struct made_doorbells *all,
					 const struct hypercall_doorbell *plan);

/** It is on no bus any more: its place is free. */
void made_doorbell_free(struct made_doorbells *all, struct made_doorbell *made);

/** The number that a guest knows it by. */
u64 made_doorbell_number(const struct made_doorbells *all,
			 const struct made_doorbell *made);

/** @return the doorbell of that number, or NULL */
struct made_doorbell *made_doorbell_numbered(struct made_doorbells *all,
					     u64 number);

#endif
