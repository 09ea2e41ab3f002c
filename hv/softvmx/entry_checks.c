/** @file
 * Running the tables of VM-entry checks, and telling which rule was broken.
 *
 * The first broken rule ends the run, as on a processor, which also reports one
 * only.  Its sentence goes to the console and is kept for whoever wants to show
 * it elsewhere: "GUEST_CR0 is 0x80000020: PG is set but PE is not (SDM 3C
 * 27.3.1.1)".
 */
#include "hv/softvmx/entry_checks.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"

#define SENTENCE_SIZE 200

/** One for each CPU, so that two which fail at once do not mix. */
static char sentences[CPU_MAX][SENTENCE_SIZE];

void entry_checks_report(enum vmcs_field field, const char *rule)
{
	char *sentence = sentences[this_cpu()->id];

	snprintf(sentence, SENTENCE_SIZE, "%s is 0x%llx: %s",
		 vmcs_fields_name(field), (unsigned long long)vmread(field),
		 rule);
	printf("%s: VM entry fails: %s\n", vmx_unit->name, sentence);
}

const char *entry_checks_sentence(void)
{
	return sentences[this_cpu()->id];
}

bool entry_checks_run(const struct entry_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!checks[i].holds()) {
			entry_checks_report(checks[i].field, checks[i].rule);
			return false;
		}
	}
	return true;
}

u32 entry_checks_cpu2(void)
{
	if (!(vmread(CPU_BASED_VM_EXEC_CONTROL) & CPU_SECONDARY_CONTROLS)) {
		return 0;
	}
	return vmread(SECONDARY_VM_EXEC_CONTROL);
}

/* Sign-extend from bit 47 and see whether anything has changed. */
bool entry_checks_is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/** All of the machine's memory that we use is in the direct map. */
bool entry_checks_is_physical(u64 address)
{
	return address < DIRECT_MAP_SIZE;
}

bool entry_checks_is_pat(u64 pat)
{
	for (unsigned int i = 0; i < 8; i++) {
		u8 type = pat >> 8 * i;

		if (type > 7 || type == 2 || type == 3) {
			return false;
		}
	}
	return true;
}
