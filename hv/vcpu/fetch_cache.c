/** @file
 * Filling the cache of the last fetch: the walk itself says which entries it
 * has used.
 *
 * With paging only 64-bit code is remembered, where RIP is the linear address,
 * and only in a code segment that is not conforming, where CS.DPL is the
 * privilege level (SDM 3C 27.3.1.2): as long as CS stays, so do both.  Without
 * paging all code is, by its offset in CS; whoever asks has to see that CS is
 * the same (fetch_cache_keep()).  And nothing while the slots are changed: what
 * is learnt then must not last (spec 1.3).
 *
 * A miss costs the walk that would have been made anyway, and the noting of
 * four entries. The walk itself goes through the guest's tables as the
 * processor would, with U/S and NX checked, so what is remembered is "this may
 * be executed from here", not just where it lies.
 */
#include "hv/vcpu/fetch_cache.h"

#include "hv/vmx/vmx_controls.h"

/** The type of a code segment that may run at a level below its DPL. */
#define SEG_AR_CONFORMING BIT(2)

/**
 * The address of the page in CS is kept, not the linear one: that is what RIP
 * is compared with. The pointer to the bytes is good as long as the generation
 * is: slots of one generation have the same memory behind them.
 */
static void remember(struct fetch_cache *cache, struct memslot_set *slots,
		     const struct guest_walk *walk)
{
	const struct memslot *slot = memslot_find(slots, walk->gpa);

	cache->generation = memslot_generation(slots);
	if (!slot || (cache->generation & MEMSLOT_GEN_IN_PROGRESS)) {
		return;
	}
	cache->cr3 = vmread(GUEST_CR3);
	cache->code = memslot_pointer(slot, gpa_page(walk->gpa));
	cache->page = gva(gva_page(walk->addr).v - cache->base);
}

/** May it be, and where does CS begin? */
static bool may_last(struct fetch_cache *cache, enum guest_walk_mode mode)
{
	u64 cs = vmread(GUEST_CS_AR_BYTES);

	if (mode == GUEST_WALK_FLAT) {
		cache->base = vmread(GUEST_CS_BASE);
		return true;
	}
	cache->base = 0;
	return mode == GUEST_WALK_4_LEVEL && (cs & SEG_AR_L) &&
	       !(cs & SEG_AR_CONFORMING);
}

enum guest_walk_status fetch_cache_walk(struct fetch_cache *cache,
					const struct guest_paging *paging,
					struct memslot_set *slots,
					struct guest_walk *walk)
{
	enum guest_walk_status status;

	fetch_cache_drop(cache);
	status = guest_walk_note(paging, slots, walk, &cache->trail);
	if (status == GUEST_WALK_OK && may_last(cache, paging->mode)) {
		remember(cache, slots, walk);
	}
	return status;
}
