/** @file
 * Going through a table of rules, and making a sentence of the broken one.
 *
 * A row names one field, so the engine reads it, hands it to the rule, and
 * prints it.  Rules about single bits - controls against their capability MSR,
 * CR0 against its fixed bits - are data: two masks and the bits' names, so that
 * the sentence can say which bit it is.
 */
#include "hv/softvmx/entry_checks_row.h"

#include "hv/lib/printf.h"
#include "hv/x86/cr.h"

#define SENTENCE_SIZE 240

/** Whether the bits of a value are as they must be. */
static bool bits_hold(const struct entry_bits *bits,
		      const struct entry_view *view, u64 value)
{
	u64 must = bits->must(view);

	return (value & must) == must && !(value & ~bits->may(view));
}

void entry_checks_report(const struct entry_check *check)
{
	u64 value = entry_checks_read(check->field);
	char text[SENTENCE_SIZE], other[80] = "";

	if (check->other) {
		u64 second = entry_checks_read(check->other);

		snprintf(other, sizeof(other), " and %s is 0x%llx",
			 vmcs_fields_name(check->other),
			 (unsigned long long)second);
	}
	snprintf(text, sizeof(text), "%s is 0x%llx%s: %s - SDM 3C %s",
		 vmcs_fields_name(check->field), (unsigned long long)value,
		 other, check->rule, check->section);
	entry_checks_tell(check->field, check->rule, text);
}

/** The lowest bit that is wrong; others follow when it is mended. */
static void report_bit(const struct entry_check *check,
		       const struct entry_view *view)
{
	const struct entry_bits *bits = check->bits;
	u64 value = entry_checks_read(check->field);
	u64 missing = bits->must(view) & ~value;
	unsigned int bit =
		__builtin_ctzll(missing | (value & ~bits->may(view)));
	const char *name = bits->names[bit] ? bits->names[bit] : "reserved";
	char text[SENTENCE_SIZE];

	snprintf(text, sizeof(text),
		 "%s is 0x%llx: bit %u (%s) must be %u by %s - SDM 3C %s",
		 vmcs_fields_name(check->field), (unsigned long long)value,
		 bit, name, missing >> bit & 1 ? 1 : 0, bits->source,
		 check->section);
	entry_checks_tell(check->field, bits->source, text);
}

bool entry_checks_run(const struct entry_view *view,
		      const struct entry_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct entry_check *check = &checks[i];
		u64 value;

		if (check->when && !check->when(view)) {
			continue;
		}
		value = entry_checks_read(check->field);
		if (check->bits &&
		    !bits_hold(check->bits, view, value)) {
			report_bit(check, view);
			return false;
		}
		if (!check->bits && !check->holds(view, value)) {
			entry_checks_report(check);
			return false;
		}
	}
	return true;
}

/** A word of controls whose field may be missing: read if it is offered. */
static bool activates(u32 primary, u32 control)
{
	u64 capability = vmx_unit->capability(IA32_VMX_PROCBASED_CTLS);

	return primary & control & (u32)(capability >> 32);
}

void entry_checks_look(struct entry_view *view)
{
	u32 event = entry_checks_read(VM_ENTRY_INTR_INFO);
	u32 cpu = entry_checks_read(CPU_BASED_VM_EXEC_CONTROL);

	view->pin = entry_checks_read(PIN_BASED_VM_EXEC_CONTROL);
	view->cpu = cpu;
	view->cpu2 = activates(cpu, CPU_SECONDARY_CONTROLS) ?
			     entry_checks_read(SECONDARY_VM_EXEC_CONTROL) : 0;
	view->cpu3 = activates(cpu, CPU_TERTIARY_CONTROLS) ?
			     entry_checks_read(TERTIARY_VM_EXEC_CONTROL) : 0;
	view->exit = entry_checks_read(VM_EXIT_CONTROLS);
	view->entry = entry_checks_read(VM_ENTRY_CONTROLS);
	view->event = event & INTR_INFO_VALID ? event : 0;
	view->cr0 = entry_checks_read(GUEST_CR0);
	view->rflags = entry_checks_read(GUEST_RFLAGS);
	view->ia32e = view->entry & ENTRY_IA32E_MODE_GUEST;
	view->unrestricted = view->cpu2 & CPU2_UNRESTRICTED_GUEST;
	view->v8086 = view->rflags & RFLAGS_VM;
	view->silent = false;
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
