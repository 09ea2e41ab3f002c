/** @file
 * Which VMX unit this machine has, and what happens when it says no.
 *
 * Chosen once, by CPUID alone: Intel's VMX bit gives the native unit, AMD's
 * SVM bit with nested paging gives the soft one.  The order matters on QEMU,
 * whose emulator must never see a write to CR4.VMXE: nothing of the native unit
 * is tried to find out whether it is there.
 */
#include "hv/vmx/vmx_unit.h"

#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cpuid.h"

#define CPUID_EXTENDED 0x80000000u
#define CPUID_SVM 0x8000000au

const struct vmx_unit *vmx_unit;
bool vmx_unit_is_soft;

static bool have_vmx(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_VMX;
}

/**
 * A leaf beyond the last answers with something else's bits, so the last one is
 * asked for first.  Nested paging is SVM's EPT: without it softvmx could offer
 * none, and exit49 cannot do without.
 */
static bool have_svm(void)
{
	if (cpuid(CPUID_EXTENDED, 0).eax < CPUID_SVM) {
		return false;
	}
	return (cpuid(CPUID_EXTENDED + 1, 0).ecx & CPUID_80000001_ECX_SVM) &&
	       (cpuid(CPUID_SVM, 0).edx & CPUID_8000000A_EDX_NP);
}

/*
 * The flag says the same as the pointer.  vmread() asks it at each exit, and to
 * look at a byte is quicker than to make an indirect call.
 */
int vmx_unit_select(const char *which)
{
	bool any = strcmp(which, "auto") == 0;

	if ((any || strcmp(which, "native") == 0) && have_vmx()) {
		vmx_unit = &vmx_native;
		vmx_unit_is_soft = false;
		return 0;
	}
	if ((any || strcmp(which, "soft") == 0) && have_svm()) {
		vmx_unit = &softvmx;
		vmx_unit_is_soft = true;
		return 0;
	}
	return -ENODEV;
}

const char *vmx_unit_entry_failure(const char *otherwise)
{
	const char *told = "";

	if (vmx_unit->entry_failure) {
		told = vmx_unit->entry_failure();
	}
	return told[0] ? told : otherwise;
}

/** VM_INSTRUCTION_ERROR, read without vmread(), which would panic in turn. */
static u32 instruction_error(void)
{
	u64 number = 0;

	if (vmx_unit->vmread(VM_INSTRUCTION_ERROR, &number)) {
		return 0;
	}
	return number;
}

/*
 * A VMX instruction that fails is our bug, always: a field that does not exist,
 * a VMCS that is not loaded, a page that is not a VMCS.  To go on would mean to
 * run a guest with a control that was never set, and to find out much later.
 */
void vmx_unit_panic(const char *insn, u32 field, enum vmx_result result)
{
	const char *why = "there is no current VMCS (VMfailInvalid)";
	u32 number = 0;

	/* VMREAD and VMWRITE tell CF from ZF only to those who look. */
	if (result == VMX_FAIL_VALID) {
		number = instruction_error();
	}
	if (number) {
		why = vmx_error_sentence(number);
	}
	if (field == ~0u) {
		panic("%s failed: %s (VM-instruction error %u, SDM 3C 31.4)",
		      insn, why, number);
	}
	panic("%s of %s (0x%x) failed: %s (VM-instruction error %u, "
	      "SDM 3C 31.4)",
	      insn, vmcs_fields_name(field), field, why, number);
}
