/** @file
 * Accesses to control and debug registers.
 *
 * MOV to CR0 or CR4 exits when it would change a bit that the host owns
 * (guest_mode.c); MOV to and from CR3 exits without EPT only, MOV CR8 always,
 * since there is no local APIC whose task priority it could be.  The
 * qualification says which register of which kind (SDM 3C table 28-3).
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

/** What was cached of the guest's translations may be wrong now. */
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

/** Bit 63 with CR4.PCIDE: keep what is cached; it is not stored. */
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

/** LMSW changes bits 3:0 and can set PE but not clear it (SDM 2A LMSW). */
static enum exit_action load_msw(struct vcpu *vcpu, u64 source)
{
	u64 old = guest_mode_cr0();
	u64 low = CR0_PE | CR0_MP | CR0_EM | CR0_TS;

	return mov_to(vcpu, 0, (old & ~(low & ~CR0_PE)) | (source & low));
}

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
