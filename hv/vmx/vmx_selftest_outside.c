/** @file
 * VMX instructions outside of VMX operation: before VMXON, and after VMXOFF.
 *
 * VMXON alone is allowed there, and looks at its region; a failure is
 * VMfailInvalid, for there is no VMCS yet.  Everything else is an invalid
 * opcode, as on a processor without VMX (SDM 3C 24.8).
 */
#include "hv/vmx/vmx_selftest_misuse.h"

#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/trap.h"

static char text[200];
static struct crash crash;

/** Outside of VMX operation: VMXON itself. */
static const struct vmx_misuse vmxons[] = {
	{ "VMXON, misaligned", VMXON, 0, 8, OTHER, .error = 0 },
	{ "VMXON beyond MAXPHYADDR", VMXON, 0, MISUSE_BEYOND, OTHER, .error = 0 },
	{ "VMXON of another revision", VMXON, .place = REVISION },
	{ "VMXON of a shadow VMCS", VMXON, .place = SHADOW },
};

/** Instructions that do not exist outside. */
static const struct vmx_misuse undefined[] = {
	{ "VMREAD", VMREAD, GUEST_RIP, .error = 0 },
	{ "VMWRITE", VMWRITE, GUEST_RIP, .error = 0 },
	{ "VMCLEAR", VMCLEAR, .place = OTHER },
	{ "VMPTRLD", VMPTRLD, .place = OTHER },
	{ "INVEPT", INVEPT, INVEPT_ALL_CONTEXT, .error = 0 },
	{ "INVVPID", INVVPID, INVVPID_ALL_CONTEXT, 1, .error = 0 },
	{ "VMLAUNCH", ENTER, false, .error = 0 },
	{ "VMRESUME", ENTER, true, .error = 0 },
};

/**
 * Run a test with the unit enabled but off, and leave it as it was found.
 *
 * That is the state between enable() and VMXON: CR4.VMXE is set, without which
 * VMXON would be #UD as well.  vmx_cpu.c knows nothing of this, and wants VMX
 * operation back before it is asked to leave it.
 */
static const char *with_unit_off(const char *(*test)(void))
{
	const char *why;

	if (vmx_unit_select(options.unit) || vmx_caps_read() ||
	    vmx_cpu_enable()) {
		return "VMX cannot be switched on here";
	}
	if (vmx_unit->vmxoff()) {
		return "VMXOFF fails";
	}
	why = test();
	if (vmx_unit->vmxon(vmx_cpu_region())) {
		why = "VMXON at the end fails";
	}
	vmx_cpu_disable();
	return why;
}

/** If one of them worked, we would be in VMX operation with a bad region, and
 * with_unit_off() would say that its own VMXON fails. */
static const char *try_vmxons(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(vmxons); i++) {
		enum vmx_result result =
			vmx_selftest_misuse_do(&vmxons[i], hpa(0));

		if (result == VMX_FAIL_INVALID) {
			continue;
		}
		snprintf(text, sizeof(text), "%s: result %d, expected %d",
			 vmxons[i].what, result, VMX_FAIL_INVALID);
		return text;
	}
	return NULL;
}

static const char *run_vmxons(void)
{
	return with_unit_off(try_vmxons);
}

/** For recovery_run(), which turns the #UD that is to come into a struct
 * crash in place of the end of the run. */
static void execute(void *row)
{
	if (vmx_selftest_misuse_do(row, hpa(0))) {
		return; /* it has failed and not faulted: told below */
	}
}

/** It must not come back, must have faulted, and by #UD: #GP would mean that
 * the instruction exists and is only not allowed. */
static const char *try_undefined(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(undefined); i++) {
		struct vmx_misuse row = undefined[i];

		if (!recovery_run(execute, &row, &crash) &&
		    crash.kind == CRASH_FAULT && crash.vector == VECTOR_UD) {
			continue;
		}
		snprintf(text, sizeof(text),
			 "%s outside of VMX operation is no #UD", row.what);
		return text;
	}
	return NULL;
}

static const char *run_undefined(void)
{
	return with_unit_off(try_undefined);
}

static const struct vmx_selftest_case cases[] = {
	{ "vmx.vmxon_of_a_bad_region_is_vmfail_invalid", run_vmxons },
	{ "vmx.outside_of_vmx_operation_is_ud", run_undefined },
};

const struct vmx_selftest_case *vmx_selftest_outside_case(size_t i)
{
	return i < ARRAY_SIZE(cases) ? &cases[i] : NULL;
}
