/** @file
 * The bits of the VMX controls and of the words that describe events.
 *
 * One group per section of SDM 3C chapter 25, in the manual's order.  A bit
 * that stands here is not thereby available: what a processor offers is said
 * by its capability MSRs (vmx_caps.h), and controls are always computed from
 * those, never written as a constant.
 */
#ifndef HV_VMX_VMX_CONTROLS_H
#define HV_VMX_VMX_CONTROLS_H

#include "bus/types.h"

/* SDM 3C table 25-5: pin-based VM-execution controls */
#define PIN_EXTERNAL_INTERRUPT_EXITING BIT(0)
#define PIN_NMI_EXITING BIT(3)
#define PIN_VIRTUAL_NMIS BIT(5)
#define PIN_PREEMPTION_TIMER BIT(6)
#define PIN_POSTED_INTERRUPTS BIT(7)

/* SDM 3C table 25-6: primary processor-based VM-execution controls */
#define CPU_INTERRUPT_WINDOW_EXITING BIT(2)
#define CPU_USE_TSC_OFFSETTING BIT(3)
#define CPU_HLT_EXITING BIT(7)
#define CPU_INVLPG_EXITING BIT(9)
#define CPU_MWAIT_EXITING BIT(10)
#define CPU_RDPMC_EXITING BIT(11)
#define CPU_RDTSC_EXITING BIT(12)
#define CPU_CR3_LOAD_EXITING BIT(15)
#define CPU_CR3_STORE_EXITING BIT(16)
#define CPU_TERTIARY_CONTROLS BIT(17)
#define CPU_CR8_LOAD_EXITING BIT(19)
#define CPU_CR8_STORE_EXITING BIT(20)
#define CPU_TPR_SHADOW BIT(21)
#define CPU_NMI_WINDOW_EXITING BIT(22)
#define CPU_MOV_DR_EXITING BIT(23)
#define CPU_UNCONDITIONAL_IO_EXITING BIT(24)
#define CPU_USE_IO_BITMAPS BIT(25)
#define CPU_MONITOR_TRAP_FLAG BIT(27)
#define CPU_USE_MSR_BITMAPS BIT(28)
#define CPU_MONITOR_EXITING BIT(29)
#define CPU_PAUSE_EXITING BIT(30)
#define CPU_SECONDARY_CONTROLS BIT(31)

/* SDM 3C table 25-7: secondary processor-based VM-execution controls */
#define CPU2_VIRTUALIZE_APIC BIT(0)
#define CPU2_ENABLE_EPT BIT(1)
#define CPU2_DESCRIPTOR_TABLE_EXITING BIT(2)
#define CPU2_ENABLE_RDTSCP BIT(3)
#define CPU2_VIRTUALIZE_X2APIC BIT(4)
#define CPU2_ENABLE_VPID BIT(5)
#define CPU2_WBINVD_EXITING BIT(6)
#define CPU2_UNRESTRICTED_GUEST BIT(7)
#define CPU2_APIC_REGISTERS BIT(8)
#define CPU2_VIRTUAL_INTERRUPTS BIT(9)
#define CPU2_PAUSE_LOOP_EXITING BIT(10)
#define CPU2_RDRAND_EXITING BIT(11)
#define CPU2_ENABLE_INVPCID BIT(12)
#define CPU2_ENABLE_VMFUNC BIT(13)
#define CPU2_VMCS_SHADOWING BIT(14)
#define CPU2_RDSEED_EXITING BIT(16)
#define CPU2_ENABLE_PML BIT(17)
#define CPU2_EPT_VIOLATION_VE BIT(18)
#define CPU2_ENABLE_XSAVES BIT(20)
#define CPU2_PASID_TRANSLATION BIT(21)
#define CPU2_MODE_BASED_EXECUTE BIT(22)
#define CPU2_SUB_PAGE_PERMISSIONS BIT(23)
#define CPU2_PT_GUEST_PHYSICAL BIT(24)
#define CPU2_TSC_SCALING BIT(25)

/* SDM 3C table 25-8: tertiary processor-based VM-execution controls */
#define CPU3_ENABLE_HLAT BIT(1)
#define CPU3_EPT_PAGING_WRITE BIT(2)
#define CPU3_GUEST_PAGING_VERIFICATION BIT(3)
#define CPU3_IPI_VIRTUALIZATION BIT(4)

/* SDM 3C table 25-13: VM-exit controls */
#define EXIT_SAVE_DEBUG_CONTROLS BIT(2)
#define EXIT_HOST_ADDRESS_SPACE_SIZE BIT(9)
#define EXIT_LOAD_PERF_GLOBAL_CTRL BIT(12)
#define EXIT_ACKNOWLEDGE_INTERRUPT BIT(15)
#define EXIT_SAVE_PAT BIT(18)
#define EXIT_LOAD_PAT BIT(19)
#define EXIT_SAVE_EFER BIT(20)
#define EXIT_LOAD_EFER BIT(21)
#define EXIT_SAVE_PREEMPTION_TIMER BIT(22)
#define EXIT_CLEAR_RTIT_CTL BIT(25)
#define EXIT_LOAD_CET BIT(28)
#define EXIT_LOAD_PKRS BIT(29)
#define EXIT_SECONDARY_CONTROLS BIT(31)

/* SDM 3C table 25-15: VM-entry controls */
#define ENTRY_LOAD_DEBUG_CONTROLS BIT(2)
#define ENTRY_IA32E_MODE_GUEST BIT(9)
#define ENTRY_TO_SMM BIT(10)
#define ENTRY_DEACTIVATE_DUAL_MONITOR BIT(11)
#define ENTRY_LOAD_PERF_GLOBAL_CTRL BIT(13)
#define ENTRY_LOAD_PAT BIT(14)
#define ENTRY_LOAD_EFER BIT(15)
#define ENTRY_LOAD_BNDCFGS BIT(16)
#define ENTRY_LOAD_RTIT_CTL BIT(18)
#define ENTRY_LOAD_UINV BIT(19)
#define ENTRY_LOAD_CET BIT(20)
#define ENTRY_LOAD_LBR_CTL BIT(21)
#define ENTRY_LOAD_PKRS BIT(22)

/*
 * SDM 3C tables 25-16, 25-19, 25-20: the interruption-information format, the
 * same for events we inject, for events that caused an exit, and for events
 * that were being delivered when an exit came in between.
 */
#define INTR_INFO_VECTOR BITS(7, 0)
#define INTR_INFO_TYPE BITS(10, 8)
#define INTR_INFO_HAS_ERROR_CODE BIT(11)
#define INTR_INFO_NMI_UNBLOCKING BIT(12)
#define INTR_INFO_VALID BIT(31)

/** Bits 10:8 of an interruption-information word. */
enum intr_type {
	INTR_TYPE_EXTERNAL = 0,
	INTR_TYPE_NMI = 2,
	INTR_TYPE_HARD_EXCEPTION = 3,
	INTR_TYPE_SOFT_INTERRUPT = 4,
	INTR_TYPE_PRIV_SOFT_EXCEPTION = 5,
	INTR_TYPE_SOFT_EXCEPTION = 6,
	INTR_TYPE_OTHER = 7,
};

/* SDM 3C table 25-3: interruptibility state; 25.4.2: activity state */
#define INTERRUPTIBILITY_STI BIT(0)
#define INTERRUPTIBILITY_MOV_SS BIT(1)
#define INTERRUPTIBILITY_SMI BIT(2)
#define INTERRUPTIBILITY_NMI BIT(3)

enum activity_state {
	ACTIVITY_ACTIVE = 0,
	ACTIVITY_HLT = 1,
	ACTIVITY_SHUTDOWN = 2,
	ACTIVITY_WAIT_FOR_SIPI = 3,
};

/* SDM 3C 25.4.1: segment access rights as the VMCS keeps them */
#define SEG_AR_TYPE BITS(3, 0)
#define SEG_AR_S BIT(4)
#define SEG_AR_DPL BITS(6, 5)
#define SEG_AR_P BIT(7)
#define SEG_AR_AVL BIT(12)
#define SEG_AR_L BIT(13)
#define SEG_AR_DB BIT(14)
#define SEG_AR_G BIT(15)
#define SEG_AR_UNUSABLE BIT(16)

/* SDM 3C table 28-7: exit qualification of an EPT violation */
#define EPT_QUAL_READ BIT(0)
#define EPT_QUAL_WRITE BIT(1)
#define EPT_QUAL_FETCH BIT(2)
#define EPT_QUAL_READABLE BIT(3)
#define EPT_QUAL_WRITABLE BIT(4)
#define EPT_QUAL_EXECUTABLE BIT(5)
#define EPT_QUAL_GLA_VALID BIT(7)
#define EPT_QUAL_NOT_WALK BIT(8) /* the access itself, not a table walk */
#define EPT_QUAL_NMI_UNBLOCKING BIT(12)

/* SDM 3C 25.6.11: the EPT pointer */
#define EPTP_MEMORY_TYPE_WB 6ull
#define EPTP_WALK_LENGTH_4 (3ull << 3)
#define EPTP_ENABLE_AD BIT(6)

/* SDM 3D appendix A: the capability MSRs */
enum vmx_capability_msr {
	IA32_FEATURE_CONTROL = 0x3a,
	IA32_VMX_BASIC = 0x480,
	IA32_VMX_PINBASED_CTLS = 0x481,
	IA32_VMX_PROCBASED_CTLS = 0x482,
	IA32_VMX_EXIT_CTLS = 0x483,
	IA32_VMX_ENTRY_CTLS = 0x484,
	IA32_VMX_MISC = 0x485,
	IA32_VMX_CR0_FIXED0 = 0x486,
	IA32_VMX_CR0_FIXED1 = 0x487,
	IA32_VMX_CR4_FIXED0 = 0x488,
	IA32_VMX_CR4_FIXED1 = 0x489,
	IA32_VMX_VMCS_ENUM = 0x48a,
	IA32_VMX_PROCBASED_CTLS2 = 0x48b,
	IA32_VMX_EPT_VPID_CAP = 0x48c,
	IA32_VMX_TRUE_PINBASED_CTLS = 0x48d,
	IA32_VMX_TRUE_PROCBASED_CTLS = 0x48e,
	IA32_VMX_TRUE_EXIT_CTLS = 0x48f,
	IA32_VMX_TRUE_ENTRY_CTLS = 0x490,
	IA32_VMX_VMFUNC = 0x491,
	IA32_VMX_PROCBASED_CTLS3 = 0x492,
	IA32_VMX_EXIT_CTLS2 = 0x493,
};

#define FEATURE_CONTROL_LOCKED BIT(0)
#define FEATURE_CONTROL_VMXON_OUTSIDE_SMX BIT(2)

#endif
