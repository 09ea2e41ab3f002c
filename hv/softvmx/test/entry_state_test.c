/** @file
 * VM-entry checks of host and guest state that no machine of the test suite
 * has: see entry_checks_test.c.
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

#define CET BIT(23)

static const struct row host_rows[] = {
	{ { ON(HOST_CR4, CET) }, "CET is set but CR0.WP is not" },
	{ { ON(HOST_CR4, CET), ON(HOST_CR0, CR0_WP) }, NULL },
	{ { ON(HOST_CR3, BIT(33)) }, "no memory is there for page tables" },
	{ { EXIT(EXIT_LOAD_PERF_GLOBAL_CTRL), ON(HOST_IA32_PERF_GLOBAL_CTRL, BIT(4)) },
	  "a counter that this processor does not have" },
	{ { EXIT(EXIT_LOAD_PAT), ON(HOST_IA32_PAT, BIT(57)) }, "each byte must be a memory type" },
	{ { EXIT(EXIT_LOAD_CET), ON(HOST_IA32_S_CET, BIT(6)) }, "bits 9:6 clear" },
	{ { EXIT(EXIT_LOAD_CET), ON(HOST_IA32_S_CET, BITS(11, 10)) }, "bits 11:10 not both set" },
	{ { EXIT(EXIT_LOAD_CET), ON(HOST_INTERRUPT_SSP_TABLE, ODD_ADDRESS) },
	  .words = "HOST_INTERRUPT_SSP_TABLE is 0x800000000000: the address must be" },
	{ { EXIT(EXIT_LOAD_CET), ON(HOST_SSP, 1) }, "it must be canonical, bits 1:0 clear" },
	{ { EXIT(EXIT_LOAD_PKRS), ON(HOST_IA32_PKRS, BIT(32)) }, "bits 63:32 must be 0" },
};

static const struct row guest_rows[] = {
	{ { ON(GUEST_CR4, CET) }, "CET is set but CR0.WP is not" },
	{ { ON(GUEST_CR4, CET), ON(GUEST_CR0, CR0_WP) }, NULL },
	{ { ON(GUEST_CR4, CR4_PCIDE) }, NULL },
	{ { ON(GUEST_CR4, CR4_PCIDE), OFF(VM_ENTRY_CONTROLS, ENTRY_IA32E_MODE_GUEST) },
	  "PCIDE must be 0 unless" },
	{ { ENTRY(ENTRY_LOAD_DEBUG_CONTROLS), ON(GUEST_IA32_DEBUGCTL, BIT(2)) }, "IA32_DEBUGCTL" },
	{ { ENTRY(ENTRY_LOAD_DEBUG_CONTROLS), ON(GUEST_IA32_DEBUGCTL, BIT(15)) }, "IA32_DEBUGCTL" },
	{ { ENTRY(ENTRY_LOAD_CET), ON(GUEST_IA32_S_CET, BIT(9)) }, "bits 9:6 clear" },
	{ { ENTRY(ENTRY_LOAD_CET), ON(GUEST_IA32_S_CET, ODD_ADDRESS) }, "it must be canonical" },
	{ { ENTRY(ENTRY_LOAD_CET), ON(GUEST_INTERRUPT_SSP_TABLE, ODD_ADDRESS) },
	  "the address must be canonical" },
	{ { ENTRY(ENTRY_LOAD_CET), ON(GUEST_SSP, 2) }, "bits 1:0 clear, and below 4 GiB" },
	{ { ENTRY(ENTRY_LOAD_CET), ON(GUEST_SSP, ODD_ADDRESS) },
	  "bits 1:0 clear, and below 4 GiB" },
	{ { ENTRY(ENTRY_LOAD_PERF_GLOBAL_CTRL), ON(GUEST_IA32_PERF_GLOBAL_CTRL, BIT(35)) },
	  "a counter that this processor does not have" },
	{ { ENTRY(ENTRY_LOAD_BNDCFGS), ON(GUEST_IA32_BNDCFGS, BIT(11)) }, "bits 11:2 must be 0" },
	{ { ENTRY(ENTRY_LOAD_BNDCFGS), ON(GUEST_IA32_BNDCFGS, ODD_ADDRESS) },
	  "bits 11:2 must be 0" },
	{ { ENTRY(ENTRY_LOAD_RTIT_CTL), ON(GUEST_IA32_RTIT_CTL, BIT(18)) }, "IA32_RTIT_CTL" },
	{ { ENTRY(ENTRY_LOAD_LBR_CTL), ON(GUEST_IA32_LBR_CTL, BIT(4)) }, "IA32_LBR_CTL" },
	{ { ENTRY(ENTRY_LOAD_PKRS), ON(GUEST_IA32_PKRS, BIT(63)) }, "bits 63:32 must be 0" },
	{ { ENTRY(ENTRY_LOAD_UINV), ON(GUEST_UINV, BIT(8)) }, "bits 15:8 must be 0" },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_SHUTDOWN) }, NULL },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_SHUTDOWN), EVENT(INTR_TYPE_EXTERNAL, 32) },
	  "does not wake a processor" },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_SHUTDOWN), EVENT(INTR_TYPE_NMI, 2) }, NULL },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_SHUTDOWN), EVENT(INTR_TYPE_HARD_EXCEPTION, 18) },
	  NULL },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_SHUTDOWN), EVENT(INTR_TYPE_HARD_EXCEPTION, 1) },
	  "does not wake a processor" },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_WAIT_FOR_SIPI), EVENT(INTR_TYPE_NMI, 2) },
	  "does not wake a processor" },
	{ { ON(GUEST_ACTIVITY_STATE, ACTIVITY_HLT), EVENT(INTR_TYPE_OTHER, 0) }, NULL },
	{ { PIN(PIN_VIRTUAL_NMIS | PIN_NMI_EXITING), EVENT(INTR_TYPE_NMI, 2),
	    ON(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_NMI) },
	  "while NMIs are blocked" },
	{ { ON(CPU2, CPU2_VMCS_SHADOWING), ON(VMCS_LINK_POINTER, 0),
	    OFF(VMCS_LINK_POINTER, ~0ull) }, "bit 31 of the VMCS there" },
	{ { OFF(VMCS_LINK_POINTER, ~BIT(33)) }, "no memory is there" },
	{ { OFF(VMCS_LINK_POINTER, ~0x5000ull) }, "it must not be the current VMCS" },
};

static void host_state(void **state)
{
	(void)state;
	everything_try(host_rows, ARRAY_SIZE(host_rows));
}

static void guest_state(void **state)
{
	(void)state;
	everything_try(guest_rows, ARRAY_SIZE(guest_rows));
}

static void features_have_their_bits(void **state)
{
	(void)state;
	everything.field[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(11);
	assert_false(everything_is_valid());
	everything.has_bus_lock = true;
	assert_true(everything_is_valid());
	everything.field[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(16) | BIT(12);
	assert_false(everything_is_valid());
	everything.has_rtm = true;
	assert_true(everything_is_valid());
	everything.field[GUEST_PENDING_DBG_EXCEPTIONS] =
		BIT(16) | BIT(12) | BIT(14);
	assert_false(everything_is_valid());
	everything.field[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(16);
	assert_false(everything_is_valid());
	everything.field[GUEST_PENDING_DBG_EXCEPTIONS] = BIT(16) | BIT(12);
	everything.field[GUEST_INTERRUPTIBILITY_STATE] =
		INTERRUPTIBILITY_MOV_SS;
	assert_false(everything_is_valid());
}

static void enclaves_have_their_bit(void **state)
{
	(void)state;
	everything.field[GUEST_INTERRUPTIBILITY_STATE] = BIT(4);
	assert_false(everything_is_valid());
	everything.has_sgx = true;
	assert_true(everything_is_valid());
	everything.field[GUEST_INTERRUPTIBILITY_STATE] =
		BIT(4) | INTERRUPTIBILITY_MOV_SS;
	assert_false(everything_is_valid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(host_state,
				       everything_begin),
		cmocka_unit_test_setup(guest_state,
				       everything_begin),
		cmocka_unit_test_setup(features_have_their_bits,
				       everything_begin),
		cmocka_unit_test_setup(enclaves_have_their_bit,
				       everything_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
