/** @file
 * The tests of VM entry: `vmxtest=entry` on the command line.
 */
#ifndef HV_VMXTEST_ENTRY_TEST_H
#define HV_VMXTEST_ENTRY_TEST_H

#include "bus/types.h"

/**
 * Run all that test=GLOB chooses, results as TAP on COM2.
 * Switches VMX on, on this CPU, and off again; no vCPU may exist.
 */
void entry_test_run(void);

#endif
