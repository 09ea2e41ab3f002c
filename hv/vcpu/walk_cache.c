/** @file
 * Filling the cache of the last walk for data.
 *
 * The header has the rule by which it is believed; here is what may be put in
 * at all.  With EPT nobody tells us of INVLPG, so every entry that the walk has
 * used is compared again at each hit (struct guest_walk_trail), and whatever
 * could change the answer without changing an entry keeps the walk out: SMAP,
 * where EFLAGS.AC decides, conforming code, whose CPL is not its segment's, a
 * store that is only allowed because CR0.WP is clear, and slots that are just
 * being changed.
 *
 * What the cache saves is the walk: four dependent loads, each with a slot to
 * find, for an address that is nearly always the same one. A hit costs a
 * handful of compares. Nobody has to tell it of a change of slots: a new
 * generation makes it miss.
 */
#include "hv/vcpu/walk_cache.h"

#include "hv/vmx/vmx_controls.h"

/** The type of a code segment that may run at a level below its DPL. */
#define SEG_AR_CONFORMING BIT(2)

/** Every entry on the way gives the right to store, whatever CR0.WP says. */
static bool is_writable(const struct guest_walk_trail *trail)
{
	u64 all = ~0ull;

	for (int i = 0; i < GUEST_WALK_LEVELS; i++) {
		all &= trail->used[i].value;
	}
	return all & GUEST_WALK_WRITE; /* R/W is bit 1 of an entry as well */
}

static bool may_last(const struct walk_cache *cache,
		     const struct guest_paging *paging,
		     const struct guest_walk *walk)
{
	if (paging->mode == GUEST_WALK_FLAT) {
		return !(cache->generation & MEMSLOT_GEN_IN_PROGRESS);
	}
	return paging->mode == GUEST_WALK_4_LEVEL &&
	       !(paging->flags & GUEST_WALK_SMAP) &&
	       !(cache->generation & MEMSLOT_GEN_IN_PROGRESS) &&
	       !(vmread(GUEST_CS_AR_BYTES) & SEG_AR_CONFORMING) &&
	       (!(walk->access & GUEST_WALK_WRITE) ||
		is_writable(&cache->trail));
}

enum guest_walk_status walk_cache_fill(struct walk_cache *cache,
				       const struct guest_paging *paging,
				       struct memslot_set *slots,
				       struct guest_walk *walk)
{
	enum guest_walk_status status;

	walk_cache_drop(cache);
	cache->no_ram = false;
	status = guest_walk_note(paging, slots, walk, &cache->trail);
	if (status != GUEST_WALK_OK) {
		return status;
	}
	cache->generation = memslot_generation(slots);
	if (may_last(cache, paging, walk)) {
		cache->page = gva_page(walk->addr);
		cache->gpa = gpa_page(walk->gpa);
		cache->cr3 = vmread(GUEST_CR3);
	}
	return status;
}
