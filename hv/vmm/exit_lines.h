/** @file
 * What the VMM hears of each exit of a test's vCPU, before it is handled.
 */
#ifndef HV_VMM_EXIT_LINES_H
#define HV_VMM_EXIT_LINES_H

#include "hv/vmm/bed.h"

/** Listen to a vCPU of the bed: print its exits if the plan says so. */
void exit_lines_attach(struct bed *bed, struct vcpu *vcpu);

#endif
