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

/**
 * An IRET has exited in its middle and is going to be executed again: NMIs,
 * which it has unblocked already, are blocked until then (SDM 3C 28.2.3).
 * @param unblocked the exit's bit "NMI unblocking due to IRET"
 */
void interrupts_block_nmi_again(struct vcpu *vcpu, bool unblocked);

/** Exits 7 and 8: the guest can take an interrupt, or an NMI, now. */
void interrupts_window_open(struct vcpu *vcpu);
void interrupts_nmi_window_open(struct vcpu *vcpu);

#endif
