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

/** Leave the boot tables (and with them the identity map) on this CPU. */
void paging_load(void);

#endif
