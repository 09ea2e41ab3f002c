/** @file
 * Calls of a BIOS, from a 32-bit kernel.
 */
#ifndef GUEST_TESTS_KERNEL_BIOS_H
#define GUEST_TESTS_KERNEL_BIOS_H

#include "guest-tests/kernel/chips.h"

/**
 * Go to real mode and call INT 0x12, 0x11, 0x15, 0x10 and 0x16; tell what each
 * has left in AX, and in the carry flag (bit 16) and the zero flag (bit 17).
 */
void bios_call_all(const struct chips_console *console);

#endif
