/** @file
 * The hypervisor's own page tables - SDM 3A 4.5.
 *
 *	0 .. 0x00007fffffffffff   nothing: a NULL or wild pointer faults
 *	0xffff800000000000        direct map of physical 0 .. 4 GiB, no execute
 *	0xffffffff80100000        the image: text r-x, rodata r--, data rw-
 *	    within it             guard pages of the stacks: nothing
 */
#ifndef HV_BOOT_PAGING_H
#define HV_BOOT_PAGING_H

#include "bus/types.h"

/** Build the final tables; once, on CPU 0. */
void paging_init(void);

/**
 * Take a page out of the direct map, or put it back: guard pages of areas that
 * are allocated when the machine is up.
 * @param page in the direct map; nobody uses it
 * @return false when there is no table left to split a large page with: the
 *	page stays mapped
 * Any CPU; the others may see the old mapping for a while.
 */
bool paging_unmap(const void *page) __must_check;
void paging_map(const void *page);

/** Leave the boot tables (and with them the identity map) on this CPU. */
void paging_load(void);

#endif
