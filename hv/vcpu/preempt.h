/** @file
 * The VMX-preemption timer: out of the guest after a while, whatever it does.
 */
#ifndef HV_VCPU_PREEMPT_H
#define HV_VCPU_PREEMPT_H

#include "bus/types.h"

/**
 * How long the guest may run in one go.
 * @return the timer's value for the VMCS, about 20 ms; 0 when the unit has no
 *	such timer
 */
u32 preempt_period(void);

/** Exit 52: let the watchdog look, and wind the timer up again. */
void preempt_expired(gva_t rip);

#endif
