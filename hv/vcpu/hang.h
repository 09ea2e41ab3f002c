/** @file
 * Whether a guest that is not ours still does something.
 */
#ifndef HV_VCPU_HANG_H
#define HV_VCPU_HANG_H

#include "bus/types.h"

struct vcpu;

/** Where a guest was when the host interrupted it last. */
struct hang_place {
	u64 rip;
	u64 registers; /* a sum over all of them */
	u64 exits;
};

/**
 * The host has interrupted the guest: is it alive?  Then the watchdog is told
 * so.  After take_exit(), interrupts off.
 */
void hang_look(struct vcpu *vcpu);

#endif
