/** @file
 * What this processor's VMX unit can do.
 *
 * Every control bit has two capability bits: may it be 0, may it be 1 (SDM 3D
 * appendix A).  The MSRs are read once, at boot, and a wanted set of controls
 * is rounded to what is allowed by vmx_caps_adjust().
 */
#ifndef HV_VMX_VMX_CAPS_H
#define HV_VMX_VMX_CAPS_H

#include "bus/types.h"

/** The control words that have capability MSRs. */
enum vmx_control {
	VMX_CONTROL_PIN,
	VMX_CONTROL_CPU,
	VMX_CONTROL_CPU2,
	VMX_CONTROL_EXIT,
	VMX_CONTROL_ENTRY,
	VMX_CONTROL_COUNT,
};

struct vmx_caps {
	u32 revision;  /* first word of VMXON region and VMCS */
	u32 vmcs_size; /* bytes, at most 4096 */
	u32 allowed0[VMX_CONTROL_COUNT]; /* bits that must be 1 */
	u32 allowed1[VMX_CONTROL_COUNT]; /* bits that may be 1 */
	u64 cr0_fixed0; /* bits that must be 1 in VMX operation */
	u64 cr0_fixed1; /* bits that may be 1 */
	u64 cr4_fixed0;
	u64 cr4_fixed1;
	u64 misc;	/* IA32_VMX_MISC */
	u64 ept_vpid;	/* IA32_VMX_EPT_VPID_CAP */
	u8 timer_shift; /* the preemption timer counts TSC >> this */
	bool ept_2m;
	bool invept_single;
	bool invvpid; /* VPIDs can be used: a flush is available */
	bool unrestricted_guest;
	bool preemption_timer;
};

/** Filled by vmx_caps_read(); constant afterwards. */
extern struct vmx_caps vmx_caps;

/**
 * Read all capability MSRs; once, after vmx_unit_select().
 * @return 0; -ENODEV when the unit lacks what exit49 cannot do without (EPT
 *	with a 4-level walk and write-back tables, secondary controls):
 *	vmx_caps_missing() then has the sentence
 */
int vmx_caps_read(void) __must_check;

/** What was missing, as a sentence; NULL if nothing was. */
const char *vmx_caps_missing(void);

/**
 * The control word that a VMCS field is.
 * @param field an encoding
 * @return VMX_CONTROL_COUNT for a field that has no capability MSR
 */
enum vmx_control vmx_caps_control_of(u32 field);

/**
 * Round a set of controls to what the processor allows.
 * @param control which word
 * @param want    bits that we would like; left out where not offered
 * @param need    bits without which we cannot run
 * @return the word to write.  A needed bit that is not offered panics with a
 *	sentence: vmx_caps_read() has checked all that can be lacking.
 */
u32 vmx_caps_adjust(enum vmx_control control, u32 want, u32 need);

/** May these bits of a control be set? */
static inline bool vmx_caps_has(enum vmx_control control, u32 mask)
{
	return (vmx_caps.allowed1[control] & mask) == mask;
}

#endif
