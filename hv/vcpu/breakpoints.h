/** @file
 * Code breakpoints, for a guest that the emulator runs.
 */
#ifndef HV_VCPU_BREAKPOINTS_H
#define HV_VCPU_BREAKPOINTS_H

#include "bus/types.h"

struct vcpu;

/** Does the guest's DR7 arm any?  Of the vCPU that has the CPU. */
bool breakpoints_armed(void);

/**
 * Queue the #DB of a code breakpoint at the instruction that comes next, if
 * there is one, RFLAGS.RF does not hold it off, and nothing else is queued
 * (SDM 3B 18.3.1.1).  DR6 says which.
 */
void breakpoints_look(struct vcpu *vcpu);

#endif
