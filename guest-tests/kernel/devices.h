/** @file
 * Devices that DEV= adds: does each keep its promise?
 */
#ifndef GUEST_TESTS_KERNEL_DEVICES_H
#define GUEST_TESTS_KERNEL_DEVICES_H

#include "guest-tests/kernel/chips.h"

/**
 * Try mirrors at 0xff000000 (64 KiB) and 0xff800000 (3 bytes), latches of 4
 * bytes at 0xe0 and of 8 at 0x3100, zap at 0xe4, irq at 0x2000 with 24 lines, a
 * FIFO at 0xd1000000 and a log at 0xd1001000.
 */
void devices_try(const struct chips_console *console);

/** End with code 9 by the exit device at 0x3000. */
void devices_leave(void);

#endif
