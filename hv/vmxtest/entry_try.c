/** @file
 * Trying one row of the tests of VM entry.
 *
 *	valid VMCS, broken   what do the checks say, in which words?
 *	VMLAUNCH             does the unit do the same?  (Bochs: entry_bochs.c)
 *	mended, VMLAUNCH     nothing of the guest's state has been lost
 *	broken again         VMRESUME of a VMCS that has run sees it too: the
 *	                     soft unit looks only at what VMWRITE has touched
 *
 * The checks themselves are not in between on the native unit: there the
 * processor's own answer is compared with what they predict.
 */
#include "hv/vmxtest/entry_try.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_error.h"
#include "hv/vmxtest/entry_bochs.h"
#include "hv/vmxtest/entry_report.h"

#define NOT_OFFERED " must be 0 by IA32_VMX_"
#define SHADOW_VMCS BIT(31)

/** What the fields were before they were changed. */
static u64 before[ENTRY_CHANGES];

/** A field that the unit does not have keeps its control from being offered. */
static u64 read_field(enum vmcs_field field)
{
	u64 value = 0;

	return vmx_unit->vmread(field, &value) ? 0 : value;
}

static void write_field(enum vmcs_field field, u64 value)
{
	if (vmx_unit->vmwrite(field, value)) {
		return; /* missing, as above */
	}
}

static u64 changed(const struct entry_change *change, u64 value)
{
	switch (change->kind) {
	case CHANGE_SET:
		return change->value;
	case CHANGE_ON:
		return value | change->value;
	case CHANGE_OFF:
		return value & ~change->value;
	case CHANGE_SPARE:
		return virt_to_hpa(entry_rig.spare).v + change->value;
	case CHANGE_VMCS:
		return entry_rig.vmcs.v;
	case CHANGE_NONE:
		break;
	}
	return value;
}

/** Break the VMCS; a field may be changed twice, so it is kept each time. */
static void apply(const struct entry_row *row)
{
	for (unsigned int i = 0; i < ENTRY_CHANGES; i++) {
		const struct entry_change *change = &row->change[i];

		if (change->kind != CHANGE_NONE) {
			before[i] = read_field(change->field);
			write_field(change->field, changed(change, before[i]));
		}
	}
}

/** Mend it, the last change first. */
static void undo(const struct entry_row *row)
{
	for (unsigned int i = ENTRY_CHANGES; i-- > 0;) {
		if (row->change[i].kind != CHANGE_NONE) {
			write_field(row->change[i].field, before[i]);
		}
	}
}

static void fill_spare(const struct entry_row *row)
{
	memcpy(entry_rig.spare, row->spare, sizeof(row->spare));
	switch (row->first) {
	case FIRST_REVISION:
		entry_rig.spare[0] = vmx_caps.revision;
		break;
	case FIRST_SHADOW:
		entry_rig.spare[0] = vmx_caps.revision | SHADOW_VMCS;
		break;
	case FIRST_OTHER:
		entry_rig.spare[0] = vmx_caps.revision ^ 1;
		break;
	case FIRST_PLAIN:
		break;
	}
}

static bool is_reachable(const struct entry_row *row)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(row->needs); i++) {
		if (!vmx_caps_has(row->needs[i].word, row->needs[i].controls)) {
			return false;
		}
	}
	return true;
}

/** What the row says must come of the entry. */
static struct entry_outcome wanted(const struct entry_row *row)
{
	u32 error = is_reachable(row) ? row->error : VMX_ERROR_ENTRY_CONTROLS;

	return entry_rig_outcome(error, row->reason, row->qualification);
}

static const char *expect(const char *when, struct entry_outcome seen,
			  struct entry_outcome want)
{
	char is[48], must[48];

	if (entry_rig_same(&seen, &want)) {
		return NULL;
	}
	entry_rig_describe(&seen, is, sizeof(is));
	entry_rig_describe(&want, must, sizeof(must));
	return entry_report_say("%s: %s, expected %s; the checks say: %s",
				when, is, must, entry_checks_sentence());
}

/** Has the sentence the row's words, and does it begin with its field? */
static const char *judge_sentence(const struct entry_row *row)
{
	const char *sentence = entry_checks_sentence();
	const char *words = is_reachable(row) ? row->words : NOT_OFFERED;
	u32 blames = row->blames ? row->blames : row->change[0].field;
	const char *field = vmcs_fields_name(blames);
	char pattern[160];

	snprintf(pattern, sizeof(pattern), "*%s*", words ? words : "");
	if (!string_glob(pattern, sentence)) {
		return entry_report_say("the sentence is: %s; its words must "
					"be: %s", sentence, words);
	}
	if (words && is_reachable(row) && blames != ~0u &&
	    strncmp(sentence, field, strlen(field)) != 0) {
		return entry_report_say("the sentence blames another field "
					"than %s: %s", field, sentence);
	}
	return NULL;
}

/** The checks alone: what do they predict? */
static const char *judge_checks(const struct entry_row *row)
{
	struct entry_verdict verdict;
	const char *wrong;

	if (entry_checks_all(&verdict)) {
		verdict = (struct entry_verdict){ 0 };
	}
	wrong = expect("the checks",
		       entry_rig_outcome(verdict.error, verdict.reason,
					 verdict.qualification),
		       wanted(row));
	return wrong ? wrong : judge_sentence(row);
}

/** What this machine does: the manual's answer, or a deviation we know of. */
static struct entry_outcome wanted_here(const struct entry_row *row)
{
	const struct entry_bochs *bochs = entry_bochs_find(row->name);

	if (!bochs) {
		return wanted(row);
	}
	return entry_rig_outcome(bochs->error, bochs->reason,
				 bochs->qualification);
}

/** What the soft unit says of an entry that failed is the same sentence. */
static const char *enter(const struct entry_row *row, const char *when)
{
	const char *wrong;

	if (vmx_unit_is_soft) {
		entry_checks_forget();
	}
	wrong = expect(when, entry_rig_enter(), wanted_here(row));
	if (!wrong && vmx_unit_is_soft && row->words) {
		wrong = judge_sentence(row);
	}
	return wrong;
}

const char *entry_try_row(const struct entry_row *row)
{
	struct entry_outcome runs = { .result = VMX_SUCCEED };
	const char *wrong;

	if (!entry_rig_prepare(row->mode)) {
		return "this unit has no unrestricted guests";
	}
	fill_spare(row);
	apply(row);
	wrong = judge_checks(row);
	if (!wrong && row->words) {
		entry_report_broken(entry_checks_sentence());
	}
	wrong = wrong ? wrong : enter(row, "VMLAUNCH");
	if (wrong || !row->words) {
		return wrong;
	}
	undo(row);
	wrong = expect("mended", entry_rig_enter(), runs);
	apply(row);
	return wrong ? wrong : enter(row, "VMRESUME");
}

const char *entry_try_mode(enum entry_mode mode)
{
	const struct entry_row row = { .name = entry_modes_name(mode),
				       .mode = mode };
	struct entry_outcome runs = { .result = VMX_SUCCEED };
	const char *wrong = entry_try_row(&row);

	return wrong ? wrong : expect("again", entry_rig_enter(), runs);
}
