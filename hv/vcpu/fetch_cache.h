/** @file
 * Where the code is: the last translation of an instruction fetch.
 *
 * Every emulated instruction is fetched from guest memory, and nearly always
 * from the page of the one before.  The walk through the guest's page tables
 * would give the same result as last time if it read the same entries: so the
 * entries are remembered, where they stand and what they said, and are looked
 * at again.  That is exact, not a TLB: a changed entry is seen at once.
 */
#ifndef HV_VCPU_FETCH_CACHE_H
#define HV_VCPU_FETCH_CACHE_H

#include "bus/access.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vmx/vmx_controls.h"
#include "mmu/memslot.h"

#define FETCH_CACHE_LEVELS 4

struct vm;

struct fetch_cache {
	u64 page; /* linear address of the page; 1: nothing is known */
	u64 cr3;
	u64 cpl;	/* SEG_AR_DPL bits of SS */
	u64 generation; /* of the slots: the pointers are good */
	gpa_t gpa;	/* the result */
	unsigned int levels;
	struct {
		const u64 *entry; /* where it stands, in guest memory */
		u64 value;	  /* what it said */
	} walk[FETCH_CACHE_LEVELS];
};

/** Forget it: CR0, CR4 or EFER have changed. */
static inline void fetch_cache_drop(struct fetch_cache *cache)
{
	cache->page = 1;
}

/**
 * Is this the page of last time, and do its entries still say the same?
 * CR3 and the privilege level are compared; what else a fetch depends on
 * changes by an exit only, which drops the cache.
 * @param slots the snapshot of this pass
 * @param out   the translation, offset included, when the result is true
 */
static inline bool fetch_cache_find(const struct fetch_cache *cache,
				    const struct memslot_set *slots,
				    gva_t address, gpa_t *out)
{
	if (cache->page != gva_page(address).v ||
	    cache->generation != memslot_generation(slots) ||
	    cache->cr3 != vmread(GUEST_CR3) ||
	    cache->cpl != (vmread(GUEST_SS_AR_BYTES) & SEG_AR_DPL)) {
		return false;
	}
	for (unsigned int i = 0; i < cache->levels; i++) {
		if (READ_ONCE(*cache->walk[i].entry) != cache->walk[i].value) {
			return false;
		}
	}
	*out = gpa_add(cache->gpa, gva_offset(address));
	return true;
}

/**
 * Remember a fetch that has just been translated, if it was by four levels.
 * @param gpa its translation
 */
void fetch_cache_fill(struct fetch_cache *cache, struct vm *vm, gva_t address,
		      gpa_t gpa);

#endif
