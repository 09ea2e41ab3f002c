/** @file
 * What the soft unit can do, as VMX's capability MSRs say it (SDM 3D app. A).
 *
 * A control is offered when this unit does what it says, and not otherwise:
 * README.md lists what is missing and why.  Bits that "must be 1" are those
 * that software of old expected; the TRUE MSRs tell which of them may be 0.
 */
#include "hv/softvmx/capabilities.h"

#include "hv/softvmx/vmcs_memory.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"

/* SDM 3D A.3.1: reserved bits of default 1 */
#define PIN_DEFAULT1 0x16u
#define CPU_DEFAULT1 0x0401e172u
#define CPU_TRUE_DEFAULT1 (CPU_DEFAULT1 & ~(u32)BITS(16, 15))
#define EXIT_DEFAULT1 0x36dffu
#define EXIT_TRUE_DEFAULT1 (EXIT_DEFAULT1 & ~(u32)EXIT_SAVE_DEBUG_CONTROLS)
#define ENTRY_DEFAULT1 0x11ffu
#define ENTRY_TRUE_DEFAULT1 (ENTRY_DEFAULT1 & ~(u32)ENTRY_LOAD_DEBUG_CONTROLS)

#define PIN_OFFERED                                                        \
	(PIN_DEFAULT1 | PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | \
	 PIN_VIRTUAL_NMIS)

#define CPU_OFFERED                                                         \
	(CPU_DEFAULT1 | CPU_INTERRUPT_WINDOW_EXITING |                      \
	 CPU_USE_TSC_OFFSETTING | CPU_HLT_EXITING | CPU_INVLPG_EXITING |    \
	 CPU_MWAIT_EXITING | CPU_RDPMC_EXITING | CPU_RDTSC_EXITING |        \
	 CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING |                     \
	 CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING |                     \
	 CPU_MOV_DR_EXITING | CPU_UNCONDITIONAL_IO_EXITING |                \
	 CPU_USE_IO_BITMAPS | CPU_USE_MSR_BITMAPS | CPU_MONITOR_EXITING |   \
	 CPU_PAUSE_EXITING | CPU_SECONDARY_CONTROLS |                       \
	 CPU_NMI_WINDOW_EXITING | CPU_MONITOR_TRAP_FLAG)

#define CPU2_OFFERED                                                    \
	(CPU2_ENABLE_EPT | CPU2_DESCRIPTOR_TABLE_EXITING |              \
	 CPU2_ENABLE_RDTSCP | CPU2_ENABLE_VPID | CPU2_WBINVD_EXITING |  \
	 CPU2_UNRESTRICTED_GUEST)

#define EXIT_OFFERED                                                       \
	(EXIT_DEFAULT1 | EXIT_HOST_ADDRESS_SPACE_SIZE |                    \
	 EXIT_ACKNOWLEDGE_INTERRUPT | EXIT_SAVE_PAT | EXIT_LOAD_PAT |      \
	 EXIT_SAVE_EFER | EXIT_LOAD_EFER)

#define ENTRY_OFFERED                                                 \
	(ENTRY_DEFAULT1 | ENTRY_IA32E_MODE_GUEST | ENTRY_LOAD_PAT |   \
	 ENTRY_LOAD_EFER)

/** A capability MSR of controls: what must be 1 below, what may be 1 above. */
#define CONTROLS(must, may) ((u64)(u32)(may) << 32 | (u32)(must))

/* IA32_VMX_BASIC (SDM 3D A.1) */
#define BASIC                                                              \
	(VMCS_REVISION | PAGE_SIZE << 32 | 6ull << 50 /* write-back */ |   \
	 BIT(54) /* INS and OUTS are described */ | BIT(55) /* TRUE MSRs */)

/* IA32_VMX_MISC (SDM 3D A.6) */
#define MISC                                                               \
	(BIT(5) /* LMA is saved to the entry controls */ |                 \
	 BIT(6) /* activity state HLT */ | 4ull << 16 /* CR3 targets */)

/* IA32_VMX_EPT_VPID_CAP (SDM 3D A.10) */
#define EPT_VPID_CAP                                                       \
	(BIT(6) /* 4-level */ | BIT(8) /* UC */ | BIT(14) /* WB */ |       \
	 BIT(16) /* 2 MiB */ | BIT(17) /* 1 GiB */ | BIT(20) /* INVEPT */ | \
	 BIT(21) /* accessed and dirty flags */ |                          \
	 BITS(26, 25) /* both types */ | BIT(32) /* INVVPID */ |           \
	 BITS(43, 40) /* all types */)

/** IA32_VMX_VMCS_ENUM: the highest index, in bits 9:1 (SYSENTER_CS). */
#define VMCS_ENUM (21ull << 1)

/* CPUID leaf with MAXPHYADDR in EAX bits 7:0 (SDM 2A table 3-8) */
#define CPUID_ADDRESS_SIZES 0x80000008u

/* CPUID leaf 7 (SDM 2A table 3-8): features that are bits of CR4 */
#define CPUID_7_EBX_FSGSBASE BIT(0)
#define CPUID_7_EBX_SMEP BIT(7)
#define CPUID_7_EBX_SMAP BIT(20)
#define CPUID_7_ECX_UMIP BIT(2)

/**
 * Bits of CR4 that a guest may set.  Not OSXSAVE: XSETBV cannot be intercepted
 * on TCG, and would change the host's XCR0.  Not LA57, PKE, CET.
 */
static u64 cr4_fixed1(void)
{
	struct cpuid_result leaf1 = cpuid(1, 0);
	struct cpuid_result leaf7 = cpuid(7, 0);
	u64 cr4 = BITS(10, 0) | CR4_VMXE;

	cr4 |= leaf1.ecx & CPUID_1_ECX_PCID ? CR4_PCIDE : 0;
	cr4 |= leaf7.ebx & CPUID_7_EBX_FSGSBASE ? CR4_FSGSBASE : 0;
	cr4 |= leaf7.ebx & CPUID_7_EBX_SMEP ? CR4_SMEP : 0;
	cr4 |= leaf7.ebx & CPUID_7_EBX_SMAP ? CR4_SMAP : 0;
	cr4 |= leaf7.ecx & CPUID_7_ECX_UMIP ? CR4_UMIP : 0;
	return cr4;
}

/** cr4_fixed1(), asked once: CPUID is slow where it is emulated. */
static u64 cr4_fixed1_cached(void)
{
	static u64 value;

	if (!value) {
		value = cr4_fixed1();
	}
	return value;
}

/*
 * The plain MSRs have the default-1 bits as "must be 1", the TRUE ones only
 * those that really must (SDM 3D A.3 to A.5).
 */
u64 capabilities_read(u32 msr)
{
	switch (msr) {
	case IA32_FEATURE_CONTROL:
		return FEATURE_CONTROL_LOCKED |
		       FEATURE_CONTROL_VMXON_OUTSIDE_SMX;
	case IA32_VMX_BASIC:
		return BASIC;
	case IA32_VMX_PINBASED_CTLS:
	case IA32_VMX_TRUE_PINBASED_CTLS:
		return CONTROLS(PIN_DEFAULT1, PIN_OFFERED);
	case IA32_VMX_PROCBASED_CTLS:
		return CONTROLS(CPU_DEFAULT1, CPU_OFFERED);
	case IA32_VMX_TRUE_PROCBASED_CTLS:
		return CONTROLS(CPU_TRUE_DEFAULT1, CPU_OFFERED);
	case IA32_VMX_EXIT_CTLS:
		return CONTROLS(EXIT_DEFAULT1, EXIT_OFFERED);
	case IA32_VMX_TRUE_EXIT_CTLS:
		return CONTROLS(EXIT_TRUE_DEFAULT1, EXIT_OFFERED);
	case IA32_VMX_ENTRY_CTLS:
		return CONTROLS(ENTRY_DEFAULT1, ENTRY_OFFERED);
	case IA32_VMX_TRUE_ENTRY_CTLS:
		return CONTROLS(ENTRY_TRUE_DEFAULT1, ENTRY_OFFERED);
	case IA32_VMX_PROCBASED_CTLS2:
		return CONTROLS(0, CPU2_OFFERED);
	case IA32_VMX_MISC:
		return MISC;
	case IA32_VMX_CR0_FIXED0:
		return CR0_PE | CR0_NE | CR0_PG;
	case IA32_VMX_CR0_FIXED1:
		return BITS(31, 0);
	case IA32_VMX_CR4_FIXED0:
		return CR4_VMXE;
	case IA32_VMX_CR4_FIXED1:
		return cr4_fixed1_cached();
	case IA32_VMX_VMCS_ENUM:
		return VMCS_ENUM;
	case IA32_VMX_EPT_VPID_CAP:
		return EPT_VPID_CAP;
	default:
		return 0;
	}
}

/*
 * CPUID says how many address bits there are, once: it is slow where it is
 * emulated. With 52 there are none beyond.
 */
u64 capabilities_beyond_physical(void)
{
	static u64 mask;
	static bool known;
	unsigned int width;

	if (!known) {
		width = cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff;
		mask = width < 52 ? BITS(51, width) : 0;
		known = true;
	}
	return mask;
}

/* Protection and paging may be off in an unrestricted guest. */
u64 capabilities_cr0_must_be_1(u32 secondary_controls)
{
	u64 must = capabilities_read(IA32_VMX_CR0_FIXED0);

	if (secondary_controls & CPU2_UNRESTRICTED_GUEST) {
		must &= ~(CR0_PE | CR0_PG);
	}
	return must;
}
