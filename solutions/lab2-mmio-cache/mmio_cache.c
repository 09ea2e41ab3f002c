/** @file
 * Lab 2: the MMIO cache (reference solution).
 *
 * There is one entry and little code; what counts is which of the few lines is
 * asked when.  Three rules carry all of it.  A guest virtual address is worth
 * something only while the hypervisor hears of its changes, and that is asked
 * both when it is stored and when it is used.  A frame is worth something
 * exactly as long as the slots are the same ones.  And while the slots change
 * nothing matches (their generation has bit 63, which no stored one has) and
 * nothing is stored.
 *
 * In the path of an access: the first thing that is asked after the exit.  On a
 * hit no table is read, neither ours nor the guest's.
 */
#include "mmu/mmio_cache.h"

/* 2.1 The predicate ------------------------------------------------------- */

bool mmio_cache_gva_allowed(const struct mmio_cache_mode *mode)
{
	return !mode->ept && mode->paging->mode != GUEST_WALK_FLAT;
}

/* 2.2 Filling ------------------------------------------------------------- */

void mmio_cache_fill(struct mmio_cache *cache,
		     const struct mmio_cache_mode *mode,
		     const struct mmio_cache_page *page)
{
	/* Found in the old slots or in the new ones?  Nobody can tell. */
	if (page->generation & MEMSLOT_GEN_IN_PROGRESS) {
		return;
	}
	cache->gva = mmio_cache_gva_allowed(mode) ? gva_page(page->gva) :
						    gva(0);
	cache->gfn = gpa_frame(page->gpa);
	cache->rights = page->rights;
	cache->generation = page->generation;
}

/* 2.3 Matching by frame --------------------------------------------------- */

bool mmio_cache_match_gpa(const struct mmio_cache *cache, gpa_t addr,
			  u64 generation)
{
	return cache->generation == generation && cache->gfn != 0 &&
	       cache->gfn == gpa_frame(addr);
}

/* 2.4 Matching by virtual address ----------------------------------------- */

/** 2.4 where 2.1 has been asked. */
static inline bool match_page(const struct mmio_cache *cache,
			      const struct guest_paging *paging,
			      const struct mmio_cache_query *query, gpa_t *out)
{
	if (cache->generation != query->generation || cache->gva.v == 0 ||
	    cache->gva.v != gva_page(query->gva).v) {
		return false;
	}
	/* Rights may forbid what they allowed to the last access. */
	if (!guest_walk_reuse(paging, query->access, cache->rights)) {
		return false;
	}
	*out = gpa(cache->gfn << PAGE_SHIFT | gva_offset(query->gva));
	return true;
}

bool mmio_cache_match_gva(const struct mmio_cache *cache,
			  const struct mmio_cache_mode *mode,
			  const struct mmio_cache_query *query, gpa_t *out)
{
	/* The predicate again: paging may be off by now. */
	return mmio_cache_gva_allowed(mode) &&
	       match_page(cache, mode->paging, query, out);
}

/* 2.5 The fault path ------------------------------------------------------ */

bool mmio_cache_match_fault(const struct mmio_cache *cache,
			    const struct mmio_cache_mode *mode,
			    const struct mmio_cache_query *query, gpa_t *out)
{
	if (mode->nested) {
		return false;
	}
	if (mmio_cache_gva_allowed(mode)) {
		return match_page(cache, mode->paging, query, out);
	}
	if (!mmio_cache_match_gpa(cache, gpa(query->gva.v),
				  query->generation)) {
		return false;
	}
	*out = gpa(query->gva.v);
	return true;
}

/* 2.6 Events -------------------------------------------------------------- */

void mmio_cache_event(struct mmio_cache *cache, enum mmio_cache_event event,
		      gva_t addr)
{
	switch (event) {
	case MMIO_CACHE_CR3_FAST:
	case MMIO_CACHE_CR3_SLOW:
	case MMIO_CACHE_FLUSH:
	case MMIO_CACHE_MODE:
	case MMIO_CACHE_ROOT_BUILT:
	case MMIO_CACHE_ROOT_SYNCED:
		/* The gfn half knows nothing of the guest's tables. */
		cache->gva = gva(0);
		break;
	case MMIO_CACHE_INVLPG:
	case MMIO_CACHE_PAGE_FAULT:
		if (cache->gva.v == gva_page(addr).v) {
			cache->gva = gva(0);
		}
		break;
	case MMIO_CACHE_SLOTS:
		/* The generation has moved on: nothing matches any more. */
		break;
	case MMIO_CACHE_RESET:
		*cache = (struct mmio_cache){ .gfn = 0 };
		break;
	}
}
