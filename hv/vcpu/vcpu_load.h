/** @file
 * Which vCPU's state is loaded on a CPU: VMCS, FPU and the MSRs that VM exits
 * do not switch.
 */
#ifndef HV_VCPU_VCPU_LOAD_H
#define HV_VCPU_VCPU_LOAD_H

#include "bus/types.h"
#include "hv/vcpu/vcpu.h"
#include "hv/x86/cpu.h"

/** The vCPU whose state each CPU holds; NULL: nobody's. */
extern struct vcpu *vcpu_load_current[CPU_MAX];

/** Save the state of the one that is loaded, and load this one's. */
void vcpu_load_switch(struct vcpu *vcpu);

/**
 * Make this vCPU the loaded one of its CPU, which must be this one; another
 * one's state is saved first.  Cheap when it is loaded already.
 */
static inline void vcpu_load(struct vcpu *vcpu)
{
	if (unlikely(vcpu_load_current[vcpu->cpu] != vcpu)) {
		vcpu_load_switch(vcpu);
	}
}

/** Copy that part of a vCPU's state out, wherever it is just now. */
void vcpu_load_get(struct vcpu *vcpu, struct vcpu_extra *out);

/** Replace it; the counterpart of vcpu_load_get(). */
void vcpu_load_set(struct vcpu *vcpu, const struct vcpu_extra *in);

/** Forget a vCPU that goes away: VMCLEAR, nothing is saved. */
void vcpu_load_drop(struct vcpu *vcpu);

/** The FPU, SSE and MSR state after reset, SDM 3A 10.1.1. */
void vcpu_load_reset(struct vcpu *vcpu);

#endif
