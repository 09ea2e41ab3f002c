/** @file
 * The parts of the epilogue that are seldom needed (step.h).
 */
#include "hv/vcpu/step.h"

u64 step_wrap(u64 rip)
{
	return vmread(GUEST_CS_AR_BYTES) & SEG_AR_L ? rip : (u32)rip;
}

void step_over_soft(struct vcpu *vcpu)
{
	step_on_unit(vcpu, true);
}
