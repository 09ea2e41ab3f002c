/** @file
 * The hypervisor's entry in C, and what it hands over to.
 */
#ifndef HV_BOOT_MAIN_H
#define HV_BOOT_MAIN_H

#include "bus/types.h"

/**
 * Called once by entry.S, on CPU 0, interrupts off.
 * @param magic EAX as the loader left it
 * @param info physical address of the multiboot information structure
 */
__noreturn void hv_main(u32 magic, u32 info);

#endif
