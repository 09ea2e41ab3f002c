/** @file
 * Code breakpoints in the emulation loop.
 *
 * Debug registers are the guest's own, and the processor looks at them while
 * the guest runs.  While the emulator does, somebody else must: before an
 * instruction its address is compared with DR0 to DR3, as far as DR7 enables
 * them for instructions.  The #DB is a fault, so RF is set for its return, and
 * the instruction that has been returned to comes past (SDM 3B 18.3.1.1).
 *
 * Breakpoints on data and ports are not looked for.
 */
#include "hv/vcpu/breakpoints.h"

#include "emulator/emul_types.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/*
 * DR7: for breakpoint n, bits 2n and 2n+1 enable it (for a task, for all), and
 * the four bits from 16+4n on are its condition and length (SDM 3B 18.2.4).
 */
#define DR7_ENABLES BITS(7, 0)
#define DR7_ENABLE(n) (BITS(1, 0) << 2 * (n))
#define DR7_CONDITION(n) (BITS(1, 0) << (16 + 4 * (n))) /* 0: instructions */

bool breakpoints_armed(void)
{
	return vmread(GUEST_DR7) & DR7_ENABLES;
}

/** The address of the next instruction.  Breakpoints are linear addresses: CS'
 * base counts, which is 0 in 64-bit code, and elsewhere they wrap at 4 GiB. */
static u64 linear_rip(const struct vcpu *vcpu)
{
	u64 rights = vmread(GUEST_CS_AR_BYTES);

	if ((rights & SEG_AR_L) && (vmread(GUEST_IA32_EFER) & EFER_LMA)) {
		return vcpu->rip;
	}
	return (u32)(vmread(GUEST_CS_BASE) + vcpu->rip);
}

/** DR6's bits of those that stand there. */
static u64 hit(const struct vcpu *vcpu)
{
	u64 dr7 = vmread(GUEST_DR7), rip = linear_rip(vcpu), found = 0;

	for (unsigned int n = 0; n < 4; n++) {
		if ((dr7 & DR7_ENABLE(n)) && !(dr7 & DR7_CONDITION(n)) &&
		    exit_dr_get(n) == rip) {
			found |= BIT(n);
		}
	}
	return found;
}

void breakpoints_look(struct vcpu *vcpu)
{
	u64 rflags = vmread(GUEST_RFLAGS), found;

	if ((vcpu->event.info & INTR_INFO_VALID) || (rflags & RFLAGS_RF)) {
		return;
	}
	found = hit(vcpu);
	if (found) {
		write_dr6(read_dr6() | found);
		vmwrite(GUEST_RFLAGS, rflags | RFLAGS_RF);
		events_queue(vcpu,
			     VECTOR_DB | INTR_TYPE_HARD_EXCEPTION << 8, 0);
	}
}
