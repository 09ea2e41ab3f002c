/** @file
 * Every bit of every control, host and guest field, flipped one at a time.
 *
 * The rows break the rules that somebody has thought of.  Here nobody thinks:
 * from valid VMCSs of several modes each single bit is flipped, and
 *
 *	the checks object    their sentence must name the field, and the unit
 *	                     must fail in just the way that they predict
 *	the checks do not    the unit must enter the guest
 *
 * For the control words there is more to know: the capability MSRs say of each
 * bit whether it may be flipped, and if it may not, the sentence must have its
 * number.  Some changes are not tried for real although they are valid: a host
 * state that an exit would load, lists and tables at addresses that have none.
 */
#include "hv/vmxtest/entry_bits.h"

#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmxtest/entry_bochs.h"
#include "hv/vmxtest/entry_report.h"
#include "hv/vmxtest/entry_rig.h"
#include "hv/x86/cr.h"

/** Where to start from; controls and host fields in the first only. */
static const enum entry_mode modes[] = {
	ENTRY_LONG, ENTRY_PAE_PLAIN, ENTRY_REAL, ENTRY_V8086,
};

static enum vmcs_area area_of(u32 field)
{
	return field >> 10 & 3;
}

static unsigned int width_of(u32 field)
{
	static const unsigned int widths[] = { 16, 64, 32, 64 };

	return widths[field >> 13 & 3];
}

/** The exit information is no input, and HOST_RSP is written by the entry. */
static bool is_input(u32 field)
{
	return area_of(field) != VMCS_EXITINFO && field != HOST_RSP;
}

static u32 field_at(size_t i)
{
	for (size_t n = 0; n < vmcs_fields_count(); n++) {
		if (is_input(vmcs_fields_at(n)) && i-- == 0) {
			return vmcs_fields_at(n);
		}
	}
	return ~0u;
}

size_t entry_bits_count(void)
{
	size_t count = 0;

	for (size_t n = 0; n < vmcs_fields_count(); n++) {
		count += is_input(vmcs_fields_at(n));
	}
	return count;
}

const char *entry_bits_name(size_t i)
{
	return vmcs_fields_name(field_at(i));
}

/** May a VMCS in which this field was changed be entered, if it is valid? */
static bool is_harmless(u32 field)
{
	switch (field) {
	case VM_EXIT_MSR_STORE_COUNT:
	case VM_EXIT_MSR_LOAD_COUNT:
	case VM_ENTRY_MSR_LOAD_COUNT:
	case EPT_POINTER:
	case GUEST_ACTIVITY_STATE: /* who sleeps like that never wakes */
		return false;
	default:
		return area_of(field) != VMCS_HOST;
	}
}

/** What became of one flip. */
struct flip {
	u32 field;
	enum entry_mode mode;
	unsigned int bit;
	u64 before;
	struct entry_outcome said; /* the checks' prediction */
};

static const char *fault(const struct flip *flip, const char *what)
{
	char said[48];

	entry_rig_describe(&flip->said, said, sizeof(said));
	return entry_report_say("%s: bit %u of 0x%llx: %s; the checks say %s: "
				"%s", entry_modes_name(flip->mode), flip->bit,
				(unsigned long long)flip->before, what, said,
				entry_checks_sentence());
}

/** Does the sentence have these words? */
static bool says(const char *words)
{
	char pattern[96];

	snprintf(pattern, sizeof(pattern), "*%s*", words);
	return string_glob(pattern, entry_checks_sentence());
}

/** A control bit: does the sentence agree with the capability MSR? */
static const char *judge_control(const struct flip *flip)
{
	enum vmx_control word = vmx_caps_control_of(flip->field);
	u32 bit = BIT(flip->bit);
	bool set = !(flip->before & bit);
	char words[32];

	if (word == VMX_CONTROL_COUNT) {
		return NULL;
	}
	snprintf(words, sizeof(words), "bit %u (", flip->bit);
	if (set ? vmx_caps.allowed1[word] & bit :
		  !(vmx_caps.allowed0[word] & bit)) {
		return says("must be ? by IA32_VMX_") ?
			       fault(flip, "the capability MSR allows it") :
			       NULL;
	}
	if (flip->said.error != 7 || !says(words)) {
		return fault(flip, "the capability MSR forbids it");
	}
	return NULL;
}

/** Ask the checks. */
static void predict(struct flip *flip)
{
	struct entry_verdict verdict;

	if (entry_checks_all(&verdict)) {
		verdict = (struct entry_verdict){ 0 };
	}
	flip->said = entry_rig_outcome(verdict.error, verdict.reason,
				       verdict.qualification);
}

static const char *judge_entry(const struct flip *flip)
{
	const struct entry_bochs_bits *bochs =
		entry_bochs_find_bit(flip->field, flip->bit, flip->mode);
	struct entry_outcome want = flip->said;
	struct entry_outcome did = entry_rig_enter();
	char text[64];

	if (bochs) {
		want = entry_rig_outcome(bochs->error, bochs->reason,
					 bochs->qualification);
	}
	if (entry_rig_same(&did, &want)) {
		return NULL;
	}
	entry_rig_describe(&did, text, sizeof(text));
	return fault(flip, text);
}

/**
 * Without VM the segments of virtual-8086 mode are those of no mode at all, and
 * the first of them is to blame.
 */
static bool is_told_otherwise(const struct flip *flip)
{
	return flip->mode == ENTRY_V8086 && flip->field == GUEST_RFLAGS &&
	       BIT(flip->bit) == RFLAGS_VM;
}

/** @param fresh set when the VMCS has to be made anew */
static const char *try_flip(struct flip *flip, bool *fresh)
{
	const char *wrong;
	bool valid;

	vmwrite(flip->field, flip->before ^ BIT(flip->bit));
	predict(flip);
	valid = entry_rig_entered(&flip->said);
	wrong = judge_control(flip);
	if (!wrong && !valid && !says(vmcs_fields_name(flip->field)) &&
	    !is_told_otherwise(flip)) {
		wrong = fault(flip, "its sentence does not name the field");
	}
	if (!wrong && (!valid || is_harmless(flip->field))) {
		wrong = judge_entry(flip);
		*fresh = valid;
	}
	vmwrite(flip->field, flip->before);
	return wrong;
}

static const char *sweep_mode(u32 field, enum entry_mode mode)
{
	struct flip flip = { .field = field, .mode = mode };
	const char *wrong = NULL;
	bool fresh = true;

	for (; !wrong && flip.bit < width_of(field); flip.bit++) {
		if (fresh && !entry_rig_prepare(mode)) {
			return "this unit has no unrestricted guests";
		}
		fresh = false;
		if (vmx_unit->vmread(field, &flip.before)) {
			return NULL; /* the unit does not have it */
		}
		wrong = try_flip(&flip, &fresh);
	}
	return wrong;
}

const char *entry_bits_sweep(size_t i)
{
	u32 field = field_at(i);
	size_t count = area_of(field) == VMCS_GUEST ? ARRAY_SIZE(modes) : 1;
	const char *wrong = NULL;

	for (size_t n = 0; !wrong && n < count; n++) {
		wrong = sweep_mode(field, modes[n]);
	}
	return wrong;
}
