/** @file
 * Setting up a VMCS, one function for each of its areas (SDM 3C 25.3).
 *
 * All act on the current VMCS of this CPU.
 */
#ifndef HV_VMX_VMCS_SETUP_H
#define HV_VMX_VMCS_SETUP_H

#include "bus/types.h"

/** What the areas need to know of the vCPU that the VMCS is for. */
struct vmcs_setup {
	u64 eptp;	  /* EPT pointer; 0: no EPT, and CR3 accesses exit */
	bool unrestricted; /* with EPT: real mode may be entered */
	bool own_invlpg;  /* with EPT: the guest flushes without an exit */
	u16 vpid;	  /* 0: no VPID */
	hpa_t io_bitmap;  /* two pages, side by side */
	hpa_t msr_bitmap; /* one page */
	u32 exceptions;	  /* exception bitmap */
	bool virtual_nmis; /* keep track of the guest's NMIs, if possible */
	u32 timer;	  /* first value of the preemption timer, 0: unused */
};

/** Write all areas but the guest state, which is the vCPU's. */
void vmcs_setup_all(const struct vmcs_setup *setup);

#endif
