/** @file
 * Rules about single bits: the control words, CR0, CR4 and EFER.
 *
 * A control may be 1 only if its capability MSR allows it, and must be 1 if
 * the MSR demands it; this is why hypervisors compute these words and never
 * write them as constants (SDM 3D A.2 to A.5).  CR0 and CR4 have bits that VMX
 * operation fixes (A.7, A.8).  Who breaks such a rule has set one bit wrong, so
 * every bit has its name here, as the manual calls it.
 */
#include "hv/softvmx/entry_checks_row.h"

#include "hv/softvmx/entry_checks_names.h"
#include "hv/x86/cr.h"

/** IA32_VMX_BASIC: the TRUE capability MSRs exist. */
#define BASIC_TRUE_CONTROLS BIT(55)

/** The TRUE MSR where there is one: there, default-1 bits tell the truth. */
static u64 capability(enum vmx_capability_msr msr,
		      enum vmx_capability_msr true_msr)
{
	u64 basic = vmx_unit->capability(IA32_VMX_BASIC);

	return vmx_unit->capability(basic & BASIC_TRUE_CONTROLS ? true_msr :
								  msr);
}

/** The two masks of a control word: low half must be 1, high half may be. */
#define CONTROL(name, msr, true_msr)                                  \
	static u64 name##_must(const struct entry_view *view)         \
	{                                                             \
		(void)view;                                           \
		return (u32)capability(msr, true_msr);                \
	}                                                             \
	static u64 name##_may(const struct entry_view *view)          \
	{                                                             \
		(void)view;                                           \
		return capability(msr, true_msr) >> 32;               \
	}                                                             \
	const struct entry_bits entry_checks_##name##_bits = {        \
		name##_must, name##_may, entry_checks_names_##name,   \
		#true_msr,                                            \
	};

CONTROL(pin, IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS)
CONTROL(cpu, IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS)
CONTROL(cpu2, IA32_VMX_PROCBASED_CTLS2, IA32_VMX_PROCBASED_CTLS2)
CONTROL(exit, IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS)
CONTROL(entry, IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS)

static u64 none(const struct entry_view *view)
{
	(void)view;
	return 0;
}

/* These two are 64 bits of "may be 1" (SDM 3D A.3.4, A.4.2). */

static u64 cpu3_may(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_PROCBASED_CTLS3);
}

static u64 exit2_may(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_EXIT_CTLS2);
}

const struct entry_bits entry_checks_cpu3_bits = {
	none, cpu3_may, entry_checks_names_cpu3, "IA32_VMX_PROCBASED_CTLS3",
};
const struct entry_bits entry_checks_exit2_bits = {
	none, exit2_may, entry_checks_names_exit2, "IA32_VMX_EXIT_CTLS2",
};

static u64 host_cr0_must(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_CR0_FIXED0);
}

static u64 cr0_may(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_CR0_FIXED1);
}

/** CD and NW are never looked at in a guest, PE and PG not always. */
static u64 guest_cr0_must(const struct entry_view *view)
{
	u64 must = host_cr0_must(view) & ~(CR0_CD | CR0_NW);

	return view->unrestricted ? must & ~(CR0_PE | CR0_PG) : must;
}

static u64 guest_cr0_may(const struct entry_view *view)
{
	return cr0_may(view) | CR0_CD | CR0_NW;
}

static u64 guest_cr4_must(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_CR4_FIXED0);
}

static u64 guest_cr4_may(const struct entry_view *view)
{
	(void)view;
	return vmx_unit->capability(IA32_VMX_CR4_FIXED1);
}

/**
 * VMXE: this machine has no such bit, so a hypervisor which takes HOST_CR4 from
 * CR4 cannot have it set.  The soft unit accepts both, and never writes it.
 */
static u64 host_cr4_must(const struct entry_view *view)
{
	return guest_cr4_must(view) & (vmx_unit_is_soft ? ~CR4_VMXE : ~0ull);
}

/** What the machine has set by now is its own business. */
static u64 host_cr4_may(const struct entry_view *view)
{
	u64 own = vmx_unit_is_soft ? entry_checks_own_cr4() : 0;

	return guest_cr4_may(view) | own;
}

#define EFER_DEFINED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static u64 efer_may(const struct entry_view *view)
{
	(void)view;
	return EFER_DEFINED;
}

/** SVME is set as long as the soft unit is enabled. */
static u64 host_efer_may(const struct entry_view *view)
{
	(void)view;
	return EFER_DEFINED | (vmx_unit_is_soft ? EFER_SVME : 0);
}

#define FIXED_CR0 "IA32_VMX_CR0_FIXED0 and FIXED1"
#define FIXED_CR4 "IA32_VMX_CR4_FIXED0 and FIXED1"
#define RESERVED "the definition of IA32_EFER"

const struct entry_bits entry_checks_host_cr0_bits = {
	host_cr0_must, cr0_may, entry_checks_names_cr0, FIXED_CR0,
};
const struct entry_bits entry_checks_host_cr4_bits = {
	host_cr4_must, host_cr4_may, entry_checks_names_cr4, FIXED_CR4,
};
const struct entry_bits entry_checks_host_efer_bits = {
	none, host_efer_may, entry_checks_names_efer, RESERVED,
};
const struct entry_bits entry_checks_guest_cr0_bits = {
	guest_cr0_must, guest_cr0_may, entry_checks_names_cr0, FIXED_CR0,
};
const struct entry_bits entry_checks_guest_cr4_bits = {
	guest_cr4_must, guest_cr4_may, entry_checks_names_cr4, FIXED_CR4,
};
const struct entry_bits entry_checks_guest_efer_bits = {
	none, efer_may, entry_checks_names_efer, RESERVED,
};
