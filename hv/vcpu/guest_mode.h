/** @file
 * The guest's mode: CR0, CR4 and EFER, as it sees them and as they are.
 *
 * All act on the current VMCS.
 */
#ifndef HV_VCPU_GUEST_MODE_H
#define HV_VCPU_GUEST_MODE_H

#include "bus/types.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "mmu/guest_walk.h"

/** CR0 bits that MOV changes without an exit. */
#define GUEST_MODE_CR0_FREE (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
/** The same of CR4. */
#define GUEST_MODE_CR4_FREE                                                   \
	(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE | CR4_PGE | \
	 CR4_OSFXSR | CR4_OSXMMEXCPT)

/** CR0 as the guest reads it: its own bits, the others from the shadow. */
static inline u64 guest_mode_cr0(void)
{
	return (vmread(GUEST_CR0) & GUEST_MODE_CR0_FREE) |
	       (vmread(CR0_READ_SHADOW) & ~GUEST_MODE_CR0_FREE);
}

/** CR4 as the guest reads it. */
static inline u64 guest_mode_cr4(void)
{
	return (vmread(GUEST_CR4) & GUEST_MODE_CR4_FREE) |
	       (vmread(CR4_READ_SHADOW) & ~GUEST_MODE_CR4_FREE);
}

/** Would the processor take this value from MOV to CR0 (SDM 2B MOV)? */
bool guest_mode_cr0_valid(u64 cr0);
/** Does CR4 hold only bits which this guest may set? */
bool guest_mode_cr4_valid(u64 cr4);
/** The same of EFER. */
bool guest_mode_efer_valid(u64 efer);

/**
 * Set CR0, which is valid, and what follows from it: EFER.LMA and the entry
 * control for long mode.  Set EFER and CR4 first.
 */
void guest_mode_set_cr0(u64 cr0);
/** Set CR4, which is valid. */
void guest_mode_set_cr4(u64 cr4);
/** Set EFER, which is valid; LMA is computed. */
void guest_mode_set_efer(u64 efer);

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

/**
 * How the guest translates addresses now.  CR3 changes often, what the rest
 * follows from nearly never.
 * @param mode of the last time; all zero at first; paging is brought up to date
 */
static inline void guest_mode_paging(struct guest_mode *mode)
{
	u64 cr0 = vmread(GUEST_CR0);
	u64 cr3 = vmread(GUEST_CR3);
	u64 cr4 = vmread(GUEST_CR4);
	u64 efer = vmread(GUEST_IA32_EFER);

	if (unlikely(cr0 != mode->cr0 || cr4 != mode->cr4 ||
		     efer != mode->efer || !(efer & EFER_LMA))) {
		mode->cr0 = cr0;
		mode->cr4 = cr4;
		mode->efer = efer;
		guest_mode_paging_again(mode);
		return;
	}
	mode->paging.root = gpa(cr3 & BITS(51, 12));
}

#endif
