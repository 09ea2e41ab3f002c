/** @file
 * NMIs and external interrupts: which one comes next, and when.
 */
#ifndef HV_VCPU_INTERRUPTS_H
#define HV_VCPU_INTERRUPTS_H

#include "bus/types.h"

struct vcpu;

/**
 * Queue the next one if the guest can take it; else ask for an exit as soon as
 * it can.  Just before an entry, interrupts off.
 * @return whether to look again at the next entry, whatever happens till then
 */
bool interrupts_choose(struct vcpu *vcpu);

/** Queue the next one if the guest can take it; for who delivers it himself. */
void interrupts_take(struct vcpu *vcpu);

/** Could one be taken that ends HLT?  Interrupts are off. */
bool interrupts_wake(const struct vcpu *vcpu);

/** Exits 7 and 8: the guest can take an interrupt, or an NMI, now. */
void interrupts_window_open(struct vcpu *vcpu);
void interrupts_nmi_window_open(struct vcpu *vcpu);

#endif
