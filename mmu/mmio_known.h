/** @file
 * The MMIO cache as the rest of the hypervisor uses it: asked, and counted.
 *
 * What the cache knows and forgets is the second lab's (mmio_cache.h).  Whoever
 * uses it comes through here, at one of three places on the way of an access
 * (spec 2.1):
 *
 *	exit -> 1 mmio_known_fault()      a marked page: this very one again?
 *	        |  miss: walk, slots ...  mmio_known_fill()
 *	        v
 *	emulator  2 mmio_known_gva()      the operand's address: need I walk?
 *	          3 mmio_known_gpa()      no memory there: need I ask?
 *
 * The counters stand outside of the lab's file, so that they say what it did
 * and not what it says it did: a clear, for instance, is counted when gva was
 * known before an event and is not afterwards.
 */
#ifndef MMU_MMIO_KNOWN_H
#define MMU_MMIO_KNOWN_H

#include "mmu/mmio_cache.h"

/** What has been asked since mmio_known_init(). */
struct mmio_known_counters {
	u64 fault_hits; /* place 1 */
	u64 fault_misses;
	u64 gva_hits; /* place 2 */
	u64 gva_misses;
	u64 gpa_hits; /* place 3 */
	u64 gpa_misses;
	u64 fills;	       /* fills that were kept ... */
	u64 gva_fills;	       /* ... with the gva half */
	u64 fills_in_progress; /* fills while the slots changed */
	u64 events[MMIO_CACHE_EVENTS]; /* what happened */
	u64 clears[MMIO_CACHE_EVENTS]; /* ... and cost a known gva */
};

/** One vCPU's cache with all that belongs to it. */
struct mmio_known {
	struct mmio_cache cache;
	struct mmio_cache_mode mode; /* kept up to date by its owner */
	bool off; /* never asked, never told: as if it knew nothing */
	struct mmio_known_counters count;
};

/**
 * Begin with nothing known and nothing counted.
 * @param known what to initialise
 * @param ept the VM runs on EPT
 * @param paging where the guest's paging mode will always stand, for instance
 *	in a struct shadow; may be NULL under EPT
 */
static inline void mmio_known_init(struct mmio_known *known, bool ept,
				   const struct guest_paging *paging)
{
	*known = (struct mmio_known){ .mode = { .ept = ept,
						.paging = paging } };
}

/**
 * Place 1: an entry that means MMIO was met at an address.
 * @param known the vCPU's
 * @param query as for mmio_cache_match_fault(): linear under shadow paging
 *	with CR0.PG = 1, else guest physical
 * @param out on a hit, the guest physical address
 * @return true: emulate, no table need be looked at
 */
static inline bool mmio_known_fault(struct mmio_known *known,
				    const struct mmio_cache_query *query,
				    gpa_t *out)
{
	bool hit;

	if (unlikely(known->off)) {
		return false;
	}
	hit = mmio_cache_match_fault(&known->cache, &known->mode, query, out);
	if (likely(hit)) {
		known->count.fault_hits++;
		return true;
	}
	known->count.fault_misses++;
	return false;
}

/**
 * Place 2: the emulator translates an operand's address.
 * @param known the vCPU's
 * @param query linear address and access
 * @param out on a hit, the guest physical address
 * @return false: walk the guest's tables
 */
static inline bool mmio_known_gva(struct mmio_known *known,
				  const struct mmio_cache_query *query,
				  gpa_t *out)
{
	bool hit;

	if (unlikely(known->off)) {
		return false;
	}
	/* With EPT it never is: worth not to ask for each byte of a string. */
	hit = known->cache.gva.v &&
	      mmio_cache_match_gva(&known->cache, &known->mode, query, out);
	if (hit) {
		known->count.gva_hits++;
		return true;
	}
	known->count.gva_misses++;
	return false;
}

/**
 * Place 3: the emulator has a guest physical address.
 * @param known the vCPU's
 * @param addr physical to this guest
 * @param generation of the slots now
 * @return true: known to be MMIO, do not try memory
 */
static inline bool mmio_known_gpa(struct mmio_known *known, gpa_t addr,
				  u64 generation)
{
	bool hit;

	if (unlikely(known->off)) {
		return false;
	}
	hit = mmio_cache_match_gpa(&known->cache, addr, generation);
	if (likely(hit)) {
		known->count.gpa_hits++;
		return true;
	}
	known->count.gpa_misses++;
	return false;
}

/**
 * A page was found to be MMIO: by the slow path, which has asked the slots, or
 * by a walk to an MMIO SPTE that is valid (spec 2.1, fill sites a and b).
 * @param known the vCPU's
 * @param page what was found
 */
static inline void mmio_known_fill(struct mmio_known *known,
				   const struct mmio_cache_page *page)
{
	if (unlikely(known->off)) {
		return;
	}
	mmio_cache_fill(&known->cache, &known->mode, page);
	if (page->generation & MEMSLOT_GEN_IN_PROGRESS) {
		known->count.fills_in_progress++;
		return;
	}
	known->count.fills++;
	known->count.gva_fills += known->cache.gva.v != 0;
}

/**
 * Something happened that the cache must hear of.  struct shadow calls this for
 * all that it is told; slot changes and resets are its owner's to report, and
 * under EPT there is nothing else.
 * @param known the vCPU's
 * @param event what
 * @param addr for events of one page, else 0
 */
static inline void mmio_known_event(struct mmio_known *known,
				    enum mmio_cache_event event, gva_t addr)
{
	u64 before = known->cache.gva.v;

	if (unlikely(known->off)) {
		return;
	}
	mmio_cache_event(&known->cache, event, addr);
	known->count.events[event]++;
	known->count.clears[event] += before && !known->cache.gva.v;
}

#endif
