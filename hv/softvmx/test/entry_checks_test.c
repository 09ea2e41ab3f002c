/** @file
 * VM-entry checks of controls that no machine of the test suite offers.
 *
 * vmxtest=entry breaks each rule that softvmx or Bochs can reach.  The others -
 * posted interrupts, PML, HLAT - need a processor that offers everything: there
 * is one in everything.c.  Each row spoils a valid VMCS in one way, and the
 * sentence must have its words; rows without words stay valid.
 *
 * links: hv/softvmx/entry_checks_row.c hv/softvmx/entry_checks_names.c
 * links: hv/softvmx/entry_checks_bits.c hv/softvmx/entry_checks_control.c
 * links: hv/softvmx/entry_checks_interrupt.c hv/softvmx/entry_checks_ept.c
 * links: hv/softvmx/entry_checks_switch.c hv/softvmx/entry_checks_event.c
 * links: hv/softvmx/entry_checks_host.c hv/softvmx/entry_checks_guest.c
 * links: hv/softvmx/entry_checks_segment.c hv/softvmx/entry_checks_rights.c
 * links: hv/softvmx/entry_checks_state.c hv/softvmx/entry_checks_blocking.c
 * links: hv/softvmx/entry_checks_memory.c hv/vmx/vmcs_fields.c
 * links: hv/softvmx/test/everything.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/softvmx/test/everything.h"

static const struct row control_rows[] = {
	{ { SHADOW }, NULL },
	{ { SHADOW, ON(VIRTUAL_APIC_PAGE_ADDR, 8) }, "VIRTUAL_APIC_PAGE_ADDR is 0x8: " NOT_A_PAGE },
	{ { SHADOW, ON(TPR_THRESHOLD, 16) }, "bits 31:4 must be 0" },
	{ { SHADOW, DELIVERY, PIN(EXITING), ON(TPR_THRESHOLD, 16) }, NULL },
	{ { SHADOW, ON(TPR_THRESHOLD, 1) }, "bits 3:0 are above bits 7:4 of VTPR" },
	{ { SHADOW, ON(CPU2, CPU2_VIRTUALIZE_APIC), ON(TPR_THRESHOLD, 1) }, NULL },
	{ { PIN(PIN_VIRTUAL_NMIS) }, "\"virtual NMIs\" is set but" },
	{ { PIN(PIN_VIRTUAL_NMIS | PIN_NMI_EXITING), CPU(CPU_NMI_WINDOW_EXITING) }, NULL },
	{ { PIN(PIN_NMI_EXITING), CPU(CPU_NMI_WINDOW_EXITING) },
	  "\"NMI-window exiting\" is set but" },
	{ { ON(CPU2, CPU2_VIRTUALIZE_APIC), ON(APIC_ACCESS_ADDR, BEYOND) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_VIRTUALIZE_X2APIC) }, "interrupt delivery need \"use TPR shadow\"" },
	{ { ON(CPU2, CPU2_APIC_REGISTERS) }, "interrupt delivery need \"use TPR shadow\"" },
	{ { DELIVERY, PIN(EXITING) }, "interrupt delivery need \"use TPR shadow\"" },
	{ { SHADOW, ON(CPU2, CPU2_VIRTUALIZE_X2APIC | CPU2_VIRTUALIZE_APIC) },
	  "exclude each other" },
	{ { SHADOW, DELIVERY }, "needs \"external-interrupt exiting\"" },
	{ { PIN(PIN_POSTED_INTERRUPTS | EXITING) }, "needs \"virtual-interrupt delivery\"" },
	{ { PIN(PIN_POSTED_INTERRUPTS | EXITING), SHADOW, DELIVERY },
	  "needs \"acknowledge interrupt on exit\"" },
	{ { POSTED }, NULL },
	{ { POSTED, ON(POSTED_INTR_NOTIFICATION_VECTOR, 256) }, "a vector has 8 bits" },
	{ { POSTED, ON(POSTED_INTR_DESC_ADDR, 32) }, "it must be 64-byte aligned" },
	{ { POSTED, ON(POSTED_INTR_DESC_ADDR, BEYOND) }, "it must be 64-byte aligned" },
	{ { TERTIARY, ON(CPU3, CPU3_IPI_VIRTUALIZATION) }, "\"IPI virtualization\" needs" },
	{ { TERTIARY, ON(CPU3, CPU3_IPI_VIRTUALIZATION), SHADOW }, NULL },
	{ { TERTIARY, ON(CPU3, CPU3_IPI_VIRTUALIZATION), SHADOW, ON(PID_POINTER_TABLE, 4) },
	  "must be 8-byte aligned and end within MAXPHYADDR" },
	{ { TERTIARY, ON(CPU3, CPU3_IPI_VIRTUALIZATION), SHADOW, ON(PID_POINTER_TABLE, BIT(46) - 8),
	    ON(LAST_PID_POINTER_INDEX, 1) },
	  "must be 8-byte aligned and end within MAXPHYADDR" },
	{ { TERTIARY, ON(CPU3, BIT(32)) },
	  "bit 32 (reserved) must be 0 by IA32_VMX_PROCBASED_CTLS3" },
	{ { EXIT(EXIT_SECONDARY_CONTROLS), ON(SECONDARY_VM_EXIT_CONTROLS, BIT(32)) },
	  "bit 32 (reserved) must be 0 by IA32_VMX_EXIT_CTLS2" },
	{ { EXIT(EXIT_SAVE_PREEMPTION_TIMER) }, "but the timer is not activated" },
	{ { EXIT(EXIT_SAVE_PREEMPTION_TIMER), PIN(PIN_PREEMPTION_TIMER) }, NULL },
	{ { ENTRY(ENTRY_TO_SMM) }, "are for SMM only" },
	{ { ENTRY(ENTRY_DEACTIVATE_DUAL_MONITOR) }, "are for SMM only" },
	{ { ON(IO_BITMAP_A, BIT(33)), CPU(CPU_USE_IO_BITMAPS) }, "no memory is there" },
	{ { ON(IO_BITMAP_B, BIT(33)), CPU(CPU_USE_IO_BITMAPS) }, "no memory is there" },
	{ { ON(MSR_BITMAP, BIT(33)), CPU(CPU_USE_MSR_BITMAPS) }, "no memory is there" },
	{ { ON(VM_EXIT_MSR_LOAD_COUNT, 1), ON(VM_EXIT_MSR_LOAD_ADDR, BIT(33)) },
	  "no memory is there" },
	{ { ON(VM_EXIT_MSR_STORE_COUNT, 1), ON(VM_EXIT_MSR_STORE_ADDR, BIT(33)) },
	  "no memory is there" },
	{ { ON(VM_ENTRY_MSR_LOAD_COUNT, 1), ON(VM_ENTRY_MSR_LOAD_ADDR, BIT(33)) },
	  "no memory is there" },
	{ { ON(VM_EXIT_MSR_STORE_COUNT, 1), ON(VM_EXIT_MSR_STORE_ADDR, BIT(46) - 8) },
	  "the list must be 16-byte aligned" },
	{ { ON(VM_EXIT_MSR_LOAD_COUNT, 513) }, "the list is longer than softvmx takes" },
	{ { ON(VM_EXIT_MSR_STORE_COUNT, 513) }, "the list is longer than softvmx takes" },
	{ { ON(VM_ENTRY_MSR_LOAD_COUNT, 513) }, "the list is longer than softvmx takes" },
	{ { EVENT(INTR_TYPE_OTHER, 0) }, NULL },
	{ { EVENT(INTR_TYPE_OTHER, 1) }, "the vector, bits 7:0" },
};

static const struct row ept_rows[] = {
	{ { ON(EPT_POINTER, EPTP_ENABLE_AD) }, "bit 6 asks for accessed and dirty flags" },
	{ { ON(EPT_POINTER, BIT(33)) }, "no memory is there" },
	{ { ON(EPT_POINTER, BIT(5)), OFF(EPT_POINTER, BITS(4, 3)) }, "bits 5:3 must be" },
	{ { ON(CPU2, CPU2_ENABLE_PML), NO_EPT }, "\"enable PML\" needs" },
	{ { ON(CPU2, CPU2_ENABLE_PML), ON(PML_ADDRESS, BIT(11)) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_MODE_BASED_EXECUTE), NO_EPT }, "\"mode-based execute control for EPT\"" },
	{ { ON(CPU2, CPU2_SUB_PAGE_PERMISSIONS), NO_EPT },
	  "\"sub-page write permissions for EPT\"" },
	{ { ON(CPU2, CPU2_SUB_PAGE_PERMISSIONS), ON(SUB_PAGE_PERMISSION_TABLE_POINTER, 1) },
	  NOT_A_PAGE },
	{ { ON(CPU2, CPU2_ENABLE_VMFUNC), ON(VM_FUNCTION_CONTROL, 2) }, "a VM function is set" },
	{ { ON(CPU2, CPU2_ENABLE_VMFUNC), ON(VM_FUNCTION_CONTROL, 1), NO_EPT },
	  "EPTP switching needs" },
	{ { ON(CPU2, CPU2_ENABLE_VMFUNC), ON(VM_FUNCTION_CONTROL, 1), ON(EPTP_LIST_ADDRESS, 1) },
	  NOT_A_PAGE },
	{ { ON(CPU2, CPU2_ENABLE_VMFUNC), ON(EPTP_LIST_ADDRESS, 1) }, NULL },
	{ { ON(CPU2, CPU2_VMCS_SHADOWING), ON(VMREAD_BITMAP, BEYOND) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_VMCS_SHADOWING), ON(VMWRITE_BITMAP, 1) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_EPT_VIOLATION_VE), ON(VIRTUALIZATION_EXCEPTION_INFO_ADDR, 1) },
	  NOT_A_PAGE },
	{ { ON(CPU2, CPU2_PT_GUEST_PHYSICAL), NO_EPT }, "uses guest physical addresses\" needs" },
	{ { ON(CPU2, CPU2_PT_GUEST_PHYSICAL) }, "guest-physical PT needs" },
	{ { ON(CPU2, CPU2_PT_GUEST_PHYSICAL), ENTRY(ENTRY_LOAD_RTIT_CTL),
	    EXIT(EXIT_CLEAR_RTIT_CTL) }, NULL },
	{ { ON(CPU2, CPU2_PASID_TRANSLATION), ON(PASID_DIRECTORY_LOW, 1) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_PASID_TRANSLATION), ON(PASID_DIRECTORY_HIGH, 1) }, NOT_A_PAGE },
	{ { ON(CPU2, CPU2_TSC_SCALING) }, "a multiplier of 0 stops the clock" },
	{ { ON(CPU2, CPU2_TSC_SCALING), ON(TSC_MULTIPLIER, 1) }, NULL },
	{ { TERTIARY, ON(CPU3, CPU3_ENABLE_HLAT), NO_EPT }, "guest-paging verification need" },
	{ { TERTIARY, ON(CPU3, CPU3_EPT_PAGING_WRITE), NO_EPT }, "guest-paging verification need" },
	{ { TERTIARY, ON(CPU3, CPU3_ENABLE_HLAT), ON(HLAT_POINTER, BIT(5)) }, "bits 11:5, 2:0" },
	{ { TERTIARY, ON(CPU3, CPU3_ENABLE_HLAT), ON(HLAT_POINTER, BITS(4, 3)) }, NULL },
};

static void controls(void **state)
{
	(void)state;
	everything_try(control_rows, ARRAY_SIZE(control_rows));
}

static void translation(void **state)
{
	(void)state;
	everything_try(ept_rows, ARRAY_SIZE(ept_rows));
}

static void the_valid_vmcs_is_valid(void **state)
{
	(void)state;
	assert_true(everything_is_valid());
	assert_string_equal(everything.told, "");
}

static void vtpr_may_reach_the_threshold(void **state)
{
	(void)state;
	everything.vtpr = 0x50;
	everything.field[CPU_BASED_VM_EXEC_CONTROL] |= CPU_TPR_SHADOW;
	everything.field[TPR_THRESHOLD] = 5;
	assert_true(everything_is_valid());
	everything.field[TPR_THRESHOLD] = 6;
	assert_false(everything_is_valid());
}

static void error_codes_may_be_free(void **state)
{
	(void)state;
	everything.field[VM_ENTRY_INTR_INFO] =
		INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 | 13;
	assert_false(everything_is_valid());
	everything.basic |= BIT(56);
	assert_true(everything_is_valid());
}

static void a_length_of_0_may_be_offered(void **state)
{
	(void)state;
	everything.field[VM_ENTRY_INTR_INFO] =
		INTR_INFO_VALID | INTR_TYPE_SOFT_INTERRUPT << 8 | 0x80;
	assert_false(everything_is_valid());
	everything.misc |= BIT(30);
	assert_true(everything_is_valid());
}

static void a_trace_keeps_its_registers(void **state)
{
	(void)state;
	everything.is_tracing = true;
	assert_true(everything_is_valid());
	everything.field[VM_ENTRY_CONTROLS] |= ENTRY_LOAD_RTIT_CTL;
	assert_false(everything_is_valid());
	everything.is_tracing = false;
	assert_true(everything_is_valid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_valid_vmcs_is_valid,
				       everything_begin),
		cmocka_unit_test_setup(controls,
				       everything_begin),
		cmocka_unit_test_setup(translation,
				       everything_begin),
		cmocka_unit_test_setup(vtpr_may_reach_the_threshold,
				       everything_begin),
		cmocka_unit_test_setup(error_codes_may_be_free,
				       everything_begin),
		cmocka_unit_test_setup(a_length_of_0_may_be_offered,
				       everything_begin),
		cmocka_unit_test_setup(a_trace_keeps_its_registers,
				       everything_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
