/** @file
 * A look at the processor, from a kernel's side.
 */
#ifndef GUEST_TESTS_KERNEL_PROCESSOR_H
#define GUEST_TESTS_KERNEL_PROCESSOR_H

#include "guest-tests/kernel/chips.h"

/** Which MSRs there are, as ranges, and which of them cannot be written back;
 * in each of the ranges where processors and hypervisors have theirs. */
void processor_msrs_list(const struct chips_console *console);

/** Does CPUID agree with itself, with MSRs, CR4, the local APIC and fw_cfg?
 * Each rule that is broken is told. */
void processor_check(const struct chips_console *console);

#endif
