/** @file
 * Shadow paging: what the guest says that it has changed.
 *
 * Flushing one page is done at once, in all roots that it concerns.  Flushing
 * more marks the roots as stale, and the work is done when one of them is to be
 * used (shadow_sync.c): a root that is never used again costs nothing.
 *
 * A guest that flushes a page means the page as *its* tables have it, which can
 * be of 2 MiB, 4 MiB or 1 GiB.  The tables find all pieces by themselves.  The
 * MMIO cache knows one page of 4 KiB; that it was such a piece shows in the
 * tables, for its MMIO SPTE has gone.
 *
 * A page fault is a flush, too: it takes the page's translation from the TLB
 * (SDM 3A 4.10.4.1), and guests rely on it where they map what was not mapped.
 *
 * Global pages are no special case.  They outlive MOV to CR3 and some INVPCIDs
 * in a processor's TLB, but need not: here they are compared like all others,
 * and stay if they are unchanged.  That INVLPG must take them from *every* PCID
 * is why it goes through all roots.
 */
#include "mmu/shadow.h"

#include "mmu/shadow_table.h"

/** Reserved bits of an INVPCID descriptor's first half: above the PCID. */
#define INVPCID_RESERVED BITS(63, 12)

/* In the order of the register operand's values, 0 to 3. */
enum invpcid_type {
	INVPCID_PAGE,
	INVPCID_PCID,
	INVPCID_ALL,
	INVPCID_ALL_BUT_GLOBAL,
	INVPCID_TYPES,
};

/* Many pages --------------------------------------------------------------- */

/** A root of addresses that mean themselves is never out of date. */
static void mark_stale(struct shadow_root *root)
{
	root->stale = root->key.mode != GUEST_WALK_FLAT;
}

void shadow_flush_pcid(struct shadow *shadow, u16 pcid)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		if (shadow->roots[i].key.pcid == pcid) {
			mark_stale(&shadow->roots[i]);
		}
	}
}

void shadow_flush_all(struct shadow *shadow)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		mark_stale(&shadow->roots[i]);
	}
}

/* One page ----------------------------------------------------------------- */

/** Whether the current root has an MMIO SPTE for an address. */
static bool is_marked(const struct shadow *shadow, gva_t addr)
{
	const struct shadow_root *root = &shadow->roots[0];
	int level = SHADOW_PTE;

	return root->table.v && shadow_mmio_is(*shadow_table_find(
					shadow, root, addr, &level));
}

/** Tell the MMIO cache, also if its page was another piece of that page. */
static void tell_cache(struct shadow *shadow, enum mmio_cache_event event,
		       gva_t addr)
{
	gva_t known = shadow->known->cache.gva;

	mmio_known_event(shadow->known, event, addr);
	if (known.v && known.v != gva_page(addr).v &&
	    !is_marked(shadow, known)) {
		mmio_known_event(shadow->known, event, known);
	}
}

void shadow_invlpg(struct shadow *shadow, gva_t addr)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		if (shadow->roots[i].table.v) {
			shadow_table_drop(shadow, &shadow->roots[i], addr);
		}
	}
	tell_cache(shadow, MMIO_CACHE_INVLPG, addr);
}

/** Forget a page in the roots of one PCID. */
static void drop_of_pcid(struct shadow *shadow, gva_t addr, u16 pcid)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		struct shadow_root *root = &shadow->roots[i];

		if (root->table.v && root->key.pcid == pcid) {
			shadow_table_drop(shadow, root, addr);
		}
	}
}

/* Of the current PCID alone: the fault was an access in this address space. */
void shadow_page_fault(struct shadow *shadow, gva_t addr)
{
	drop_of_pcid(shadow, addr, shadow->pcid);
	tell_cache(shadow, MMIO_CACHE_PAGE_FAULT, addr);
}

/* INVPCID ------------------------------------------------------------------ */

static void invpcid_page(struct shadow *shadow, gva_t addr, u16 pcid)
{
	drop_of_pcid(shadow, addr, pcid);
	/* What the MMIO cache knows belongs to the current PCID. */
	if (pcid == shadow->pcid) {
		tell_cache(shadow, MMIO_CACHE_INVLPG, addr);
	}
}

static void invpcid_pcid(struct shadow *shadow, u16 pcid)
{
	shadow_flush_pcid(shadow, pcid);
	if (pcid == shadow->pcid) {
		mmio_known_event(shadow->known, MMIO_CACHE_FLUSH, gva(0));
	}
}

/** Bits 63:47 all alike: the sign of 48 bits, carried up, changes nothing. */
static bool canonical(u64 addr)
{
	return (u64)((s64)(addr << 16) >> 16) == addr;
}

/** Whether the processor would take the operands (SDM 2A INVPCID). */
static bool operands_valid(u64 type, const u64 descriptor[2], bool pcide)
{
	if (type >= INVPCID_TYPES || (descriptor[0] & INVPCID_RESERVED)) {
		return false;
	}
	if (type <= INVPCID_PCID && descriptor[0] && !pcide) {
		return false;
	}
	return type != INVPCID_PAGE || canonical(descriptor[1]);
}

/*
 * Type 3 spares global pages in a processor.  Here it does what type 2 does:
 * roots that are marked as stale lose nothing that is still true.
 */
int shadow_invpcid(struct shadow *shadow, u64 type, const u64 descriptor[2],
		   bool pcide)
{
	if (!operands_valid(type, descriptor, pcide)) {
		return -EINVAL;
	}
	switch ((enum invpcid_type)type) {
	case INVPCID_PAGE:
		invpcid_page(shadow, gva(descriptor[1]), descriptor[0]);
		break;
	case INVPCID_PCID:
		invpcid_pcid(shadow, descriptor[0]);
		break;
	case INVPCID_ALL:
	case INVPCID_ALL_BUT_GLOBAL:
	case INVPCID_TYPES:
		shadow_flush_all(shadow);
		mmio_known_event(shadow->known, MMIO_CACHE_FLUSH, gva(0));
		break;
	}
	return 0;
}
