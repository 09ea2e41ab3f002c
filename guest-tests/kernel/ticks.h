/** @file
 * The timer's interrupt, by each way that it has to a processor.
 */
#ifndef GUEST_TESTS_KERNEL_TICKS_H
#define GUEST_TESTS_KERNEL_TICKS_H

#include "guest-tests/kernel/chips.h"

/**
 * Take interrupts of the 8254 for a while: first from the 8259s, with the local
 * APIC as firmware has left it, then from the IOAPIC.  Tells what has come, and
 * how many ticks of the TSC one takes of the kernel's time.
 */
void ticks_take(const struct chips_console *console);

#endif
