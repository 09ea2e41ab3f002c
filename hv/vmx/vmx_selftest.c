/** @file
 * Tests of a VMX unit by its instructions alone, no guest needed.
 *
 * Each field of the list is read once, and here is the list of all cases; those
 * in which instructions are used wrongly are in vmx_selftest_rows.c and
 * vmx_selftest_outside.c.
 *
 * The same cases run on the native unit, where they ask whether the list of
 * fields and the wrappers are right, and on softvmx, where they ask whether it
 * does what the SDM says.  In what both pass the hypervisor need not tell one
 * from the other.
 *
 * A case gives NULL, or a sentence that says what is wrong.
 */
#include "hv/vmx/vmx_selftest.h"

#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_selftest_misuse.h"
#include "hv/vmx/vmx_unit.h"

static char text[160];

/** A page with the right revision, VMCLEARed; NULL if that went wrong.  Until
 * VMCLEAR what else is in the page means nothing. */
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

/**
 * Run a test inside VMX operation, with a current VMCS, and leave both.
 *
 * VMCLEAR comes before the page is freed, whatever the test has found: a
 * processor may still hold parts of an active VMCS, and would write them into
 * what has become somebody else's page.
 */
const char *vmx_selftest_with_vmcs(const char *(*test)(hpa_t vmcs))
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

/**
 * Fields of features that exit49 does not use may be missing: a field exists
 * on processors that have the control which makes use of it, and no MSR says
 * which fields there are.
 */
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

/** A field of the list that cannot be read is a wrong encoding, most likely. */
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

/** Each field keeps as many bits as its width has (SDM 3C 25.11.2): one of 16,
 * 32 and 64 bits and of natural width each. */
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

/**
 * The high half of a 64-bit field is the field's number plus one.  All four
 * bytes of the value differ, so that halves which are changed over, or the same
 * half twice, are seen.
 */
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

/** What all other cases build on: the VMCS that they write to is ours. */
static const char *current_pointer(hpa_t vmcs)
{
	hpa_t seen = hpa(0);

	if (vmx_unit->vmptrst(&seen) || seen.v != vmcs.v) {
		return "VMPTRST does not give what VMPTRLD was given";
	}
	return NULL;
}

/* A case is a function without arguments; the VMCS comes by this. */
#define CASE(function)                          \
	static const char *run_##function(void) \
	{                                       \
		return vmx_selftest_with_vmcs(function);     \
	}

CASE(read_all)
CASE(keep_widths)
CASE(high_half)
CASE(current_pointer)

/* The names are sentences, as results have them: a case that fails says by its
 * name which rule of the SDM is broken. */
static const struct vmx_selftest_case cases[] = {
	{"vmx.every_field_can_be_read", run_read_all},
	{"vmx.fields_keep_their_width", run_keep_widths},
	{"vmx.high_half_is_field_plus_one", run_high_half},
	{"vmx.vmptrst_gives_the_current_vmcs", run_current_pointer},
};

/**
 * The i-th of all: those above, misuses, and those outside of VMX.
 *
 * Asked for one by one until NULL.  Three files have a table each, and none
 * knows how long the others are; counting through the second one each time is
 * quick enough for as few cases as these.
 */
const struct vmx_selftest_case *vmx_selftest_case(size_t i)
{
	const struct vmx_selftest_case *misuse;
	size_t misuses = 0;

	if (i < ARRAY_SIZE(cases)) {
		return &cases[i];
	}
	i -= ARRAY_SIZE(cases);
	while ((misuse = vmx_selftest_rows_case(misuses))) {
		if (misuses++ == i) {
			return misuse;
		}
	}
	return vmx_selftest_outside_case(i - misuses);
}
