/** @file
 * Telling a listener about each exit (struct vcpu, exit_log).
 */
#ifndef HV_VCPU_EXIT_LOG_H
#define HV_VCPU_EXIT_LOG_H

#include "bus/types.h"

struct vcpu;

/** The exit qualification of the exit that has just come.
 * @param reason EXIT_REASON
 * @return 0 where there is none (SDM 3C 28.2.1) */
u64 exit_log_qualification(u32 reason);

/** Collect what is defined for this exit and call vcpu->exit_log. */
void exit_log_report(struct vcpu *vcpu);

#endif
