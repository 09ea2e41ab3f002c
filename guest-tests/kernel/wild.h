/** @file
 * Wild accesses to everything that the machine has.
 */
#ifndef GUEST_TESTS_KERNEL_WILD_H
#define GUEST_TESTS_KERNEL_WILD_H

#include "guest-tests/kernel/chips.h"

/**
 * Read and write every port below 0x1000, and some above, but for those that
 * end the machine or are the console's; every place of the virtio devices, of
 * the IOAPIC and of the serial port in MMIO; and give the disk queues and
 * descriptors that point anywhere.  Interrupts are off, and stay so.
 */
void wild_do(const struct chips_console *console);

#endif
