/** @file
 * What a lab's starter calls where the student's code is not written yet.
 *
 * A starter must compile, link and boot, and then say at which step the work
 * begins.  Each of its functions therefore ends in lab_not_written(); a step
 * is done when the call is gone.  The hypervisor's version stops the VM and
 * gives the running test the verdict "step"; a host test's version fails the
 * test.  Neither comes back, so that the starter needs no made-up result.
 */
#ifndef BUS_LAB_H
#define BUS_LAB_H

#include "bus/types.h"

/**
 * Stop here: this step of the lab has not been written.
 * Shows "lab 1.1: ept_fault_walk() is not written yet (see mmu/ept_fault.h)".
 * @param step the step's number in the handout, as "1.1"
 * @param function the function to write
 * @param header the file that holds the function's contract
 */
__noreturn void lab_not_written(const char *step, const char *function,
				const char *header);

#endif
