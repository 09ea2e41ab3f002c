/** @file
 * The run loop: into the guest, out again, handle the exit, and once more.
 */
#ifndef HV_VCPU_RUN_H
#define HV_VCPU_RUN_H

#include "bus/types.h"

struct vcpu;

/**
 * Enter the guest again and again until somebody outside is needed; then
 * vcpu->run is filled.
 * Interrupts are on, on entry and on return; the vCPU is loaded on this CPU.
 * @return 0; -EINTR: a signal has come, vcpu->run is as it was
 */
int run_loop(struct vcpu *vcpu) __must_check;

#endif
