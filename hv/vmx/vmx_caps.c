/** @file
 * The capability MSRs, read once (SDM 3D appendix A).
 *
 * The controls have two generations of MSRs.  The first has bits that "must be
 * 1" only because software of that time expected it; IA32_VMX_BASIC bit 55
 * says that the TRUE MSRs exist, which tell what can really be cleared.
 * CR3-load exiting is such a bit: by the old MSR every MOV to CR3 exits.
 */
#include "hv/vmx/vmx_caps.h"

#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"

/* IA32_VMX_BASIC (SDM 3D A.1) */
#define BASIC_REVISION BITS(30, 0)
#define BASIC_TRUE_CONTROLS BIT(55)

/* IA32_VMX_MISC (SDM 3D A.6) */
#define MISC_TIMER_SHIFT BITS(4, 0)

/* IA32_VMX_EPT_VPID_CAP (SDM 3D A.10) */
#define EPT_CAP_WALK_4 BIT(6)
#define EPT_CAP_WRITE_BACK BIT(14)
#define EPT_CAP_2M BIT(16)
#define EPT_CAP_INVEPT BIT(20)
#define EPT_CAP_INVEPT_SINGLE BIT(25)
#define EPT_CAP_INVEPT_ALL BIT(26)
#define EPT_CAP_INVVPID BIT(32)
#define EPT_CAP_INVVPID_SINGLE BIT(41)
#define EPT_CAP_INVVPID_ALL BIT(42)

struct vmx_caps vmx_caps;

static const char *missing;

/** A control word: its name and its two capability MSRs. */
struct control_msr {
	const char *name;
	u32 msr;
	u32 true_msr; /* the same again where there is none */
};

static const struct control_msr control_msrs[VMX_CONTROL_COUNT] = {
	[VMX_CONTROL_PIN] = {"pin-based", IA32_VMX_PINBASED_CTLS,
			     IA32_VMX_TRUE_PINBASED_CTLS},
	[VMX_CONTROL_CPU] = {"processor-based", IA32_VMX_PROCBASED_CTLS,
			     IA32_VMX_TRUE_PROCBASED_CTLS},
	[VMX_CONTROL_CPU2] = {"secondary processor-based",
			      IA32_VMX_PROCBASED_CTLS2,
			      IA32_VMX_PROCBASED_CTLS2},
	[VMX_CONTROL_EXIT] = {"VM-exit", IA32_VMX_EXIT_CTLS,
			      IA32_VMX_TRUE_EXIT_CTLS},
	[VMX_CONTROL_ENTRY] = {"VM-entry", IA32_VMX_ENTRY_CTLS,
			       IA32_VMX_TRUE_ENTRY_CTLS},
};

/** Bits 31:0 of the MSR: which must be 1; bits 63:32: which may be 1. */
static void read_control(enum vmx_control control, bool true_controls)
{
	const struct control_msr *c = &control_msrs[control];
	u64 value = vmx_unit->capability(true_controls ? c->true_msr : c->msr);

	vmx_caps.allowed0[control] = value;
	vmx_caps.allowed1[control] = value >> 32;
}

/**
 * The secondary controls exist only if a primary bit may be 1; their MSR is a
 * #GP otherwise.  They are asked for last, when that bit is known, and stay at
 * "nothing may be 1" where they do not exist.
 */
static void read_controls(bool true_controls)
{
	read_control(VMX_CONTROL_PIN, true_controls);
	read_control(VMX_CONTROL_CPU, true_controls);
	read_control(VMX_CONTROL_EXIT, true_controls);
	read_control(VMX_CONTROL_ENTRY, true_controls);
	if (vmx_caps_has(VMX_CONTROL_CPU, CPU_SECONDARY_CONTROLS)) {
		read_control(VMX_CONTROL_CPU2, true_controls);
	}
}

/**
 * As for the controls, but in two MSRs each: FIXED0 has the bits that must be
 * 1, FIXED1 those that may.  They bind the guest's CR0 and CR4 too, which is
 * why real mode needs the unrestricted guest.
 */
static void read_fixed_bits(void)
{
	vmx_caps.cr0_fixed0 = vmx_unit->capability(IA32_VMX_CR0_FIXED0);
	vmx_caps.cr0_fixed1 = vmx_unit->capability(IA32_VMX_CR0_FIXED1);
	vmx_caps.cr4_fixed0 = vmx_unit->capability(IA32_VMX_CR4_FIXED0);
	vmx_caps.cr4_fixed1 = vmx_unit->capability(IA32_VMX_CR4_FIXED1);
}

/**
 * The MSR exists only with EPT or VPID (SDM 3D A.10).
 *
 * VPIDs are used only if they can be flushed, by context and altogether: a tag
 * that nobody can take back would bring old translations to the next guest that
 * gets the same number.
 */
static void read_ept(void)
{
	u64 cap = 0;

	if (vmx_caps.allowed1[VMX_CONTROL_CPU2] &
	    (CPU2_ENABLE_EPT | CPU2_ENABLE_VPID)) {
		cap = vmx_unit->capability(IA32_VMX_EPT_VPID_CAP);
	}
	vmx_caps.ept_vpid = cap;
	vmx_caps.ept_2m = cap & EPT_CAP_2M;
	vmx_caps.invept_single = cap & EPT_CAP_INVEPT_SINGLE;
	vmx_caps.invvpid = (cap & EPT_CAP_INVVPID) &&
			   (cap & EPT_CAP_INVVPID_SINGLE) &&
			   (cap & EPT_CAP_INVVPID_ALL) &&
			   vmx_caps_has(VMX_CONTROL_CPU2, CPU2_ENABLE_VPID);
}

/**
 * What we cannot do without, each with its sentence.  Asked once at boot, so
 * that a machine which will not do says so at once, and not by a panic in the
 * middle of the first guest.  EFER must be switched, as guests run outside of
 * long mode and without NX, and the hypervisor in it and with.
 */
static const char *find_missing(void)
{
	u64 ept = EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK;
	u64 flush = EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL;

	if (!vmx_caps_has(VMX_CONTROL_CPU, CPU_SECONDARY_CONTROLS)) {
		return "the VMX unit has no secondary controls";
	}
	if (!vmx_caps_has(VMX_CONTROL_CPU2, CPU2_ENABLE_EPT)) {
		return "the VMX unit has no extended page tables";
	}
	if ((vmx_caps.ept_vpid & ept) != ept) {
		return "the VMX unit's EPT lacks 4-level walks or write-back "
		       "tables";
	}
	if ((vmx_caps.ept_vpid & flush) != flush) {
		return "the VMX unit lacks INVEPT for all contexts";
	}
	if (!vmx_caps_has(VMX_CONTROL_EXIT, EXIT_LOAD_EFER | EXIT_SAVE_EFER) ||
	    !vmx_caps_has(VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER)) {
		return "the VMX unit does not switch IA32_EFER";
	}
	return NULL;
}

/* The order counts: each step asks what the ones before have found. */
int vmx_caps_read(void)
{
	u64 basic = vmx_unit->capability(IA32_VMX_BASIC);

	vmx_caps.revision = basic & BASIC_REVISION;
	vmx_caps.vmcs_size = bits(basic, 44, 32);
	read_controls(basic & BASIC_TRUE_CONTROLS);
	read_fixed_bits();
	read_ept();
	vmx_caps.misc = vmx_unit->capability(IA32_VMX_MISC);
	vmx_caps.timer_shift = vmx_caps.misc & MISC_TIMER_SHIFT;
	vmx_caps.preemption_timer =
		vmx_caps_has(VMX_CONTROL_PIN, PIN_PREEMPTION_TIMER);
	vmx_caps.unrestricted_guest =
		vmx_caps_has(VMX_CONTROL_CPU2, CPU2_UNRESTRICTED_GUEST);
	missing = find_missing();
	return missing ? -ENODEV : 0;
}

const char *vmx_caps_missing(void)
{
	return missing;
}

/* For tests that set and clear control bits by field: what the unit does not
 * allow makes a VM entry fail before it comes to what is tested. */
enum vmx_control vmx_caps_control_of(u32 field)
{
	switch (field) {
	case PIN_BASED_VM_EXEC_CONTROL:
		return VMX_CONTROL_PIN;
	case CPU_BASED_VM_EXEC_CONTROL:
		return VMX_CONTROL_CPU;
	case SECONDARY_VM_EXEC_CONTROL:
		return VMX_CONTROL_CPU2;
	case VM_EXIT_CONTROLS:
		return VMX_CONTROL_EXIT;
	case VM_ENTRY_CONTROLS:
		return VMX_CONTROL_ENTRY;
	default:
		return VMX_CONTROL_COUNT;
	}
}

/*
 *	must  may   the bit becomes
 *	0     0     0; if it is needed: panic
 *	0     1     what is asked for
 *	1     1     1, asked for or not
 *
 * A control word that breaks one of the rows makes VM entry fail with error 7,
 * and the processor does not say which bit it was.
 */
u32 vmx_caps_adjust(enum vmx_control control, u32 want, u32 need)
{
	u32 must = vmx_caps.allowed0[control];
	u32 may = vmx_caps.allowed1[control];

	if (need & ~may) {
		panic("the VMX unit does not offer %s control bits 0x%x "
		      "(SDM 3D appendix A)",
		      control_msrs[control].name, need & ~may);
	}
	return ((want | need) & may) | must;
}
