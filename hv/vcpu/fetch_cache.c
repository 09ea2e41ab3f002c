/** @file
 * Filling the cache of the last fetch: the walk itself says which entries it
 * has used.
 *
 * Only 64-bit code is remembered, where RIP is the linear address, and only in
 * a code segment that is not conforming, where CS.DPL is the privilege level
 * (SDM 3C 27.3.1.2): as long as CS stays, so do both.  And nothing while the
 * slots are being changed: what is learnt then must not last (spec 1.3).
 */
#include "hv/vcpu/fetch_cache.h"

#include "hv/vmx/vmx_controls.h"

/** The type of a code segment that may run at a level below its DPL. */
#define SEG_AR_CONFORMING BIT(2)

static void remember(struct fetch_cache *cache, struct memslot_set *slots,
		     const struct guest_walk *walk)
{
	const struct memslot *slot = memslot_find(slots, walk->gpa);
	u64 cs = vmread(GUEST_CS_AR_BYTES);

	cache->generation = memslot_generation(slots);
	if (!slot || !(cs & SEG_AR_L) || (cs & SEG_AR_CONFORMING) ||
	    (cache->generation & MEMSLOT_GEN_IN_PROGRESS)) {
		return;
	}
	cache->cr3 = vmread(GUEST_CR3);
	cache->code = memslot_pointer(slot, gpa_page(walk->gpa));
	cache->page = gva_page(walk->addr);
}

enum guest_walk_status fetch_cache_walk(struct fetch_cache *cache,
					const struct guest_paging *paging,
					struct memslot_set *slots,
					struct guest_walk *walk)
{
	enum guest_walk_status status;

	fetch_cache_drop(cache);
	status = guest_walk_note(paging, slots, walk, &cache->trail);
	if (status == GUEST_WALK_OK && paging->mode == GUEST_WALK_4_LEVEL) {
		remember(cache, slots, walk);
	}
	return status;
}
