/** @file
 * Instructions that have exited, carried out so that one recognises it.
 *
 * A test looks at exits, not at what an instruction does, so CPUID and its
 * like give numbers that nobody mistakes for a processor's.  Only the control
 * registers are real: the guest goes on under what it has written there.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/rig_shadow.h"
#include "hv/x86/cr.h"

/* What instructions give; any numbers that are easy to recognise. */
#define GIVEN_LOW 0x5a5a1111u
#define GIVEN_HIGH 0x5a5a2222u

/* Exit qualification of a control-register access (SDM 3C table 28-3) */
#define CR_NUMBER BITS(3, 0)
enum cr_access { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/** Qualifications name registers by number; RSP is in the VMCS. */
static u64 read_gpr(const struct rig *rig, unsigned int gpr)
{
	return gpr == GPR_RSP ? vmread(GUEST_RSP) : rig->gpr[gpr];
}

static void write_gpr(struct rig *rig, unsigned int gpr, u64 value)
{
	if (gpr == GPR_RSP) {
		vmwrite(GUEST_RSP, value);
	} else {
		rig->gpr[gpr] = value;
	}
}

/** What the guest writes is from now on what it reads, and it goes on under it
 * as far as VMX allows: CR0.NE and CR4.VMXE stay set (SDM 3C 24.8). */
static void move_to_cr(struct rig *rig, unsigned int cr, u64 value)
{
	switch (cr) {
	case 0:
		vmwrite(CR0_READ_SHADOW, value);
		vmwrite(GUEST_CR0, value | CR0_NE | CR0_ET);
		return;
	case 3:
		if (rig->plan.ept) {
			vmwrite(GUEST_CR3, value);
		} else {
			rig->cr3 = value;
			rig_shadow_flush(rig);
		}
		return;
	case 4:
		vmwrite(CR4_READ_SHADOW, value);
		vmwrite(GUEST_CR4, value | CR4_VMXE);
		return;
	default:
		rig->cr8 = value;
	}
}

/** SDM 3C table 28-3. */
static void access_cr(struct rig *rig, u64 qualification)
{
	unsigned int cr = qualification & CR_NUMBER;
	unsigned int gpr = bits(qualification, 11, 8);
	u64 shadow = vmread(CR0_READ_SHADOW), cr0 = vmread(GUEST_CR0);
	u64 low = bits(qualification, 19, 16);

	switch ((enum cr_access)bits(qualification, 5, 4)) {
	case CR_MOV_TO:
		move_to_cr(rig, cr, read_gpr(rig, gpr));
		return;
	case CR_MOV_FROM:
		write_gpr(rig, gpr, cr == 8 ? rig->cr8 :
				    rig->plan.ept ? vmread(GUEST_CR3) :
						    rig->cr3);
		return;
	case CR_CLTS:
		vmwrite(CR0_READ_SHADOW, shadow & ~CR0_TS);
		vmwrite(GUEST_CR0, cr0 & ~CR0_TS);
		return;
	case CR_LMSW:
		vmwrite(CR0_READ_SHADOW, (shadow & ~BITS(3, 1)) | low);
		vmwrite(GUEST_CR0, (cr0 & ~BITS(3, 1)) | low);
	}
}

/** MOV from a debug register gives a number; MOV to one does nothing. */
static void access_dr(struct rig *rig, u64 qualification)
{
	if (qualification & BIT(4)) {
		write_gpr(rig, bits(qualification, 11, 8), GIVEN_LOW);
	}
}

/** IN gives a number; strings do nothing. */
static void access_port(struct rig *rig, u64 qualification)
{
	if ((qualification & (BIT(3) | BIT(4))) == BIT(3)) {
		rig->gpr[GPR_RAX] = GIVEN_LOW;
	}
}

/** EAX tells that the leaf has arrived, the others that we have answered. */
static void give_cpuid(u64 *gpr)
{
	gpr[GPR_RBX] = GIVEN_LOW;
	gpr[GPR_RAX] = (u32)gpr[GPR_RAX] + 1;
	gpr[GPR_RCX] = GIVEN_HIGH;
	gpr[GPR_RDX] = GIVEN_HIGH + 1;
}

void rig_insn_carry_out(struct rig *rig, const struct services_exit *exit)
{
	switch ((u32)exit->reason) {
	case EXIT_REASON_CPUID:
		give_cpuid(rig->gpr);
		break;
	case EXIT_REASON_RDTSCP:
		rig->gpr[GPR_RCX] = GIVEN_LOW + 1;
		/* fall through */
	case EXIT_REASON_RDTSC:
	case EXIT_REASON_RDPMC:
	case EXIT_REASON_RDMSR:
		rig->gpr[GPR_RAX] = GIVEN_LOW;
		rig->gpr[GPR_RDX] = GIVEN_HIGH;
		break;
	case EXIT_REASON_IO_INSTRUCTION:
		access_port(rig, exit->qualification);
		break;
	case EXIT_REASON_CR_ACCESS:
		access_cr(rig, exit->qualification);
		break;
	case EXIT_REASON_DR_ACCESS:
		access_dr(rig, exit->qualification);
		break;
	case EXIT_REASON_INVLPG:
		if (!rig->plan.ept) {
			rig_shadow_flush(rig);
		}
		break;
	default:
		break;
	}
}
