/** @file
 * Coalesced MMIO: stores that the VMM may be told of later (spec 4.4).
 *
 * Some stores need no answer now: the pixels of a frame buffer, the index
 * register in front of a data register.  An exit for each costs more than the
 * store is worth.  The VMM may therefore declare zones; a store that lies whole
 * inside of one is written into a ring, and the guest goes on.
 *
 *	     first (VMM)                last (core)
 *	       v                          v
 *	+----+----+----+----+----+----+----+----+----
 *	| .. | oldest        ...  newest | free ...
 *	+----+----+----+----+----+----+----+----+----
 *	first == last: empty; one entry always stays free
 *
 * The page of the ring is shared: the VMM reads entries and moves `first`, the
 * core writes entries and moves `last`.  And the VMM can write to all of it.
 * The core therefore reads `last` once, and uses that copy only when it is an
 * index (CVE-2019-14821: KVM used it as it was).  An entry is complete before
 * `last` says that it is there.
 *
 * To keep the order of a guest's accesses the VMM empties the ring before it
 * acts on any later exit.  Loads are never coalesced.
 */
#ifndef BUS_COALESCED_H
#define BUS_COALESCED_H

#include "bus/bus.h"
#include "bus/types.h"

/** One store; the layout of struct kvm_coalesced_mmio. */
struct coalesced_entry {
	u64 address;
	u32 length;  /* bytes, 1 to 8 */
	u32 is_port; /* 0: guest physical address, 1: port */
	u8 data[8];  /* bytes beyond length are 0 */
};

/** As many as fit into a page behind the two indices; one stays free. */
#define COALESCED_ENTRIES 170

/** The shared page. */
struct coalesced_ring {
	u32 first; /* written by the VMM: the oldest entry */
	u32 last;  /* written by the core: the next free entry */
	struct coalesced_entry entry[COALESCED_ENTRIES];
};

_Static_assert(sizeof(struct coalesced_ring) <= PAGE_SIZE,
	       "the ring is one page");

/**
 * Put a store into the ring.
 * @param ring   the shared page, whatever stands in it
 * @param access a write of 1 to 8 bytes; pushers exclude each other
 * @return 0: it is in the ring; -EOPNOTSUPP: the ring is full, `last` is no
 *	index, or it is a load.  The ring is as it was then.
 */
int __must_check coalesced_push(struct coalesced_ring *ring,
				const struct bus_access *access);

/**
 * Take the oldest store out: the VMM's side.
 * @return false: the ring is empty, or an index of it is none
 */
bool coalesced_pop(struct coalesced_ring *ring, struct coalesced_entry *out);

#endif
