/** @file
 * A look at the machine's chips, from a kernel's side.
 */
#ifndef GUEST_TESTS_KERNEL_CHIPS_H
#define GUEST_TESTS_KERNEL_CHIPS_H

#include "bus/types.h"

/** How to tell what was seen. */
struct chips_console {
	void (*say)(const char *text);
	void (*say_hex)(u64 value);
};

/**
 * Try the devices that DEV= can add: a mirror at 0xff000000, a latch at 0xe0,
 * zap at 0xe4, irq at 0x2000 and a FIFO at 0xd1000000.
 */
void chips_try(const struct chips_console *console);

/** Measure PIT, PM timer, RTC and local APIC against the TSC, and tell how far
 * their rates are from each other, in thousandths. */
void chips_measure(const struct chips_console *console);

#endif
