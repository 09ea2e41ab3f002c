/** @file
 * Rows that break the VM-execution controls of address translation and of what
 * stands behind it in the manual (SDM 3C 27.2.1.1).
 */
#include "hv/vmxtest/entry_row.h"

#define CPU2 SECONDARY_VM_EXEC_CONTROL
#define NOT_A_PAGE WORDS("it must be a page: bits 11:0 clear, within MAXPHYADDR")
#define BEYOND BIT(62)
#define EPT_OFF OFF(CPU2, CPU2_ENABLE_EPT)
#define NEEDS_CPU2(control) NEEDS(CPU2, control)

static const struct entry_row rows[] = {
	{ "vpid_0", ENTRY_LONG, { SET(VPID, 0), ON(CPU2, CPU2_ENABLE_VPID) }, CONTROLS,
	  WORDS("0 is the host's VPID"), NEEDS_CPU2(CPU2_ENABLE_VPID) },
	{ "vpid_off_is_not_read", ENTRY_LONG, { SET(VPID, 0), OFF(CPU2, CPU2_ENABLE_VPID) },
	  ENTERS },
	{ "eptp_memory_type", ENTRY_LONG, { OFF(EPT_POINTER, 2) }, CONTROLS,
	  WORDS("bits 2:0, the memory type, must be 6") },
	{ "eptp_walk_length", ENTRY_LONG, { ON(EPT_POINTER, BIT(5)) }, CONTROLS,
	  WORDS("bits 5:3 must be one less than the levels") },
	{ "eptp_reserved", ENTRY_LONG, { ON(EPT_POINTER, BIT(11)) }, CONTROLS,
	  WORDS("bits 11:8 and those beyond MAXPHYADDR are reserved") },
	{ "eptp_beyond", ENTRY_LONG, { ON(EPT_POINTER, BEYOND) }, CONTROLS,
	  WORDS("bits 11:8 and those beyond MAXPHYADDR are reserved") },
	{ "eptp_shadow_stack", ENTRY_LONG, { ON(EPT_POINTER, BIT(7)) }, CONTROLS,
	  WORDS("bit 7 asks for supervisor shadow-stack control") },
	{ "pml_without_ept", ENTRY_LONG_PLAIN, { ON(CPU2, CPU2_ENABLE_PML), EPT_OFF }, CONTROLS,
	  WORDS("\"enable PML\" needs \"enable EPT\""),
	  NEEDS_CPU2(CPU2_ENABLE_PML) },
	{ "pml_unaligned", ENTRY_LONG, { SET(PML_ADDRESS, 8), ON(CPU2, CPU2_ENABLE_PML) }, CONTROLS,
	  NOT_A_PAGE, NEEDS_CPU2(CPU2_ENABLE_PML) },
	{ "unrestricted_without_ept", ENTRY_LONG, { EPT_OFF }, CONTROLS,
	  WORDS("\"unrestricted guest\" needs \"enable EPT\"") },
	{ "mode_based_without_ept", ENTRY_LONG_PLAIN,
	  { ON(CPU2, CPU2_MODE_BASED_EXECUTE), EPT_OFF }, CONTROLS,
	  WORDS("\"mode-based execute control for EPT\" needs \"enable EPT\""),
	  NEEDS_CPU2(CPU2_MODE_BASED_EXECUTE) },
	{ "sub_page_without_ept", ENTRY_LONG_PLAIN,
	  { ON(CPU2, CPU2_SUB_PAGE_PERMISSIONS), EPT_OFF }, CONTROLS,
	  WORDS("\"sub-page write permissions for EPT\" needs \"enable EPT\""),
	  NEEDS_CPU2(CPU2_SUB_PAGE_PERMISSIONS) },
	{ "vm_function_unknown", ENTRY_LONG,
	  { SET(VM_FUNCTION_CONTROL, BIT(63)), ON(CPU2, CPU2_ENABLE_VMFUNC) }, CONTROLS,
	  WORDS("a VM function is set that IA32_VMX_VMFUNC does not offer"),
	  NEEDS_CPU2(CPU2_ENABLE_VMFUNC) },
	{ "eptp_switching_without_ept", ENTRY_LONG_PLAIN,
	  { ON(CPU2, CPU2_ENABLE_VMFUNC), EPT_OFF, SET(VM_FUNCTION_CONTROL, 1) }, CONTROLS,
	  WORDS("EPTP switching needs \"enable EPT\""),
	  NEEDS_CPU2(CPU2_ENABLE_VMFUNC) },
	{ "eptp_list_unaligned", ENTRY_LONG,
	  { SET(EPTP_LIST_ADDRESS, 1), ON(CPU2, CPU2_ENABLE_VMFUNC), SET(VM_FUNCTION_CONTROL, 1) },
	  CONTROLS, NOT_A_PAGE, NEEDS_CPU2(CPU2_ENABLE_VMFUNC) },
	{ "vmread_bitmap_unaligned", ENTRY_LONG,
	  { SET(VMREAD_BITMAP, 1), ON(CPU2, CPU2_VMCS_SHADOWING) }, CONTROLS, NOT_A_PAGE,
	  NEEDS_CPU2(CPU2_VMCS_SHADOWING) },
	{ "vmwrite_bitmap_beyond", ENTRY_LONG,
	  { SET(VMWRITE_BITMAP, BEYOND), ON(CPU2, CPU2_VMCS_SHADOWING) }, CONTROLS, NOT_A_PAGE,
	  NEEDS_CPU2(CPU2_VMCS_SHADOWING) },
	{ "ve_info_unaligned", ENTRY_LONG,
	  { SET(VIRTUALIZATION_EXCEPTION_INFO_ADDR, 64), ON(CPU2, CPU2_EPT_VIOLATION_VE) },
	  CONTROLS, NOT_A_PAGE, NEEDS_CPU2(CPU2_EPT_VIOLATION_VE) },
	{ "tsc_multiplier_0", ENTRY_LONG, { SET(TSC_MULTIPLIER, 0), ON(CPU2, CPU2_TSC_SCALING) },
	  CONTROLS, WORDS("a multiplier of 0 stops the clock"),
	  NEEDS_CPU2(CPU2_TSC_SCALING) },
};

const struct entry_rows entry_rows_ept = { rows, ARRAY_SIZE(rows) };
