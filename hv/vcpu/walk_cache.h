/** @file
 * Where the data is: the page that was walked to last.
 *
 * The second page of a split access, and each page that the hardware has not
 * named, is found by a walk through the guest's page tables.  A driver that
 * polls a register walks to the same page every time.  As with the code's page
 * (fetch_cache.h) the entries are remembered, and looked at again: a changed
 * entry is seen at once, so this is no TLB and nothing has to be flushed.
 *
 * What else a walk depends on must be as it was: the kind of access, CR3, the
 * slots; and CS, which the privilege level follows from, CR0.PG, CR4 and EFER,
 * whose change drops what is remembered.  CR0.WP and RFLAGS.AC change without
 * a word to anybody; so only pages are remembered for which they do not matter.
 */
#ifndef HV_VCPU_WALK_CACHE_H
#define HV_VCPU_WALK_CACHE_H

#include "hv/vmx/vmx_unit.h"
#include "mmu/guest_walk.h"
#include "mmu/memslot.h"

/** No data is at an address that is not canonical. */
#define WALK_CACHE_EMPTY gva(BIT(63))

struct walk_cache {
	gva_t page; /* that it is, or WALK_CACHE_EMPTY */
	gpa_t gpa;  /* where it lies */
	u64 cr3;
	u64 generation; /* of the slots: the pointers are good */
	u32 kind;	/* enum emul_access */
	bool no_ram;	/* the slots of that generation do not have it */
	struct guest_walk_trail trail;
};

/** Forget it: CS, CR0, CR4 or EFER have changed. */
static inline void walk_cache_drop(struct walk_cache *cache)
{
	cache->page = WALK_CACHE_EMPTY;
}

/**
 * Would a walk now give what the last one gave?
 * @param slots the snapshot of this pass
 * @param addr  linear
 * @param kind  enum emul_access
 */
static inline bool walk_cache_holds(const struct walk_cache *cache,
				    const struct memslot_set *slots,
				    gva_t addr, u32 kind)
{
	return addr.v - cache->page.v < PAGE_SIZE && cache->kind == kind &&
	       cache->generation == memslot_generation(slots) &&
	       cache->cr3 == vmread(GUEST_CR3) &&
	       guest_walk_same(&cache->trail);
}

/**
 * guest_walk_translate(), and remember it if all of the above allows it.
 * @param cache  its kind is set; filled or dropped
 * @param paging as the guest translates now
 * @param slots  the snapshot of this pass
 * @param walk   the question and the answer
 */
enum guest_walk_status walk_cache_fill(struct walk_cache *cache,
				       const struct guest_paging *paging,
				       struct memslot_set *slots,
				       struct guest_walk *walk) __must_check;

#endif
