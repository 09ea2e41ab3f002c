/** @file
 * The guest's breakpoints, armed while it runs.
 */
#ifndef HV_SOFTVMX_SVM_BREAKPOINT_H
#define HV_SOFTVMX_SVM_BREAKPOINT_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * Right before VMRUN: have the processor's breakpoints agree with the guest's
 * DR7. GIF is 0.
 * @return true if there are any, so that svm_breakpoint_disarm() must follow
 */
bool svm_breakpoint_arm(const struct softvmx_cpu *cpu) __must_check;

/** Right behind it: none is left for the host to run into. */
void svm_breakpoint_disarm(void);

#endif
