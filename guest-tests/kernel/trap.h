/** @file
 * Instructions that may end in #GP, and whether they do.
 */
#ifndef GUEST_TESTS_KERNEL_TRAP_H
#define GUEST_TESTS_KERNEL_TRAP_H

#include "bus/types.h"

/** Load an IDT that knows #GP; before any of the others. */
void trap_load(void);

/** @return whether it is there; if not it is #GP(0), and *value is kept */
bool trap_rdmsr(u32 msr, u64 *value);
bool trap_wrmsr(u32 msr, u64 value);

/** @return whether CR4 takes that value */
bool trap_write_cr4(u32 value);

/** @return how many of the faults had an error code; none may */
u32 trap_odd(void);

#endif
