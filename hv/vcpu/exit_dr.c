/** @file
 * Accesses to debug registers.
 *
 * All of them exit, for show: the registers are the real ones.  DR7 is switched
 * by VMX, and a VM exit leaves the host with all breakpoints off.  The others
 * stay as the guest has set them, are handed over when vCPUs take turns
 * (vcpu_load.c), and nobody else uses them.
 *
 *	DR0 to DR3   linear addresses of breakpoints     in the processor
 *	DR4, DR5     aliases of DR6, DR7, or #UD: CR4.DE
 *	DR6          which of them has hit, and BS       in the processor
 *	DR7          which are armed, and for what       in the VMCS
 *
 * So an access is no more than the same access once more, by the host, with
 * the checks in front that the exit has overtaken.
 */
#include "hv/vcpu/exit.h"

#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"

/* Exit qualification, SDM 3C table 28-4 */
#define DR_FROM BIT(4)

#define DR7_FIXED BIT(10)
#define DR7_RESERVED (BITS(12, 11) | BITS(15, 14))
#define DR6_WRITABLE (BITS(3, 0) | BITS(15, 13))

/* The number 5 is 7's alias, hence the default. */
u64 exit_dr_get(unsigned int n)
{
	switch (n) {
	case 0:
		return read_dr0();
	case 1:
		return read_dr1();
	case 2:
		return read_dr2();
	case 3:
		return read_dr3();
	case 4: /* with CR4.DE = 0 these are aliases: SDM 3B 18.2.2 */
	case 6:
		return read_dr6();
	default:
		return vmread(GUEST_DR7);
	}
}

/*
 * The processor keeps some bits at 0 or 1 whatever is written (SDM 3B 18.2.4),
 * and reads show it.  DR6 is given to the real one, DR7 to VM entry, which asks
 * that its upper half be 0 (SDM 3C 27.3.1.1).
 */
void exit_dr_set(unsigned int n, u64 value)
{
	switch (n) {
	case 0:
		write_dr0(value);
		break;
	case 1:
		write_dr1(value);
		break;
	case 2:
		write_dr2(value);
		break;
	case 3:
		write_dr3(value);
		break;
	case 4:
	case 6:
		write_dr6((value & DR6_WRITABLE) | DR6_RESET);
		break;
	default:
		vmwrite(GUEST_DR7, ((u32)value & ~DR7_RESERVED) | DR7_FIXED);
	}
}

/*
 * The qualification (SDM 3C table 28-4): bits 2:0 the debug register, bit 4 the
 * direction, bits 11:8 the general register.
 *
 * Unlike other exits this one comes before the checks of privilege and of
 * CR4.DE (SDM 3C 26.1.3), so both are ours, in the processor's order.
 *
 * RSP is in the VMCS and goes by way of its place in gpr[].
 */
enum exit_action exit_dr_handle(struct vcpu *vcpu)
{
	u64 q = vmread(EXIT_QUALIFICATION);
	unsigned int n = bits(q, 2, 0);
	unsigned int gpr = bits(q, 11, 8);

	if (guest_mode_cpl() != 0) {
		events_inject_gp(vcpu);
		return EXIT_RESUME;
	}
	if ((n == 4 || n == 5) && (guest_mode_cr4() & CR4_DE)) {
		events_inject_ud(vcpu);
		return EXIT_RESUME;
	}
	if (gpr == GPR_RSP) {
		vcpu->gpr[GPR_RSP] = vmread(GUEST_RSP);
	}
	if (q & DR_FROM) {
		vcpu->gpr[gpr] = exit_dr_get(n);
	} else {
		exit_dr_set(n, vcpu->gpr[gpr]);
	}
	if (gpr == GPR_RSP) {
		vmwrite(GUEST_RSP, vcpu->gpr[GPR_RSP]);
	}
	return EXIT_ADVANCE;
}
