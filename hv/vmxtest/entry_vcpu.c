/** @file
 * From the broken rule to the reader: vcpu_run() of a vCPU whose VMCS is wrong
 * must come back with the sentence in its exit record, leave it in the trace
 * ring, and the vCPU must be of use again when the VMCS is mended.
 *
 * On the native unit this is what vmx_check=1 is for.  The sentence is on the
 * console as well, where tools/check/vmx-entry looks for it.
 */
#include "hv/vmxtest/entry_vcpu.h"

#include "hv/lib/options.h"
#include "hv/lib/string.h"
#include "hv/lib/trace.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/entry_report.h"
#include "hv/x86/cpu.h"

struct row {
	const char *name;
	enum vmcs_field field;
	u64 flip;   /* these bits of it */
	u32 reason; /* of the exit record: error, or exit reason */
	u64 qualification;
	const char *words;
};

#define FAILED(reason) ((u32)EXIT_REASON_ENTRY_FAILURE | (reason))

static const struct row rows[] = {
	{ "vcpu_controls", PIN_BASED_VM_EXEC_CONTROL, BIT(1), 7, 0,
	  .words = "PIN_BASED_VM_EXEC_CONTROL is *bit 1 (reserved) must be 1*error 7*" },
	{ "vcpu_host_state", HOST_RIP, BIT(62), 8, 0,
	  "HOST_RIP is *must be canonical* - SDM 3C 27.2.4 *error 8*" },
	{ "vcpu_guest_state", GUEST_RFLAGS, BIT(1), FAILED(33), 0,
	  "GUEST_RFLAGS is *bit 1 must be 1* - SDM 3C 27.3.1.4" },
	{ "vcpu_link_pointer", VMCS_LINK_POINTER, BIT(0), FAILED(33), 4,
	  "VMCS_LINK_POINTER is *it must be ~0*27.3.1.5" },
};

const char *entry_vcpu_name(size_t i)
{
	return i < ARRAY_SIZE(rows) ? rows[i].name : NULL;
}

static void flip(struct vcpu *vcpu, const struct row *row)
{
	vcpu_load(vcpu);
	vmwrite(row->field, vmread(row->field) ^ row->flip);
}

/** The newest record of that kind must be about the field. */
static bool is_traced(const struct row *row)
{
	struct trace_record record;

	for (unsigned int i = 0; trace_get(this_cpu()->id, i, &record); i++) {
		if (trace_event_of(&record) == TRACE_KVM_ENTRY_FAILED) {
			return trace_arg_of(&record) == row->field;
		}
	}
	return false;
}

static const char *judge(const struct vcpu_run *run, const struct row *row)
{
	const char *sentence = run->fail_entry.sentence;

	if (run->exit_reason != VCPU_EXIT_FAIL_ENTRY) {
		return entry_report_say("vcpu_run() came back with %u",
					run->exit_reason);
	}
	if (run->fail_entry.reason != row->reason ||
	    run->fail_entry.qualification != row->qualification) {
		return entry_report_say("reason 0x%x qualification %llu",
					run->fail_entry.reason,
					(unsigned long long)
						run->fail_entry.qualification);
	}
	if (!string_glob(row->words, sentence)) {
		return entry_report_say("the sentence is: %s", sentence);
	}
	return is_traced(row) ? NULL : "it is not in the trace ring";
}

/** A guest without memory: where it enters, it comes back for good. */
static const char *try_vcpu(struct vcpu *vcpu, const struct row *row)
{
	const char *wrong;

	flip(vcpu, row);
	if (vcpu_run(vcpu)) {
		return "vcpu_run() fails";
	}
	wrong = judge(&vcpu->run, row);
	if (wrong) {
		return wrong;
	}
	flip(vcpu, row);
	if (vcpu_run(vcpu) || vcpu->run.exit_reason == VCPU_EXIT_FAIL_ENTRY) {
		return "the mended vCPU does not run";
	}
	return NULL;
}

const char *entry_vcpu_try(size_t i)
{
	bool check = options.vmx_check;
	const char *wrong = "there is no memory for a VM";
	struct vcpu *vcpu;
	struct vm *vm;

	if (vm_create(&vm)) {
		return wrong;
	}
	options.vmx_check = true;
	entry_checks_printed = true;
	if (!vcpu_create(vm, 0, &vcpu)) {
		wrong = try_vcpu(vcpu, &rows[i]);
	}
	entry_checks_printed = false;
	options.vmx_check = check;
	vm_destroy(vm);
	return wrong;
}
