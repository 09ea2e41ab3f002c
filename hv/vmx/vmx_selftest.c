/** @file
 * Tests of a VMX unit by its instructions alone, no guest needed.
 *
 * Each field of the list is read once, and each instruction is used wrongly
 * once: the SDM says which VM-instruction error follows (SDM 3C 31.4), and
 * two units which agree on that are likely to agree on the rest.
 */
#include "hv/vmx/vmx_selftest.h"

#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_error.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define UNSUPPORTED_FIELD 0x6c3eull /* host, natural width, index 31 */
#define VMXON_IN_ROOT 15
#define VMCLEAR_ADDRESS 2

static char text[160];

/** A page with the right revision, VMCLEARed; NULL if that went wrong. */
static u32 *make_vmcs(void)
{
	u32 *vmcs = page_alloc(PAGE_OWNER_HV);

	if (!vmcs) {
		return NULL;
	}
	vmcs[0] = vmx_caps.revision;
	if (vmx_unit->vmclear(virt_to_hpa(vmcs))) {
		page_free(vmcs);
		return NULL;
	}
	return vmcs;
}

/** Run a test inside VMX operation, with a current VMCS, and leave both. */
static const char *with_vmcs(const char *(*test)(hpa_t vmcs))
{
	const char *why = "VMCLEAR or VMPTRLD of a good VMCS failed";
	u32 *vmcs;

	if (vmx_unit_select(options.unit) || vmx_caps_read() ||
	    vmx_cpu_enable()) {
		return "VMX cannot be switched on here";
	}
	vmcs = make_vmcs();
	if (vmcs && !vmx_unit->vmptrld(virt_to_hpa(vmcs))) {
		why = test(virt_to_hpa(vmcs));
	}
	if (vmcs && vmx_unit->vmclear(virt_to_hpa(vmcs))) {
		why = "VMCLEAR at the end failed";
	}
	page_free(vmcs);
	vmx_cpu_disable();
	return why;
}

/** The result and the error number must be these; error 0: not looked at. */
static const char *expect(const char *insn, enum vmx_result seen,
			  enum vmx_result wanted, u64 error)
{
	u64 number = 0;

	if (seen == wanted && !error) {
		return NULL;
	}
	if (seen == wanted &&
	    !vmx_unit->vmread(VM_INSTRUCTION_ERROR, &number) &&
	    number == error) {
		return NULL;
	}
	snprintf(text, sizeof(text),
		 "%s: result %d error %llu, expected result %d error %llu",
		 insn, seen, (unsigned long long)number, wanted,
		 (unsigned long long)error);
	return text;
}

/** Fields of features that exit49 does not use may be missing. */
static bool is_optional(u32 field)
{
	switch (field) {
	case VPID:
	case POSTED_INTR_NOTIFICATION_VECTOR:
	case EPTP_INDEX:
	case GUEST_INTERRUPT_STATUS:
	case PML_INDEX:
	case VIRTUAL_APIC_PAGE_ADDR:
	case APIC_ACCESS_ADDR:
	case TPR_THRESHOLD:
	case PLE_GAP:
	case PLE_WINDOW:
	case GUEST_IA32_PERF_GLOBAL_CTRL:
	case GUEST_IA32_BNDCFGS:
	case HOST_IA32_PERF_GLOBAL_CTRL:
	case VMX_PREEMPTION_TIMER_VALUE:
	case HLAT_PREFIX_SIZE:
	case LAST_PID_POINTER_INDEX:
	case GUEST_UINV:
	case GUEST_IA32_RTIT_CTL:
	case GUEST_IA32_LBR_CTL:
	case GUEST_IA32_PKRS:
	case GUEST_IA32_S_CET:
	case GUEST_SSP:
	case GUEST_INTERRUPT_SSP_TABLE:
	case HOST_IA32_PKRS:
	case HOST_IA32_S_CET:
	case HOST_SSP:
	case HOST_INTERRUPT_SSP_TABLE:
		return true;
	default:
		/* 64-bit controls behind the EPT pointer, and before it the
		 * posted interrupts, PML and VM functions */
		return field == PML_ADDRESS || field == POSTED_INTR_DESC_ADDR ||
		       field == VM_FUNCTION_CONTROL ||
		       (field >= EOI_EXIT_BITMAP0 &&
			field <= SECONDARY_VM_EXIT_CONTROLS);
	}
}

static const char *read_all(hpa_t vmcs)
{
	(void)vmcs;
	for (size_t i = 0; i < vmcs_fields_count(); i++) {
		u32 field = vmcs_fields_at(i);
		u64 value;

		if (vmx_unit->vmread(field, &value) && !is_optional(field)) {
			snprintf(text, sizeof(text), "%s cannot be read",
				 vmcs_fields_name(field));
			return text;
		}
	}
	return NULL;
}

/** Each field keeps as many bits as its width has (SDM 3C 25.11.2). */
static const char *keep_widths(hpa_t vmcs)
{
	static const struct {
		enum vmcs_field field;
		u64 keeps;
	} rows[] = {
		{GUEST_CS_SELECTOR, 0xffff},
		{GUEST_CS_LIMIT, 0xffffffff},
		{GUEST_IA32_EFER, ~0ull},
		{GUEST_RIP, ~0ull},
	};

	(void)vmcs;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 value = 0;

		if (vmx_unit->vmwrite(rows[i].field, rows[i].keeps) ||
		    vmx_unit->vmread(rows[i].field, &value) ||
		    value != rows[i].keeps) {
			snprintf(text, sizeof(text), "%s holds 0x%llx",
				 vmcs_fields_name(rows[i].field),
				 (unsigned long long)value);
			return text;
		}
	}
	return NULL;
}

/** The high half of a 64-bit field is the field's number plus one. */
static const char *high_half(hpa_t vmcs)
{
	u64 value = 0;

	(void)vmcs;
	if (vmx_unit->vmwrite(TSC_OFFSET, 0x1122334455667788ull) ||
	    vmx_unit->vmread(TSC_OFFSET + 1, &value) || value != 0x11223344) {
		return "TSC_OFFSET's high half is not its bits 63:32";
	}
	return NULL;
}

static const char *unknown_field(hpa_t vmcs)
{
	const char *why;
	u64 value;

	(void)vmcs;
	why = expect("VMREAD of a field that is none",
		     vmx_unit->vmread(UNSUPPORTED_FIELD, &value),
		     VMX_FAIL_VALID, VMX_ERROR_FIELD_UNSUPPORTED);
	if (why) {
		return why;
	}
	return expect("VMWRITE of a field that is none",
		      vmx_unit->vmwrite(UNSUPPORTED_FIELD, 0), VMX_FAIL_VALID,
		      VMX_ERROR_FIELD_UNSUPPORTED);
}

static const char *bad_pointers(hpa_t vmcs)
{
	const char *why;

	why = expect("VMCLEAR of an address that is not aligned",
		     vmx_unit->vmclear(hpa_add(vmcs, 8)), VMX_FAIL_VALID,
		     VMCLEAR_ADDRESS);
	if (why) {
		return why;
	}
	return expect("VMPTRLD of an address that is not aligned",
		      vmx_unit->vmptrld(hpa_add(vmcs, 8)), VMX_FAIL_VALID,
		      VMX_ERROR_VMPTRLD_ADDRESS);
}

static const char *bad_revision(hpa_t vmcs)
{
	u32 *other = page_alloc(PAGE_OWNER_HV);
	const char *why;

	(void)vmcs;
	if (!other) {
		return "no memory";
	}
	other[0] = vmx_caps.revision + 1;
	why = expect("VMPTRLD of a VMCS with another revision",
		     vmx_unit->vmptrld(virt_to_hpa(other)), VMX_FAIL_VALID,
		     VMX_ERROR_VMPTRLD_REVISION);
	page_free(other);
	return why;
}

static const char *vmxon_twice(hpa_t vmcs)
{
	return expect("VMXON in VMX root operation", vmx_unit->vmxon(vmcs),
		      VMX_FAIL_VALID, VMXON_IN_ROOT);
}

static const char *bad_invept(hpa_t vmcs)
{
	(void)vmcs;
	return expect("INVEPT of type 0", vmx_unit->invept(0, 0),
		      VMX_FAIL_VALID, VMX_ERROR_INVEPT_OPERAND);
}

static enum vmx_result try_entry(bool launched)
{
	u64 gpr[GPR_SLOTS] = {[GPR_LAUNCHED] = launched};
	enum vmx_result result;

	irq_disable();
	vmx_entry_run(gpr, &result);
	irq_enable();
	return result;
}

static const char *wrong_entry(hpa_t vmcs)
{
	const char *why;

	(void)vmcs;
	why = expect("VMRESUME of a VMCS that was not launched",
		     try_entry(true), VMX_FAIL_VALID,
		     VMX_ERROR_VMRESUME_NOT_LAUNCHED);
	if (why) {
		return why;
	}
	return expect("VMLAUNCH without controls", try_entry(false),
		      VMX_FAIL_VALID, VMX_ERROR_ENTRY_CONTROLS);
}

static const char *no_current_vmcs(hpa_t vmcs)
{
	u64 value;

	if (vmx_unit->vmclear(vmcs)) {
		return "VMCLEAR of the current VMCS failed";
	}
	return expect("VMREAD without a current VMCS",
		      vmx_unit->vmread(GUEST_RIP, &value), VMX_FAIL_INVALID, 0);
}

static const char *current_pointer(hpa_t vmcs)
{
	hpa_t seen = hpa(0);

	if (vmx_unit->vmptrst(&seen) || seen.v != vmcs.v) {
		return "VMPTRST does not give what VMPTRLD was given";
	}
	return NULL;
}

#define CASE(function)                          \
	static const char *run_##function(void) \
	{                                       \
		return with_vmcs(function);     \
	}

CASE(read_all)
CASE(keep_widths)
CASE(high_half)
CASE(unknown_field)
CASE(bad_pointers)
CASE(bad_revision)
CASE(vmxon_twice)
CASE(bad_invept)
CASE(wrong_entry)
CASE(no_current_vmcs)
CASE(current_pointer)

static const struct vmx_selftest_case cases[] = {
	{"vmx.every_field_can_be_read", run_read_all},
	{"vmx.fields_keep_their_width", run_keep_widths},
	{"vmx.high_half_is_field_plus_one", run_high_half},
	{"vmx.unknown_field_is_error_12", run_unknown_field},
	{"vmx.unaligned_pointers_are_errors_2_and_9", run_bad_pointers},
	{"vmx.wrong_revision_is_error_11", run_bad_revision},
	{"vmx.vmxon_twice_is_error_15", run_vmxon_twice},
	{"vmx.invept_of_type_0_is_error_28", run_bad_invept},
	{"vmx.wrong_entries_are_errors_5_and_7", run_wrong_entry},
	{"vmx.no_vmcs_is_vmfail_invalid", run_no_current_vmcs},
	{"vmx.vmptrst_gives_the_current_vmcs", run_current_pointer},
};

const struct vmx_selftest_case *vmx_selftest_case(size_t i)
{
	return i < ARRAY_SIZE(cases) ? &cases[i] : NULL;
}
