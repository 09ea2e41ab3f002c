/** @file
 * From the first instruction to the test's function.
 */
#ifndef GUEST_TESTS_LIB_BOOT_H
#define GUEST_TESTS_LIB_BOOT_H

#include "hv/vmm/hypercall.h"

/**
 * Called by start.S: set up exceptions, run the test that the boot page names,
 * and report that it has ended.
 * @param info the boot page
 */
__noreturn void boot_main(const struct boot_info *info);

/** @return the boot page */
const struct boot_info *boot_info(void);

#endif
