/** @file
 * All checks in a row, and the sentence that comes out.
 *
 *	27.2.1  controls   --> VMfail, error 7
 *	27.2.2  host state --> VMfail, error 8
 *	27.3.1  guest      --> VM exit 33 with a qualification
 *	27.4    MSR list   --> VM exit 34, qualification: which entry
 *
 * The first broken rule ends the run, as on a processor, which also reports one
 * only.  Its sentence goes to the console and to the trace ring and is kept for
 * whoever wants to show it elsewhere.
 */
#include "hv/softvmx/entry_checks.h"

#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/lib/trace.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cpu.h"

#define SENTENCE_SIZE 240

bool entry_checks_printed = true;

/** One for each CPU, so that two which fail at once do not mix. */
static char sentences[CPU_MAX][SENTENCE_SIZE];

const char *entry_checks_sentence(void)
{
	return sentences[this_cpu()->id];
}

const char *entry_checks_hint(void)
{
	return entry_checks_sentence()[0] ? "" :
		"; make bochs (or kvm) APPEND=vmx_check=1 names the rule";
}

void entry_checks_forget(void)
{
	sentences[this_cpu()->id][0] = 0;
}

/** In the ring: the field, its value, and the rule, which is a constant. */
static void trace(enum vmcs_field field, const char *rule)
{
	const struct cpu *cpu = this_cpu();
	u64 tag = cpu->vcpu ? cpu->vcpu->trace_tag : 0;
	struct trace_record *r =
		trace_begin(trace_of(cpu->id),
			    trace_head(tag, TRACE_KVM_ENTRY_FAILED, field));

	if (r) {
		r->a = vmread(field);
		r->b = (unsigned long)rule;
	}
}

void entry_checks_tell(enum vmcs_field field, const char *rule,
		       const char *sentence)
{
	string_copy(sentences[this_cpu()->id], sentence, SENTENCE_SIZE);
	trace(field, rule);
	if (entry_checks_printed) {
		printf("%s: VM entry fails: %s\n", vmx_unit->name, sentence);
	}
}

/** SDM 3C 27.4, as far as it can be told before WRMSR is tried. */
static bool check_msr_list(u64 *qualification)
{
	u64 list = vmread(VM_ENTRY_MSR_LOAD_ADDR);
	u32 count = vmread(VM_ENTRY_MSR_LOAD_COUNT);

	for (u32 i = 0; i < count; i++) {
		hpa_t entry = hpa(list + 16ull * i);

		if (!entry_checks_msr(i + 1, entry_checks_load(entry),
				      entry_checks_load(hpa_add(entry, 8)))) {
			*qualification = i + 1;
			return false;
		}
	}
	return true;
}

bool entry_checks_all(struct entry_verdict *verdict)
{
	*verdict = (struct entry_verdict){ 0 };
	entry_checks_forget();
	if (!entry_checks_controls()) {
		verdict->error = VMX_ERROR_ENTRY_CONTROLS;
		return false;
	}
	if (!entry_checks_host()) {
		verdict->error = VMX_ERROR_ENTRY_HOST_STATE;
		return false;
	}
	if (!entry_checks_guest() ||
	    !entry_checks_state(&verdict->qualification) ||
	    !entry_checks_memory(&verdict->qualification)) {
		verdict->reason = EXIT_REASON_ENTRY_GUEST_STATE;
		return false;
	}
	if (!check_msr_list(&verdict->qualification)) {
		verdict->reason = EXIT_REASON_ENTRY_MSR_LOAD;
		return false;
	}
	return true;
}
