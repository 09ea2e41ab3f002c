/** @file
 * Where the code is: the page that the last instruction was fetched from.
 *
 * Every emulated instruction is fetched from guest memory, and nearly always
 * from the page of the one before.  The walk through the guest's page tables
 * would give the same result as last time if it read the same entries: so the
 * entries are remembered, where they stand and what they said, and are looked
 * at again.  That is exact, not a TLB: a changed entry is seen at once.
 */
#ifndef HV_VCPU_FETCH_CACHE_H
#define HV_VCPU_FETCH_CACHE_H

#include "emulator/insn.h"
#include "hv/vmx/vmx_unit.h"
#include "mmu/guest_walk.h"
#include "mmu/memslot.h"

/** No code is at an address that is not canonical. */
#define FETCH_CACHE_EMPTY gva(BIT(63))

struct fetch_cache {
	gva_t page; /* that it is, as an offset in CS; or FETCH_CACHE_EMPTY */
	u64 base;   /* of CS; 0 for 64-bit code */
	u64 cr3;
	u64 generation; /* of the slots: the pointers are good */
	const u8 *code; /* the page, where the hypervisor has it */
	struct guest_walk_trail trail;
};

/** Forget it: CS, CR0, CR4 or EFER have changed. */
static inline void fetch_cache_drop(struct fetch_cache *cache)
{
	cache->page = FETCH_CACHE_EMPTY;
}

/**
 * The code about to be found is not 64-bit code: it is where it was only if CS
 * is, and all of the instruction's bytes must lie inside.
 */
static inline void fetch_cache_keep(struct fetch_cache *cache, u64 rip)
{
	if (cache->base != vmread(GUEST_CS_BASE) ||
	    rip + INSN_MAX - 1 > vmread(GUEST_CS_LIMIT)) {
		fetch_cache_drop(cache);
	}
}

/**
 * The instruction at RIP, if it is on the page of last time and the entries
 * that lead there still say the same.
 *
 * CR3 is compared; what else a fetch depends on drops the cache when it
 * changes.
 * @param slots the snapshot of this pass
 * @param rip   GUEST_RIP
 * @return INSN_MAX bytes of guest memory, or NULL
 */
static inline const u8 *fetch_cache_find(const struct fetch_cache *cache,
					 const struct memslot_set *slots,
					 gva_t rip)
{
	u64 cr3 = vmread(GUEST_CR3);
	u64 offset = rip.v - cache->page.v;

	if (offset > PAGE_SIZE - INSN_MAX ||
	    cache->generation != memslot_generation(slots) ||
	    cache->cr3 != cr3 || !guest_walk_same(&cache->trail)) {
		return NULL;
	}
	return cache->code + offset;
}

/**
 * guest_walk_translate() for a fetch; remembers it if it was by four levels.
 * @param paging as the guest translates now
 * @param slots  the snapshot of this pass
 * @param walk   the question and the answer
 */
enum guest_walk_status fetch_cache_walk(struct fetch_cache *cache,
					const struct guest_paging *paging,
					struct memslot_set *slots,
					struct guest_walk *walk) __must_check;

#endif
