/** @file
 * A vCPU with a local APIC that does not run: in HLT, or waiting for a SIPI.
 */
#ifndef HV_VCPU_ACTIVITY_H
#define HV_VCPU_ACTIVITY_H

#include "bus/types.h"
#include "hv/vcpu/exit.h"

struct vcpu;

/** What activity_look() has found. */
enum activity {
	ACTIVITY_RUNS,	 /* enter the guest */
	ACTIVITY_CHANGED, /* INIT or SIPI: its registers are new, look again */
	ACTIVITY_SLEEPS, /* nothing to do: activity_sleep() */
};

/**
 * It has executed HLT.  With a local APIC the rest follows before the next
 * entry, without one it is the VMM's affair.
 */
enum exit_action activity_halt(struct vcpu *vcpu);

/** Do what INIT and SIPI ask, let time pass, see whether it runs.  Just before
 * an entry, interrupts off. */
enum activity activity_look(struct vcpu *vcpu);

/**
 * Wait for an interrupt of the host; interrupts are off before and after, and
 * on while it sleeps.
 * @return false: nothing can wake it, nor any other vCPU of a VM whose kernel
 *	is not ours: vcpu->run says VCPU_EXIT_HLT
 */
bool activity_sleep(struct vcpu *vcpu) __must_check;

#endif
