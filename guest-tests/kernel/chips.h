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

/** Measure PIT, PM timer, RTC and local APIC against the TSC, and tell how far
 * their rates are from each other, in thousandths. */
void chips_measure(const struct chips_console *console);

#endif
