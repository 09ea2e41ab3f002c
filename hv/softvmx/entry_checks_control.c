/** @file
 * VM-entry checks of the control fields (SDM 3C 27.2.1): VMfail error 7.
 *
 * A control word may have a bit set only if the capability MSR allows it, and
 * must have those set that the MSR demands; this is why hypervisors compute the
 * words and never write them as constants.  Beyond that, a control that switches
 * something on makes demands on the fields that belong to it: a bitmap is a
 * page, a VPID is not the host's.  Fields of controls that are off are not
 * looked at, whatever they hold.
 *
 * The event to be injected has a table of its own, since it changes from entry
 * to entry while the controls do not.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** A control against its capability MSR: low half must be 1, high may be. */
static bool is_offered(enum vmcs_field field, u32 msr)
{
	u64 capability = vmx_unit->capability(msr);
	u32 value = vmread(field);
	u32 must = capability, may = capability >> 32;

	return (value & must) == must && !(value & ~may);
}

static bool pin_is_offered(void)
{
	return is_offered(PIN_BASED_VM_EXEC_CONTROL,
			  IA32_VMX_TRUE_PINBASED_CTLS);
}

static bool cpu_is_offered(void)
{
	return is_offered(CPU_BASED_VM_EXEC_CONTROL,
			  IA32_VMX_TRUE_PROCBASED_CTLS);
}

/** Ignored as long as the primary control that activates them is 0. */
static bool cpu2_is_offered(void)
{
	return !entry_checks_cpu2() || is_offered(SECONDARY_VM_EXEC_CONTROL,
						  IA32_VMX_PROCBASED_CTLS2);
}

static bool exit_is_offered(void)
{
	return is_offered(VM_EXIT_CONTROLS, IA32_VMX_TRUE_EXIT_CTLS);
}

static bool entry_is_offered(void)
{
	return is_offered(VM_ENTRY_CONTROLS, IA32_VMX_TRUE_ENTRY_CTLS);
}

static bool has_cpu(u32 control)
{
	return vmread(CPU_BASED_VM_EXEC_CONTROL) & control;
}

static bool has_cpu2(u32 control)
{
	return entry_checks_cpu2() & control;
}

/** IA32_VMX_MISC bits 24:16 say how many there are. */
static bool cr3_targets_fit(void)
{
	return vmread(CR3_TARGET_COUNT) <= 4;
}

/** What the processor takes for a page must be aligned, and be there. */
static bool is_page(u64 address)
{
	return !(address & ~PAGE_MASK) && entry_checks_is_physical(address);
}

static bool io_bitmap_a_is_page(void)
{
	return !has_cpu(CPU_USE_IO_BITMAPS) || is_page(vmread(IO_BITMAP_A));
}

static bool io_bitmap_b_is_page(void)
{
	return !has_cpu(CPU_USE_IO_BITMAPS) || is_page(vmread(IO_BITMAP_B));
}

static bool msr_bitmap_is_page(void)
{
	return !has_cpu(CPU_USE_MSR_BITMAPS) || is_page(vmread(MSR_BITMAP));
}

/** VPID 0 tags the translations of the host itself. */
static bool vpid_is_not_zero(void)
{
	return !has_cpu2(CPU2_ENABLE_VPID) || vmread(VPID);
}

/** Without paging of its own the guest's addresses are translated by EPT only. */
static bool ug_has_ept(void)
{
	return !has_cpu2(CPU2_UNRESTRICTED_GUEST) || has_cpu2(CPU2_ENABLE_EPT);
}

static bool eptp_memory_type(void)
{
	u64 type = bits(vmread(EPT_POINTER), 2, 0);

	return !has_cpu2(CPU2_ENABLE_EPT) || type == 0 ||
	       type == EPTP_MEMORY_TYPE_WB;
}

static bool eptp_walk_length(void)
{
	return !has_cpu2(CPU2_ENABLE_EPT) ||
	       bits(vmread(EPT_POINTER), 5, 3) == 3;
}

/** Offered by bit 21 of IA32_VMX_EPT_VPID_CAP; not by this unit. */
static bool eptp_no_accessed_dirty(void)
{
	bool offered = vmx_unit->capability(IA32_VMX_EPT_VPID_CAP) & BIT(21);

	return !has_cpu2(CPU2_ENABLE_EPT) || offered ||
	       !(vmread(EPT_POINTER) & EPTP_ENABLE_AD);
}

static bool eptp_reserved(void)
{
	return !has_cpu2(CPU2_ENABLE_EPT) ||
	       !(vmread(EPT_POINTER) & BITS(11, 7));
}

/* The SDM asks for no more than MAXPHYADDR; we cannot read beyond memory. */
static bool eptp_in_memory(void)
{
	return !has_cpu2(CPU2_ENABLE_EPT) ||
	       entry_checks_is_physical(vmread(EPT_POINTER));
}

/** An MSR list: aligned to 16 bytes, in memory; SDM 3C 27.2.1.2. */
static bool is_msr_list(enum vmcs_field count, enum vmcs_field address)
{
	u64 entries = vmread(count), list = vmread(address);

	return !entries || (!(list & 0xf) && entries <= 512 &&
			    entry_checks_is_physical(list + 16 * entries));
}

static bool exit_store_list(void)
{
	return is_msr_list(VM_EXIT_MSR_STORE_COUNT, VM_EXIT_MSR_STORE_ADDR);
}

static bool exit_load_list(void)
{
	return is_msr_list(VM_EXIT_MSR_LOAD_COUNT, VM_EXIT_MSR_LOAD_ADDR);
}

static bool entry_load_list(void)
{
	return is_msr_list(VM_ENTRY_MSR_LOAD_COUNT, VM_ENTRY_MSR_LOAD_ADDR);
}

/* clang-format off */
static const struct entry_check control_checks[] = {
	{ PIN_BASED_VM_EXEC_CONTROL, pin_is_offered,
	  "reserved bits must be as IA32_VMX_TRUE_PINBASED_CTLS says (SDM 3C 27.2.1.1)" },
	{ CPU_BASED_VM_EXEC_CONTROL, cpu_is_offered,
	  "reserved bits must be as IA32_VMX_TRUE_PROCBASED_CTLS says (SDM 3C 27.2.1.1)" },
	{ SECONDARY_VM_EXEC_CONTROL, cpu2_is_offered,
	  "reserved bits must be as IA32_VMX_PROCBASED_CTLS2 says (SDM 3C 27.2.1.1)" },
	{ CR3_TARGET_COUNT, cr3_targets_fit,
	  "there are at most 4 CR3-target values (SDM 3C 27.2.1.1)" },
	{ IO_BITMAP_A, io_bitmap_a_is_page,
	  "the I/O bitmap must be a page of memory, bits 11:0 clear (SDM 3C 27.2.1.1)" },
	{ IO_BITMAP_B, io_bitmap_b_is_page,
	  "the I/O bitmap must be a page of memory, bits 11:0 clear (SDM 3C 27.2.1.1)" },
	{ MSR_BITMAP, msr_bitmap_is_page,
	  "the MSR bitmap must be a page of memory, bits 11:0 clear (SDM 3C 27.2.1.1)" },
	{ VPID, vpid_is_not_zero,
	  "with VPIDs enabled it must not be 0, which is the host's (SDM 3C 27.2.1.1)" },
	{ SECONDARY_VM_EXEC_CONTROL, ug_has_ept,
	  "an unrestricted guest needs EPT (SDM 3C 27.2.1.1)" },
	{ EPT_POINTER, eptp_memory_type,
	  "bits 2:0, the memory type, must be 0 (UC) or 6 (WB) (SDM 3C 27.2.1.1)" },
	{ EPT_POINTER, eptp_walk_length,
	  "bits 5:3 must be 3, one less than the levels of the walk (SDM 3C 27.2.1.1)" },
	{ EPT_POINTER, eptp_no_accessed_dirty,
	  "bit 6 asks for accessed and dirty flags, which are not offered (SDM 3C 27.2.1.1)" },
	{ EPT_POINTER, eptp_reserved,
	  "bits 11:7 are reserved and must be 0 (SDM 3C 27.2.1.1)" },
	{ EPT_POINTER, eptp_in_memory,
	  "the EPT must lie in memory (SDM 3C 27.2.1.1)" },
	{ VM_EXIT_CONTROLS, exit_is_offered,
	  "reserved bits must be as IA32_VMX_TRUE_EXIT_CTLS says (SDM 3C 27.2.1.2)" },
	{ VM_EXIT_MSR_STORE_ADDR, exit_store_list,
	  "the MSR-store list must be in memory, 16-byte aligned (SDM 3C 27.2.1.2)" },
	{ VM_EXIT_MSR_LOAD_ADDR, exit_load_list,
	  "the MSR-load list must be in memory, 16-byte aligned (SDM 3C 27.2.1.2)" },
	{ VM_ENTRY_CONTROLS, entry_is_offered,
	  "reserved bits must be as IA32_VMX_TRUE_ENTRY_CTLS says (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_MSR_LOAD_ADDR, entry_load_list,
	  "the MSR-load list must be in memory, 16-byte aligned (SDM 3C 27.2.1.3)" },
};
/* clang-format on */

bool entry_checks_control_all(void)
{
	return entry_checks_run(control_checks, ARRAY_SIZE(control_checks));
}

/* The event to inject (SDM 3C 27.2.1.3); only looked at when it is valid. */

static u32 event_info(void)
{
	return vmread(VM_ENTRY_INTR_INFO);
}

static unsigned int event_type(void)
{
	return bits(event_info(), 10, 8);
}

static unsigned int event_vector(void)
{
	return event_info() & INTR_INFO_VECTOR;
}

static bool event_type_exists(void)
{
	/* 7, "other event", needs the monitor trap flag. */
	return event_type() != 1 && event_type() != INTR_TYPE_OTHER;
}

static bool event_vector_fits(void)
{
	if (event_type() == INTR_TYPE_NMI) {
		return event_vector() == VECTOR_NMI;
	}
	return event_type() != INTR_TYPE_HARD_EXCEPTION || event_vector() < 32;
}

/** Exceptions that push an error code, in protected mode only. */
static bool event_has_error_code(void)
{
	u64 pushes = BIT(VECTOR_DF) | BITS(VECTOR_PF, VECTOR_TS) |
		     BIT(VECTOR_AC);
	bool protected = !(entry_checks_cpu2() & CPU2_UNRESTRICTED_GUEST) ||
			 (vmread(GUEST_CR0) & CR0_PE);

	return protected && event_type() == INTR_TYPE_HARD_EXCEPTION &&
	       (pushes >> event_vector() & 1);
}

/** Both ways: a missing error code would shift the handler's stack frame. */
static bool event_error_code_agrees(void)
{
	bool delivers = event_info() & INTR_INFO_HAS_ERROR_CODE;

	return delivers == event_has_error_code();
}

static bool event_reserved(void)
{
	return !(event_info() & BITS(30, 12));
}

static bool error_code_fits(void)
{
	return !(event_info() & INTR_INFO_HAS_ERROR_CODE) ||
	       !(vmread(VM_ENTRY_EXCEPTION_ERROR_CODE) & BITS(31, 16));
}

/** Software events push the address behind their instruction. */
static bool event_length_fits(void)
{
	u64 length = vmread(VM_ENTRY_INSTRUCTION_LEN);
	bool software = event_type() >= INTR_TYPE_SOFT_INTERRUPT &&
			event_type() <= INTR_TYPE_SOFT_EXCEPTION;

	return !software || (length >= 1 && length <= 15);
}

/* clang-format off */
static const struct entry_check event_checks[] = {
	{ VM_ENTRY_INTR_INFO, event_type_exists,
	  "the type, bits 10:8, must not be 1 or 7 (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_INTR_INFO, event_vector_fits,
	  "an NMI's vector must be 2, a hardware exception's at most 31 (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_INTR_INFO, event_error_code_agrees,
	  "bit 11 must be set for exceptions with an error code, and only for those (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_INTR_INFO, event_reserved,
	  "bits 30:12 are reserved and must be 0 (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_EXCEPTION_ERROR_CODE, error_code_fits,
	  "bits 31:16 of an error code must be 0 (SDM 3C 27.2.1.3)" },
	{ VM_ENTRY_INSTRUCTION_LEN, event_length_fits,
	  "a software event's instruction has 1 to 15 bytes (SDM 3C 27.2.1.3)" },
};
/* clang-format on */

bool entry_checks_control_event(void)
{
	return entry_checks_run(event_checks, ARRAY_SIZE(event_checks));
}
