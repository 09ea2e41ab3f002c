/** @file
 * Places for doorbells.
 *
 * The bus keeps a pointer to a doorbell for as long as a reader may find it, so
 * the places do not move: they are an array, and a number is a place in it.
 * `free` is where to begin looking for an empty one; a place is empty when
 * nothing rings there.
 */
#include "hv/vmm/made_doorbell.h"

/**
 * It fills a place; to hang the bell up is the caller's, who gives the place
 * back if the bus says no.
 */
struct made_doorbell *made_doorbell_make(struct made_doorbells *all,
					 const struct hypercall_doorbell *plan)
{
	struct made_doorbell *made;

	while (all->free < DOORBELLS_MADE_MAX &&
	       all->doorbell[all->free].bus.ring) {
		all->free++;
	}
	if (all->free == DOORBELLS_MADE_MAX) {
		return NULL;
	}
	made = &all->doorbell[all->free];
	*made = (struct made_doorbell){
		.bus = {
			.name = "hung up by the test",
			.address = bus_addr(plan->address),
			.length = plan->length,
			.matches = plan->flags & DOORBELL_MATCHES,
			.value = plan->value,
			.ring = doorbell_event_ring,
			.opaque = &made->event,
		},
		.is_port = plan->flags & DOORBELL_PORT,
	};
	return made;
}

/**
 * `free` may only be too low, never too high: the search then passes over some
 * places that are taken, but misses no empty one.
 */
void made_doorbell_free(struct made_doorbells *all, struct made_doorbell *made)
{
	u64 number = made_doorbell_number(all, made);

	made->bus.ring = NULL;
	if (number < all->free) {
		all->free = number;
	}
}

u64 made_doorbell_number(const struct made_doorbells *all,
			 const struct made_doorbell *made)
{
	return (u64)(made - all->doorbell);
}

/**
 * The number comes from the guest: it may be too large, or that of a bell that
 * was taken down.
 */
struct made_doorbell *made_doorbell_numbered(struct made_doorbells *all,
					     u64 number)
{
	if (number >= DOORBELLS_MADE_MAX || !all->doorbell[number].bus.ring) {
		return NULL;
	}
	return &all->doorbell[number];
}
