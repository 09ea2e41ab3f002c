/** @file
 * Accesses to control and debug registers.
 *
 * MOV to CR0 or CR4 exits when it would change a bit that the host owns
 * (guest_mode.c); MOV to and from CR3 exits without EPT only.  MOV CR8 always
 * does: the real CR8 is the host's task priority, the guest's stands in a model
 * of a local APIC, or in struct vcpu if there is none.
 *
 * What has exited has not been executed, so its rules have to be kept here, all
 * of them, and in this order:
 *
 *	1. is the value allowed by itself?          ..._valid()
 *	2. is the way from the old one to it?       ..._transition_valid()
 *	3. write what the processor gets, and what the guest is to read
 *	4. load the PDPTEs if it is PAE paging now; bad ones undo step 3
 *	5. drop whatever followed from the old one  changed()
 *
 * A no in step 1, 2 or 4 is #GP(0), and the guest must not see a trace of the
 * attempt.  VM entry would refuse many of those values: what is let through
 * here would end the VM instead of giving its guest an exception.
 *
 * The emulator comes to exit_cr_set() as well, for a MOV that it does itself.
 */
#include "hv/vcpu/exit.h"

#include "hv/platform/vlapic.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/invalid_state.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_cpu.h"

/* Access type, bits 5:4 of the qualification */
enum cr_access { CR_MOV_TO, CR_MOV_FROM, CR_CLTS, CR_LMSW };

/**
 * RSP is the one general register that VMX switches: it stands in the VMCS, and
 * the place in gpr[] is of use only while the emulator works.  The
 * qualification counts registers as instructions do, so 4 is RSP here, too.
 */
static u64 read_gpr(struct vcpu *vcpu, unsigned int n)
{
	return n == GPR_RSP ? vmread(GUEST_RSP) : vcpu->gpr[n];
}

static void write_gpr(struct vcpu *vcpu, unsigned int n, u64 value)
{
	if (n == GPR_RSP) {
		vmwrite(GUEST_RSP, value);
	} else {
		vcpu->gpr[n] = value;
	}
}

/**
 * What was cached of the guest's translations may be wrong now.
 *
 * Had the processor executed the MOV it would have flushed its own TLB (SDM 3A
 * 4.10.4.1).  A VMWRITE of the same field does not, and with a VPID the next
 * entry does not either: a VPID is a tag on each entry of the TLB, made so that
 * they survive exits.  So all that have this vCPU's tag are dropped by hand.
 * Without EPT it is the shadow tables that may be wrong, not only a cache of
 * them; mmu/shadow.h finds out which.
 * @param translation one of the bits that a walk depends on has changed
 * @return true, for the callers to end with
 */
static bool changed(struct vcpu *vcpu, bool translation)
{
	emulate_mode_changed(vcpu);
	if (vcpu->vm->with_ept) {
		vmx_cpu_invvpid(vcpu->vpid);
		return true;
	}
	if (translation) {
		vcpu_paging_new_mode(vcpu);
	}
	return true;
}

/**
 * Long mode can only be entered with PAE on (SDM 3A 10.8.5), and not be left
 * from 64-bit code (SDM 2B MOV) nor with PCIDs on (SDM 3A 4.10.1).
 *
 *	PG 0 -> 1, EFER.LME = 1   needs CR4.PAE: this is how it is entered
 *	PG 1 -> 0                 not with CS.L = 1, not with CR4.PCIDE = 1
 *	PG as it was              nothing more to ask
 */
static bool cr0_transition_valid(struct vcpu *vcpu, u64 old, u64 new)
{
	u64 efer = guest_mode_efer(vcpu), cr4 = guest_mode_cr4();

	if (!(old & CR0_PG) && (new & CR0_PG) && (efer & EFER_LME)) {
		return cr4 & CR4_PAE;
	}
	return (new & CR0_PG) || !(old & CR0_PG) ||
	       (!(vmread(GUEST_CS_AR_BYTES) & SEG_AR_L) && !(cr4 & CR4_PCIDE));
}

/**
 * MOV to CR0, CLTS apart.  The PDPTEs are read by the new mode, so the new
 * value has to be in place first, and is taken back if one of them has a
 * reserved bit.
 *
 * Without "unrestricted guest" a guest cannot be entered in real mode, nor with
 * EPT without paging: at a change of PE or PG invalid_state.c asks again
 * whether the emulator has to be its processor.
 */
static bool set_cr0(struct vcpu *vcpu, u64 value)
{
	u64 old = guest_mode_cr0();

	if (!guest_mode_cr0_valid(value) ||
	    !cr0_transition_valid(vcpu, old, value)) {
		return false;
	}
	guest_mode_set_cr0(vcpu, value);
	if (((old ^ value) & CR0_PG) && !guest_mode_load_pdptes(vcpu)) {
		guest_mode_set_cr0(vcpu, old);
		return false;
	}
	if ((old ^ value) & (CR0_PE | CR0_PG)) {
		invalid_state_changed(vcpu);
	}
	return changed(vcpu, (old ^ value) & (CR0_PG | CR0_WP));
}

/**
 * In long mode CR4.PAE cannot be cleared (SDM 3A 4.1.2); PCIDs need long mode
 * and begin with PCID 0 (SDM 3A 4.10.1).
 */
static bool cr4_transition_valid(struct vcpu *vcpu, u64 old, u64 new)
{
	bool long_mode = guest_mode_efer(vcpu) & EFER_LMA;

	if (long_mode && !(new & CR4_PAE)) {
		return false;
	}
	return !(~old & new & CR4_PCIDE) ||
	       (long_mode && !bits(guest_mode_cr3(vcpu), 11, 0));
}

/** What MOV to CR4 loads the PDPTEs for, if the bit changes. */
#define CR4_LOADS_PDPTES (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)
/** What a translation depends on. */
#define CR4_TRANSLATION (CR4_LOADS_PDPTES | CR4_PCIDE | CR4_SMAP)

/** As set_cr0(): by itself, by the way there, PDPTEs last and with an undo. */
static bool set_cr4(struct vcpu *vcpu, u64 value)
{
	u64 old = guest_mode_cr4();

	if (!guest_mode_cr4_valid(vcpu, value) ||
	    !cr4_transition_valid(vcpu, old, value)) {
		return false;
	}
	guest_mode_set_cr4(vcpu, value);
	if (((old ^ value) & CR4_LOADS_PDPTES) &&
	    !guest_mode_load_pdptes(vcpu)) {
		guest_mode_set_cr4(vcpu, old);
		return false;
	}
	return changed(vcpu, (old ^ value) & CR4_TRANSLATION);
}

/**
 * Bit 63 with CR4.PCIDE: keep what is cached; it is not stored.
 *
 * With EPT this is reached by the emulator alone, as the guest's own MOV to CR3
 * does not exit; there all is flushed, which is always allowed.  Without EPT it
 * is the most frequent event of a guest that switches processes, and the shadow
 * looks whether it has tables for this CR3 (and PCID) already.
 *
 * In PAE paging CR3 is more than a pointer: the processor keeps the four PDPTEs
 * in registers and reads them from memory just then (SDM 3A 4.4.1).
 */
static bool set_cr3(struct vcpu *vcpu, u64 value)
{
	bool no_flush = (guest_mode_cr4() & CR4_PCIDE) && (value & BIT(63));
	u64 old = guest_mode_cr3(vcpu);

	if (no_flush) {
		value &= ~BIT(63);
	}
	if (!guest_mode_cr3_valid(vcpu, value)) {
		return false;
	}
	guest_mode_set_cr3(vcpu, value);
	if (!guest_mode_load_pdptes(vcpu)) {
		guest_mode_set_cr3(vcpu, old);
		return false;
	}
	if (vcpu->vm->with_ept) {
		vmx_cpu_invvpid(vcpu->vpid);
	} else {
		vcpu_paging_new_cr3(vcpu, no_flush);
	}
	fetch_cache_drop(&vcpu->emulation->fetch);
	walk_cache_drop(&vcpu->emulation->data);
	return true;
}

/*
 * CR2 is kept in struct vcpu since VMX does not switch it, and the hypervisor's
 * own page faults write it; the run loop loads it before each entry.
 */
u64 exit_cr_get(struct vcpu *vcpu, unsigned int cr)
{
	switch (cr) {
	case 0:
		return guest_mode_cr0();
	case 2:
		return vcpu->guest_cr2;
	case 3:
		return guest_mode_cr3(vcpu);
	case 4:
		return guest_mode_cr4();
	default:
		return vcpu->apic ? vlapic_get_cr8(vcpu->apic) : vcpu->cr8;
	}
}

/** The task's priority; lowered, it may let an interrupt in. */
static bool set_cr8(struct vcpu *vcpu, u64 value)
{
	if (value > 15) {
		return false;
	}
	vcpu->cr8 = value;
	if (vcpu->apic) {
		vlapic_set_cr8(vcpu->apic, value);
		vcpu->work = true;
	}
	return true;
}

/* Nothing of the vCPU has changed when this says no. */
bool exit_cr_set(struct vcpu *vcpu, unsigned int cr, u64 value)
{
	switch (cr) {
	case 0:
		return set_cr0(vcpu, value);
	case 2:
		vcpu->guest_cr2 = value;
		return true;
	case 3:
		return set_cr3(vcpu, value);
	case 4:
		return set_cr4(vcpu, value);
	default:
		return set_cr8(vcpu, value);
	}
}

/**
 * A fault leaves RIP where it is: #GP is delivered as if the MOV had raised it,
 * and the guest's handler finds the MOV's address on its stack.
 */
static enum exit_action mov_to(struct vcpu *vcpu, unsigned int cr, u64 value)
{
	if (exit_cr_set(vcpu, cr, value)) {
		return EXIT_ADVANCE;
	}
	events_inject_gp(vcpu);
	return EXIT_RESUME;
}

static enum exit_action mov_from(struct vcpu *vcpu, unsigned int cr,
				 unsigned int gpr)
{
	write_gpr(vcpu, gpr, exit_cr_get(vcpu, cr));
	return EXIT_ADVANCE;
}

/**
 * LMSW changes bits 3:0 and can set PE but not clear it (SDM 2A LMSW).  It is
 * what is left of the 286, whose CR0 had 16 bits.  The rest is a MOV to CR0.
 */
static enum exit_action load_msw(struct vcpu *vcpu, u64 source)
{
	u64 old = guest_mode_cr0();
	u64 low = CR0_PE | CR0_MP | CR0_EM | CR0_TS;

	return mov_to(vcpu, 0, (old & ~(low & ~CR0_PE)) | (source & low));
}

/*
 * The qualification (SDM 3C table 28-3):
 *
 *	31       16 15   12 11    8 7  6 5    4 3       0
 *	[LMSW's   ]        [gpr   ]      [kind] [register]
 *	[operand  ]
 *
 * The operand of LMSW is there even if it was in memory, so nothing has to be
 * fetched.  Privilege was checked before the exit: at CPL 3 it is #GP and the
 * guest's own (SDM 3C 26.1.1).
 */
enum exit_action exit_cr_handle(struct vcpu *vcpu)
{
	u64 q = vmread(EXIT_QUALIFICATION);
	unsigned int cr = bits(q, 3, 0);
	unsigned int gpr = bits(q, 11, 8);

	switch ((enum cr_access)bits(q, 5, 4)) {
	case CR_MOV_TO:
		return mov_to(vcpu, cr, read_gpr(vcpu, gpr));
	case CR_MOV_FROM:
		return mov_from(vcpu, cr, gpr);
	case CR_CLTS:
		guest_mode_set_cr0(vcpu, guest_mode_cr0() & ~CR0_TS);
		return EXIT_ADVANCE;
	case CR_LMSW:
		break;
	}
	return load_msw(vcpu, bits(q, 31, 16));
}
