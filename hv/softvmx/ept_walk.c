/** @file
 * Extended page tables, walked in software.
 *
 * A processor walks the EPT when a translation is not in its caches; this unit
 * does so when the nested page tables that stand in for those caches have none
 * (ept_shadow.c).  The tables are the hypervisor's, in its own memory, and may
 * be wrong in all the ways that SDM 3C 29.3.3 lists.  Wrong is not the same as
 * missing:
 *
 *	no right at all      EPT violation, exit 48: the hypervisor's business
 *	a right is missing   the same, but only after the whole walk
 *	cannot be            EPT misconfiguration, exit 49, wherever in the walk
 *
 * so the rights of all levels are collected on the way down, and each entry is
 * judged by the rules of its level before the next is read.
 */
#include "hv/softvmx/ept_walk.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/softvmx/capabilities.h"
#include "hv/vmx/vmx_controls.h"

#define ENTRIES 512
#define ENTRY_ACCESSED BIT(8)

/** Nine bits of the address for each level, as in any x86 table. */
static unsigned int index_at(gpa_t address, unsigned int level)
{
	return address.v >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

/** The part of an address that an entry of this level does not translate. */
static u64 offset_mask(unsigned int level)
{
	return (1ull << (PAGE_SHIFT + 9 * (level - 1))) - 1;
}

/**
 * Bit 7 makes a PDE a page of 2 MiB and a PDPTE one of 1 GiB; in a PML4 entry
 * it is reserved.
 */
static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (level <= 3 && (entry & EPT_WALK_LARGE));
}

/**
 * Leaf entries: what must be zero between rights and address, and the memory
 * types that there are (SDM 3A table 11-7).
 */
static const char *leaf_rule(u64 entry, unsigned int level)
{
	u64 type = bits(entry, 5, 3);

	if (type == 2 || type == 3 || type == 7) {
		return "the memory type is 2, 3 or 7";
	}
	if (entry & EPT_WALK_ADDRESS & offset_mask(level)) {
		return "a large page's address is not a multiple of its size";
	}
	return NULL;
}

/**
 * The rules of SDM 3C 29.3.3.1, for an entry with at least one right. Entries
 * that refer to tables have no memory type; bit 7 of a PML4 entry is reserved
 * as well.
 * @return the broken one, or NULL
 */
static const char *broken_rule(u64 entry, unsigned int level)
{
	u64 rights = entry & EPT_WALK_RIGHTS;

	if (rights == EPT_WALK_WRITE ||
	    rights == (EPT_WALK_WRITE | EPT_WALK_EXECUTE)) {
		return "writable but not readable";
	}
	if (rights == EPT_WALK_EXECUTE) {
		return "execute-only, which this unit does not offer";
	}
	if (entry & capabilities_beyond_physical()) {
		return "an address bit beyond MAXPHYADDR is set";
	}
	if (is_leaf(entry, level)) {
		return leaf_rule(entry, level);
	}
	if (entry & (level == 4 ? BITS(7, 3) : BITS(6, 3))) {
		return "a reserved bit of a table entry is set";
	}
	return NULL;
}

/**
 * The entry of a table.  A table that is nowhere reads as all ones on a
 * machine, which is a misconfiguration; so it is here.
 */
static u64 *entry_at(u64 table, gpa_t address, unsigned int level)
{
	static u64 nowhere = ~0ull;

	if (table >= DIRECT_MAP_SIZE) {
		printf("softvmx: the level %u EPT table at 0x%llx for GPA "
		       "0x%llx is not in memory\n",
		       level, (unsigned long long)table,
		       (unsigned long long)address.v);
		return &nowhere;
	}
	return (u64 *)hpa_to_virt(hpa(table)) + index_at(address, level);
}

/* Each entry is read once: software may change it meanwhile. */
void ept_walk_from(u64 eptp, gpa_t address, struct ept_walk *walk)
{
	u64 table = eptp & EPT_WALK_ADDRESS;

	*walk = (struct ept_walk){ .verdict = EPT_WALK_ABSENT,
				   .rights = EPT_WALK_RIGHTS };
	for (unsigned int level = EPT_WALK_LEVELS; level >= 1; level--) {
		u64 *place = entry_at(table, address, level);
		u64 entry = __atomic_load_n(place, __ATOMIC_RELAXED);
		u64 offset = offset_mask(level);

		walk->level = level;
		walk->entry = entry;
		walk->rights &= entry;
		if (!(entry & EPT_WALK_RIGHTS)) {
			return;
		}
		walk->rule = broken_rule(entry, level);
		if (walk->rule) {
			walk->verdict = EPT_WALK_MISCONFIG;
			return;
		}
		walk->used[level - 1] = place;
		if (is_leaf(entry, level)) {
			walk->verdict = EPT_WALK_TRANSLATED;
			walk->hpa = hpa((entry & EPT_WALK_ADDRESS & ~offset) |
					(address.v & offset));
			return;
		}
		table = entry & EPT_WALK_ADDRESS;
	}
}

/*
 * Other CPUs may walk the same tables, and software may change them: flags are
 * only ever added, by an atomic OR, so nothing is lost.
 */
void ept_walk_mark(u64 eptp, struct ept_walk *walk, bool write)
{
	if (!ept_walk_has_flags(eptp)) {
		return;
	}
	for (unsigned int level = walk->level; level <= EPT_WALK_LEVELS;
	     level++) {
		bool dirty = write && level == walk->level;
		u64 flags = ENTRY_ACCESSED | (dirty ? EPT_WALK_DIRTY : 0);

		if ((*walk->used[level - 1] & flags) != flags) {
			__atomic_fetch_or(walk->used[level - 1], flags,
					  __ATOMIC_SEQ_CST);
		}
	}
	if (!write && !(walk->entry & EPT_WALK_DIRTY)) {
		walk->rights &= ~(u32)EPT_WALK_WRITE;
	}
}

/*
 * SDM 3C 27.2.1.1: write-back or uncached tables, four levels, nothing
 * reserved. Bit 6 enables accessed and dirty flags.
 */
bool ept_walk_is_pointer(u64 eptp)
{
	u64 type = bits(eptp, 2, 0);

	return (type == 0 || type == EPTP_MEMORY_TYPE_WB) &&
	       bits(eptp, 5, 3) == EPT_WALK_LEVELS - 1 &&
	       !(eptp & (BITS(11, 7) | BITS(63, 52))) &&
	       !(eptp & capabilities_beyond_physical());
}
