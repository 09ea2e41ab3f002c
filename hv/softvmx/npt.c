/** @file
 * Nested page tables as data: entries found, made and entered.
 *
 * The format is that of ordinary page tables, and that is the whole difference
 * to the EPT:
 *
 *	EPT entry         R    W    X    type         A/D in 8, 9
 *	NPT entry         P    W   !NX   PCD, PWT     A/D in 5, 6
 *
 * There is no execute-only page, since what is present can be read; memory
 * types other than "uncacheable" are left to the guest's PAT.  Our entries have
 * their accessed and dirty flags set from the start: SVM's are not looked at.
 *
 * A new table gets what the large page had, whose place it takes, so that no
 * translation is lost that nobody has invalidated.
 */
#include "hv/softvmx/npt.h"

#include "hv/lib/page.h"

#define EPT_UNCACHEABLE 0

/** Nine bits of the address for each level, as in any x86 table. */
static unsigned int index_at(gpa_t address, unsigned int level)
{
	return address.v >> (PAGE_SHIFT + 9 * (level - 1)) & (NPT_ENTRIES - 1);
}

/** The part of an address that an entry of this level does not translate. */
static u64 offset_mask(unsigned int level)
{
	return (1ull << (PAGE_SHIFT + 9 * (level - 1))) - 1;
}

/** The table that an entry refers to; tables lie in the direct map. */
static u64 *table_of(u64 entry)
{
	return hpa_to_virt(hpa(entry & NPT_ADDRESS));
}

/* From the front: pages are given back all at once or not at all. */
u64 *npt_take_page(struct npt_pool *pool)
{
	u64 *page = pool->pages[pool->used++];

	memset(page, 0, PAGE_SIZE);
	return page;
}

/* Entries refer to tables until one is a leaf: at level 1, or with PS set. */
u64 *npt_find(u64 *root, gpa_t address, unsigned int *level)
{
	u64 *table = root;

	for (*level = NPT_LEVELS; *level >= 1; (*level)--) {
		u64 *entry = &table[index_at(address, *level)];

		if (!(*entry & NPT_PRESENT)) {
			return NULL;
		}
		if (*level == 1 || (*entry & NPT_LARGE)) {
			return entry;
		}
		table = table_of(*entry);
	}
	return NULL;
}

bool npt_has_small_pages(const u64 *root, gpa_t address)
{
	const u64 *table = root;

	for (unsigned int level = NPT_LEVELS; level >= 2; level--) {
		u64 entry = table[index_at(address, level)];

		if (!(entry & NPT_PRESENT) || (entry & NPT_LARGE)) {
			return false;
		}
		table = table_of(entry);
	}
	return true;
}

/** Put a table below an entry; a large page that is there becomes small ones,
 * since its neighbours have not been invalidated. */
static void add_table(u64 *entry, struct npt_pool *pool)
{
	u64 *table = npt_take_page(pool);

	if (*entry & NPT_LARGE) {
		u64 leaf = *entry & ~NPT_LARGE;

		for (unsigned int i = 0; i < NPT_ENTRIES; i++) {
			table[i] = leaf + i * PAGE_SIZE;
		}
	}
	*entry = virt_to_hpa(table).v | NPT_TABLE;
}

/* Tables have all rights; what a page may do is its leaf's affair. */
u64 *npt_build(u64 *root, gpa_t address, unsigned int level,
	       struct npt_pool *pool)
{
	u64 *table = root;

	for (unsigned int i = NPT_LEVELS; i > level; i--) {
		u64 *entry = &table[index_at(address, i)];

		if (!(*entry & NPT_PRESENT) || (*entry & NPT_LARGE)) {
			add_table(entry, pool);
		}
		table = table_of(*entry);
	}
	return &table[index_at(address, level)];
}

/*
 * Same page, same rights. The EPT's "uncacheable" makes the page uncached
 * whatever the guest's PAT says (APM 2 15.25.8, table 15-20).
 */
u64 npt_make_leaf(const struct ept_walk *walk, unsigned int level)
{
	u64 leaf = (walk->hpa.v & NPT_ADDRESS & ~offset_mask(level)) |
		   NPT_PRESENT | NPT_USER | NPT_ACCESSED_DIRTY;

	if (level > 1) {
		leaf |= NPT_LARGE;
	}
	if (walk->rights & EPT_WALK_WRITE) {
		leaf |= NPT_WRITABLE;
	}
	if (!(walk->rights & EPT_WALK_EXECUTE)) {
		leaf |= NPT_NO_EXECUTE;
	}
	if (bits(walk->entry, 5, 3) == EPT_UNCACHEABLE) {
		leaf |= NPT_UNCACHED;
	}
	return leaf;
}

u32 npt_rights(u64 leaf)
{
	return EPT_WALK_READ | (leaf & NPT_WRITABLE ? EPT_WALK_WRITE : 0) |
	       (leaf & NPT_NO_EXECUTE ? 0 : EPT_WALK_EXECUTE);
}

hpa_t npt_translate(u64 leaf, gpa_t address, unsigned int level)
{
	u64 offset = offset_mask(level);

	return hpa((leaf & NPT_ADDRESS & ~offset) | (address.v & offset));
}
