/** @file
 * Nested page tables as data: entries found, made and entered (APM 2 15.25).
 */
#ifndef HV_SOFTVMX_NPT_H
#define HV_SOFTVMX_NPT_H

#include "bus/types.h"
#include "hv/softvmx/ept_walk.h"

#define NPT_ENTRIES 512
#define NPT_LEVELS 4

/* An entry: AMD64's own page-table format (APM 2 5.3). */
#define NPT_PRESENT BIT(0)
#define NPT_WRITABLE BIT(1)
#define NPT_USER BIT(2) /* nested accesses count as a user's, APM 2 15.25.5 */
#define NPT_UNCACHED BITS(4, 3)
#define NPT_ACCESSED_DIRTY BITS(6, 5)
#define NPT_LARGE BIT(7)
#define NPT_ADDRESS BITS(51, 12)
#define NPT_NO_EXECUTE BIT(63)

/** What an entry that refers to a table has: all rights, and accessed. */
#define NPT_TABLE (NPT_PRESENT | NPT_WRITABLE | NPT_USER | BIT(5))

/** Pages that tables are made of; one is taken after the other. */
struct npt_pool {
	u64 (*pages)[NPT_ENTRIES];
	unsigned int count;
	unsigned int used;
};

/** Take a zeroed page.  The caller has seen that there is one. */
u64 *npt_take_page(struct npt_pool *pool);

/**
 * Look up the leaf entry for an address.
 * @param root  the topmost table
 * @param level filled when there is one: 1, or 2 for a page of 2 MiB
 * @return NULL when the address has no translation
 */
u64 *npt_find(u64 *root, gpa_t address, unsigned int *level);

/** Whether there is a table of 4 KiB pages for the 2 MiB around an address. */
bool npt_has_small_pages(const u64 *root, gpa_t address);

/**
 * The entry for an address at a level, with the tables above it made.
 * @param level 1, or 2 for a page of 2 MiB
 * @param pool  has NPT_LEVELS pages left
 */
u64 *npt_build(u64 *root, gpa_t address, unsigned int level,
	       struct npt_pool *pool);

/** A leaf entry that says what a walk of the EPT has found. */
u64 npt_make_leaf(const struct ept_walk *walk, unsigned int level);

/** The rights that a leaf entry grants, as EPT_WALK_... */
u32 npt_rights(u64 leaf);

/** Where an address is by its leaf entry at this level. */
hpa_t npt_translate(u64 leaf, gpa_t address, unsigned int level);

#endif
