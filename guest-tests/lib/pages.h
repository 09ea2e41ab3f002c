/** @file
 * A guest's own page tables, for tests that want more than identity.
 *
 * The VMM starts a guest with 0 to 4 GiB mapped onto itself.  pages_map() adds
 * a mapping of one page at an address of the test's choice, in the same tables.
 */
#ifndef GUEST_TESTS_LIB_PAGES_H
#define GUEST_TESTS_LIB_PAGES_H

#include "bus/types.h"

/* Flags - SDM 3A 4.5, tables 4-18 and 4-20; accessed and dirty are preset. */
#define PAGES_WRITE BIT(1)
#define PAGES_USER BIT(2)

/** A GVA where the VMM has mapped nothing. */
#define PAGES_FREE_GVA 0x700000000000ull

/**
 * Map one 4 KiB page.
 * @param virtual page-aligned, 512 GiB or above
 * @param physical page-aligned; need not be memory
 * @param flags PAGES_WRITE, PAGES_USER
 */
void pages_map(gva_t virtual, gpa_t physical, u64 flags);

/** Take the mapping of a page away again. @param virtual as above */
void pages_unmap(gva_t virtual);

/**
 * Replace a mapping of 2 MiB by 512 of 4 KiB that say the same.
 * @param virtual any address in it; below 4 GiB, where the VMM has mapped it
 */
void pages_split(gva_t virtual);

#endif
