/** @file
 * The parts of the epilogue that are seldom needed (step.h).
 *
 * Stepping over an instruction is three things: RIP moves, STI's and MOV SS's
 * shadow ends, and TF traps.  step.h has them inline, for both units, as each
 * exit comes by there.  What is here costs a call and is off that way: outside
 * of 64-bit code RIP is 32 bits wide, and wraps there; the software unit, whose
 * VMREAD is a function anyway; and instructions whose length no exit has told.
 */
#include "hv/vcpu/step.h"

u64 step_wrap(u64 rip)
{
	return vmread(GUEST_CS_AR_BYTES) & SEG_AR_L ? rip : (u32)rip;
}

void step_over_soft(struct vcpu *vcpu)
{
	step_on_unit(vcpu, true, softvmx_vmread(VM_EXIT_INSTRUCTION_LEN));
}

/** A fault has exited, and RFLAGS.RF was set for it (SDM 3B 18.3.1.1). */
void step_by(struct vcpu *vcpu, unsigned int length)
{
	vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) & ~RFLAGS_RF);
	step_on_unit(vcpu, vmx_unit_is_soft, length);
}
