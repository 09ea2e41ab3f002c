/** @file
 * The epilogue: stepping over an instruction that was done for the guest.
 *
 * Three things end with an instruction, not one (SDM 3C 28.2.5):
 *
 *	RIP	moves by the length that the exit has given
 *	STI,	and MOV SS hold interrupts off for one instruction: this one
 *	MOV SS
 *	TF	a single-step trap is due, by the flag as it was
 *
 * It stands in a header because it is on the path of nearly every exit.
 */
#ifndef HV_VCPU_STEP_H
#define HV_VCPU_STEP_H

#include "hv/vcpu/events.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define STEP_BLOCKING (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)

/** Outside 64-bit code EIP wraps at 4 GiB.  @param rip has just crossed it */
u64 step_wrap(u64 rip);

/** step_over() on the soft unit. */
void step_over_soft(struct vcpu *vcpu);

/** The fields of a unit that is known: four accesses, asked for once. */
static inline u64 step_read(bool soft, enum vmcs_field field)
{
	return soft ? softvmx_vmread(field) : vmread_native(field);
}

/** step_over() where the exit has given no length. */
void step_by(struct vcpu *vcpu, unsigned int length);

/** Both units' step_over(); soft is a constant at each call. */
static inline void step_on_unit(struct vcpu *vcpu, bool soft, u64 length)
{
	u64 rip = vcpu->rip + length;
	u64 blocking, rflags;

	if (unlikely((rip ^ vcpu->rip) >> 32)) {
		rip = step_wrap(rip);
	}
	vcpu->rip = rip;
	vcpu->stuck.times = 0;
	if (soft) {
		softvmx_vmwrite(GUEST_RIP, rip);
	} else {
		vmwrite_native(GUEST_RIP, rip);
	}
	blocking = step_read(soft, GUEST_INTERRUPTIBILITY_STATE);
	if (unlikely(blocking & STEP_BLOCKING)) {
		vmwrite(GUEST_INTERRUPTIBILITY_STATE,
			blocking & ~STEP_BLOCKING);
	}
	rflags = step_read(soft, GUEST_RFLAGS);
	if (unlikely(rflags & RFLAGS_TF)) {
		events_step_trap(vcpu, rflags);
	}
}

/** Step over the instruction that has exited. */
static inline void step_over(struct vcpu *vcpu)
{
	if (unlikely(vmx_unit_is_soft)) {
		step_over_soft(vcpu);
	} else {
		step_on_unit(vcpu, false,
			     vmread_native(VM_EXIT_INSTRUCTION_LEN));
	}
}

#endif
