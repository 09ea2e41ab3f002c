/** @file
 * VM-execution controls about address translation (SDM 3C 27.2.1.1): VMfail 7.
 *
 * VPIDs and EPT, and all that is built on EPT: unrestricted guests, the log of
 * modified pages, sub-page permissions, VM functions, #VE, HLAT.  Last come the
 * controls of other features that the manual has behind them.
 */
#include "hv/softvmx/entry_checks_row.h"

#define SECTION "27.2.1.1"
#define NOT_A_PAGE "it must be a page: bits 11:0 clear, within MAXPHYADDR"
#define NOT_MEMORY "no memory is there (a processor would not mind, softvmx does)"
#define NEEDS_EPT " needs \"enable EPT\""

/* IA32_VMX_EPT_VPID_CAP (SDM 3D A.10) */
#define EPT_CAP_WALK_4 BIT(6)
#define EPT_CAP_WALK_5 BIT(7)
#define EPT_CAP_UC BIT(8)
#define EPT_CAP_WB BIT(14)
#define EPT_CAP_AD BIT(21)
#define EPT_CAP_SHADOW_STACK BIT(23)

#define EPTP_SHADOW_STACK BIT(7)
#define VMFUNC_EPTP_SWITCHING BIT(0)

/** A rule that applies when these secondary controls are set. */
#define WHEN_CPU2(name, controls)                          \
	static bool name(const struct entry_view *view)    \
	{                                                  \
		return view->cpu2 & (controls);            \
	}

WHEN_CPU2(has_vpid, CPU2_ENABLE_VPID)
WHEN_CPU2(has_ept, CPU2_ENABLE_EPT)
WHEN_CPU2(has_pml, CPU2_ENABLE_PML)
WHEN_CPU2(has_ug, CPU2_UNRESTRICTED_GUEST)
WHEN_CPU2(has_mbec, CPU2_MODE_BASED_EXECUTE)
WHEN_CPU2(has_spp, CPU2_SUB_PAGE_PERMISSIONS)
WHEN_CPU2(has_vmfunc, CPU2_ENABLE_VMFUNC)
WHEN_CPU2(has_shadowing, CPU2_VMCS_SHADOWING)
WHEN_CPU2(has_ve, CPU2_EPT_VIOLATION_VE)
WHEN_CPU2(has_pasid, CPU2_PASID_TRANSLATION)
WHEN_CPU2(has_pt, CPU2_PT_GUEST_PHYSICAL)
WHEN_CPU2(has_scaling, CPU2_TSC_SCALING)

static bool has_switching(const struct entry_view *view)
{
	return has_vmfunc(view) &&
	       (entry_checks_read(VM_FUNCTION_CONTROL) & VMFUNC_EPTP_SWITCHING);
}

static bool has_hlat(const struct entry_view *view)
{
	return view->cpu3 & CPU3_ENABLE_HLAT;
}

/** Tertiary controls that change how EPT is walked. */
static bool has_ept_paging(const struct entry_view *view)
{
	return view->cpu3 & (CPU3_ENABLE_HLAT | CPU3_EPT_PAGING_WRITE |
			     CPU3_GUEST_PAGING_VERIFICATION);
}

static u64 ept_cap(void)
{
	return vmx_unit->capability(IA32_VMX_EPT_VPID_CAP);
}

static bool is_not_0(const struct entry_view *view, u64 value)
{
	(void)view;
	return value;
}

static bool is_page(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_page(value);
}

static bool is_reachable(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_reachable(value);
}

static bool with_ept(const struct entry_view *view, u64 value)
{
	(void)value;
	return has_ept(view);
}

static bool eptp_memory_type(const struct entry_view *view, u64 eptp)
{
	u64 type = bits(eptp, 2, 0);

	(void)view;
	return (type == 0 && (ept_cap() & EPT_CAP_UC)) ||
	       (type == EPTP_MEMORY_TYPE_WB && (ept_cap() & EPT_CAP_WB));
}

static bool eptp_walk_length(const struct entry_view *view, u64 eptp)
{
	u64 length = bits(eptp, 5, 3) + 1;

	(void)view;
	return (length == 4 && (ept_cap() & EPT_CAP_WALK_4)) ||
	       (length == 5 && (ept_cap() & EPT_CAP_WALK_5));
}

static bool eptp_ad(const struct entry_view *view, u64 eptp)
{
	(void)view;
	return !(eptp & EPTP_ENABLE_AD) || (ept_cap() & EPT_CAP_AD);
}

static bool eptp_shadow_stack(const struct entry_view *view, u64 eptp)
{
	(void)view;
	return !(eptp & EPTP_SHADOW_STACK) ||
	       (ept_cap() & EPT_CAP_SHADOW_STACK);
}

static bool eptp_reserved(const struct entry_view *view, u64 eptp)
{
	(void)view;
	return !(eptp & BITS(11, 8)) && entry_checks_is_physical(eptp);
}

static bool vmfunc_is_offered(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & ~vmx_unit->capability(IA32_VMX_VMFUNC));
}

static bool pt_is_switched(const struct entry_view *view, u64 value)
{
	(void)value;
	return (view->entry & ENTRY_LOAD_RTIT_CTL) &&
	       (view->exit & EXIT_CLEAR_RTIT_CTL);
}

static bool loads_rtit(const struct entry_view *view)
{
	return view->entry & ENTRY_LOAD_RTIT_CTL;
}

/** The trace's own registers cannot be changed under it. */
static bool is_not_traced(const struct entry_view *view, u64 entry)
{
	(void)view;
	(void)entry;
	return !entry_checks_is_tracing();
}

/** Bits 4 and 3 are flags for caching. */
static bool hlat_pointer_fits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & (BITS(11, 5) | BITS(2, 0))) &&
	       entry_checks_is_physical(value);
}

static const struct entry_check checks[] = {
	{ VPID, SECTION, has_vpid, is_not_0,
	  .rule = "\"enable VPID\" is set, and 0 is the host's VPID" },
	{ EPT_POINTER, SECTION, has_ept, eptp_memory_type,
	  .rule = "bits 2:0, the memory type, must be 6 (WB), or 0 (UC) where it is offered",
	   },
	{ EPT_POINTER, SECTION, has_ept, eptp_walk_length,
	  .rule = "bits 5:3 must be one less than the levels of the walk: 3" },
	{ EPT_POINTER, SECTION, has_ept, eptp_ad,
	  .rule = "bit 6 asks for accessed and dirty flags, which are not offered" },
	{ EPT_POINTER, SECTION, has_ept, eptp_shadow_stack,
	  .rule = "bit 7 asks for supervisor shadow-stack control, which is not offered" },
	{ EPT_POINTER, SECTION, has_ept, eptp_reserved,
	  .rule = "bits 11:8 and those beyond MAXPHYADDR are reserved and must be 0" },
	{ EPT_POINTER, SECTION, has_ept, is_reachable, .rule = NOT_MEMORY },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_pml, with_ept,
	  .rule = "\"enable PML\"" NEEDS_EPT },
	{ PML_ADDRESS, SECTION, has_pml, is_page, .rule = NOT_A_PAGE },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_ug, with_ept,
	  .rule = "\"unrestricted guest\"" NEEDS_EPT },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_mbec, with_ept,
	  .rule = "\"mode-based execute control for EPT\"" NEEDS_EPT },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_spp, with_ept,
	  .rule = "\"sub-page write permissions for EPT\"" NEEDS_EPT },
	{ SUB_PAGE_PERMISSION_TABLE_POINTER, SECTION, has_spp, is_page, .rule = NOT_A_PAGE },
	{ VM_FUNCTION_CONTROL, SECTION, has_vmfunc, vmfunc_is_offered,
	  .rule = "a VM function is set that IA32_VMX_VMFUNC does not offer" },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_switching, with_ept,
	  .rule = "EPTP switching" NEEDS_EPT, .other = VM_FUNCTION_CONTROL },
	{ EPTP_LIST_ADDRESS, SECTION, has_switching, is_page, .rule = NOT_A_PAGE },
	{ VMREAD_BITMAP, SECTION, has_shadowing, is_page, .rule = NOT_A_PAGE },
	{ VMWRITE_BITMAP, SECTION, has_shadowing, is_page, .rule = NOT_A_PAGE },
	{ VIRTUALIZATION_EXCEPTION_INFO_ADDR, SECTION, has_ve, is_page, .rule = NOT_A_PAGE },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_pt, with_ept,
	  .rule = "\"Intel PT uses guest physical addresses\"" NEEDS_EPT },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_pt, pt_is_switched,
	  .rule = "guest-physical PT needs \"load\" and \"clear IA32_RTIT_CTL\"",
	  .other = VM_ENTRY_CONTROLS },
	{ VM_ENTRY_CONTROLS, SECTION, loads_rtit, is_not_traced,
	  .rule = "\"load IA32_RTIT_CTL\" must be 0 while this processor traces (TraceEn is 1)" },
	{ PASID_DIRECTORY_LOW, SECTION, has_pasid, is_page, .rule = NOT_A_PAGE },
	{ PASID_DIRECTORY_HIGH, SECTION, has_pasid, is_page, .rule = NOT_A_PAGE },
	{ TSC_MULTIPLIER, SECTION, has_scaling, is_not_0,
	  .rule = "\"use TSC scaling\" is set, and a multiplier of 0 stops the clock" },
	{ TERTIARY_VM_EXEC_CONTROL, SECTION, has_ept_paging, with_ept,
	  .rule = "HLAT, EPT paging-write and guest-paging verification need \"enable EPT\"",
	  .other = SECONDARY_VM_EXEC_CONTROL },
	{ HLAT_POINTER, SECTION, has_hlat, hlat_pointer_fits,
	  .rule = "bits 11:5, 2:0 and those beyond MAXPHYADDR must be 0" },
};

bool entry_checks_ept(const struct entry_view *view)
{
	return entry_checks_run(view, checks, ARRAY_SIZE(checks));
}
