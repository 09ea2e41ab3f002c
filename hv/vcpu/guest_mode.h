/** @file
 * The guest's mode: CR0, CR3, CR4 and EFER, as it sees them and as they are.
 *
 * All act on the current VMCS, which is the vCPU's.
 */
#ifndef HV_VCPU_GUEST_MODE_H
#define HV_VCPU_GUEST_MODE_H

#include "bus/types.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "mmu/guest_walk.h"

/** CR0 as the guest reads it: its own bits, the others from the shadow. */
static inline u64 guest_mode_cr0(void)
{
	u64 owned = vmread(CR0_GUEST_HOST_MASK);

	return (vmread(GUEST_CR0) & ~owned) |
	       (vmread(CR0_READ_SHADOW) & owned);
}

/** CR4 as the guest reads it. */
static inline u64 guest_mode_cr4(void)
{
	u64 owned = vmread(CR4_GUEST_HOST_MASK);

	return (vmread(GUEST_CR4) & ~owned) |
	       (vmread(CR4_READ_SHADOW) & owned);
}

/** CR3 as the guest has loaded it: without EPT the real one is ours. */
static inline u64 guest_mode_cr3(const struct vcpu *vcpu)
{
	return vcpu->vm->with_ept ? vmread(GUEST_CR3) : vcpu->cr3;
}

/** EFER as the guest reads it. */
static inline u64 guest_mode_efer(const struct vcpu *vcpu)
{
	return vcpu->vm->with_ept ? vmread(GUEST_IA32_EFER) : vcpu->efer;
}

/** Would the processor take this value from MOV to CR0 (SDM 2B MOV)? */
bool guest_mode_cr0_valid(u64 cr0);
/** Does CR4 hold only bits which this guest may set? */
bool guest_mode_cr4_valid(const struct vcpu *vcpu, u64 cr4);
/** The same of EFER. */
bool guest_mode_efer_valid(u64 efer);
/**
 * Would the processor take this value from MOV to CR3?  Bit 63 is not part of
 * it (SDM 3A 4.5, 4.10.4.1).
 */
bool guest_mode_cr3_valid(const struct vcpu *vcpu, u64 cr3);

/**
 * Set CR0, which is valid, and what follows from it: EFER.LMA and the entry
 * control for long mode.  Set EFER and CR4 first.
 */
void guest_mode_set_cr0(struct vcpu *vcpu, u64 cr0);
/** Set CR3, which is valid. */
void guest_mode_set_cr3(struct vcpu *vcpu, u64 cr3);
/** Set CR4, which is valid. */
void guest_mode_set_cr4(struct vcpu *vcpu, u64 cr4);
/** Set EFER, which is valid; LMA is computed. */
void guest_mode_set_efer(struct vcpu *vcpu, u64 efer);
/**
 * PAE paging keeps its four top entries in registers, which MOV to CR loads
 * (SDM 3A 4.4.1): load them, if the guest is in that mode now.
 * @return false: a reserved bit is set in a present one, which is #GP
 */
bool guest_mode_load_pdptes(struct vcpu *vcpu) __must_check;

/** The current privilege level: SS.DPL, SDM 3C 25.4.1. */
static inline unsigned int guest_mode_cpl(void)
{
	return bits(vmread(GUEST_SS_AR_BYTES), 6, 5);
}

/** How the guest translates addresses, and the registers that made it so. */
struct guest_mode {
	struct guest_paging paging;
	u64 cr0;
	u64 cr4;
	u64 efer;
};

/** guest_mode_paging() when something has changed. */
void guest_mode_paging_again(struct guest_mode *mode);

/** What the guest's registers, as it sees them, make of its paging. */
void guest_mode_read(const struct vcpu *vcpu, struct guest_paging *out);

/** guest_mode_paging() with EPT: the registers are the real ones. */
static inline void guest_mode_paging_real(struct guest_mode *mode)
{
	u64 cr0 = vmread(GUEST_CR0);
	u64 cr3 = vmread(GUEST_CR3);
	u64 cr4 = vmread(GUEST_CR4);
	u64 efer = vmread(GUEST_IA32_EFER);

	if (unlikely(cr0 != mode->cr0 || cr4 != mode->cr4 ||
		     efer != mode->efer || !(efer & EFER_LMA))) {
		if (cr0 == mode->cr0 && !(cr0 & CR0_PG)) {
			return; /* flat, as it was */
		}
		mode->cr0 = cr0;
		mode->cr4 = cr4;
		mode->efer = efer;
		guest_mode_paging_again(mode);
		return;
	}
	mode->paging.root = gpa(cr3 & BITS(51, 12));
}

/**
 * How the guest translates addresses now.  CR3 changes often, what the rest
 * follows from nearly never.
 * @param mode of the last time; all zero at first
 * @return good until the guest runs again or mode is used for something else
 */
static inline const struct guest_paging *
guest_mode_paging(const struct vcpu *vcpu, struct guest_mode *mode)
{
	if (unlikely(!vcpu->vm->with_ept)) {
		return &vcpu->shadow.paging; /* kept by vcpu_paging.c */
	}
	guest_mode_paging_real(mode);
	return &mode->paging;
}

#endif
