/** @file
 * The event to be injected (SDM 3C 27.2.1.3): VMfail, error 7.
 *
 * An entry can deliver an interrupt or exception as if it had happened in the
 * guest.  A word describes it - type, vector, error code or not - and not every
 * combination is an event that exists.  Nothing is looked at unless the word is
 * marked valid, and this table is apart, because the controls stay from entry
 * to entry and the event does not.  Its place in the manual is between the
 * entry controls and their MSR list (entry_checks_switch.c).
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define SECTION "27.2.1.3"

/** IA32_VMX_BASIC: an exception may come with or without an error code. */
#define BASIC_ANY_ERROR_CODE BIT(56)
/** IA32_VMX_MISC: a software event's instruction may have length 0. */
#define MISC_LENGTH_0 BIT(30)

/** Exceptions that push an error code (SDM 3A table 6-1). */
#define HAS_ERROR_CODE \
	(BIT(VECTOR_DF) | BITS(VECTOR_PF, VECTOR_TS) | BIT(VECTOR_AC))

static unsigned int type_of(const struct entry_view *view)
{
	return bits(view->event, 10, 8);
}

static bool delivers_code(const struct entry_view *view)
{
	return view->event & INTR_INFO_HAS_ERROR_CODE;
}

static bool is_software(const struct entry_view *view)
{
	return type_of(view) >= INTR_TYPE_SOFT_INTERRUPT &&
	       type_of(view) <= INTR_TYPE_SOFT_EXCEPTION;
}

/** 7, "other event", is a pending MTF exit, where there is such a thing. */
static bool type_exists(const struct entry_view *view, u64 event)
{
	u64 cpu = vmx_unit->capability(IA32_VMX_PROCBASED_CTLS) >> 32;

	(void)event;
	return type_of(view) != 1 && (type_of(view) != INTR_TYPE_OTHER ||
				      (cpu & CPU_MONITOR_TRAP_FLAG));
}

static bool vector_fits(const struct entry_view *view, u64 event)
{
	unsigned int vector = event & INTR_INFO_VECTOR;

	switch (type_of(view)) {
	case INTR_TYPE_NMI:
		return vector == VECTOR_NMI;
	case INTR_TYPE_HARD_EXCEPTION:
		return vector < 32;
	case INTR_TYPE_OTHER:
		return vector == 0;
	default:
		return true;
	}
}

/** In real mode no exception has an error code. */
static bool can_have_code(const struct entry_view *view)
{
	return type_of(view) == INTR_TYPE_HARD_EXCEPTION &&
	       (!view->unrestricted || (view->cr0 & CR0_PE));
}

static bool code_is_possible(const struct entry_view *view, u64 event)
{
	(void)event;
	return !delivers_code(view) || can_have_code(view);
}

/** Both ways: a missing error code would shift the handler's stack frame. */
static bool code_is_right(const struct entry_view *view, u64 event)
{
	bool pushes = HAS_ERROR_CODE >> (event & INTR_INFO_VECTOR) & 1;

	return delivers_code(view) == pushes;
}

static bool vectors_have_codes(const struct entry_view *view)
{
	return can_have_code(view) && !(vmx_unit->capability(IA32_VMX_BASIC) &
					BASIC_ANY_ERROR_CODE);
}

static bool is_reserved_0(const struct entry_view *view, u64 event)
{
	(void)view;
	return !(event & BITS(30, 12));
}

static bool is_16_bits(const struct entry_view *view, u64 code)
{
	(void)view;
	return !(code & BITS(31, 16));
}

static bool is_length(const struct entry_view *view, u64 length)
{
	bool may_be_0 = vmx_unit->capability(IA32_VMX_MISC) & MISC_LENGTH_0;

	(void)view;
	return length <= 15 && (length || may_be_0);
}

static const struct entry_check checks[] = {
	{ VM_ENTRY_INTR_INFO, SECTION, NULL, type_exists,
	  .rule = "the type, bits 10:8, must not be 1, nor 7 without the monitor trap flag" },
	{ VM_ENTRY_INTR_INFO, SECTION, NULL, vector_fits,
	  .rule = "the vector, bits 7:0, must be 2 for an NMI, 0 to 31 for exceptions, 0 for MTF" },
	{ VM_ENTRY_INTR_INFO, SECTION, NULL, code_is_possible,
	  .rule = "bit 11: only a hardware exception outside of real mode has an error code" },
	{ VM_ENTRY_INTR_INFO, SECTION, vectors_have_codes, code_is_right,
	  .rule = "bit 11 must be 1 for exceptions with an error code (8, 10 to 14, 17), else 0" },
	{ VM_ENTRY_INTR_INFO, SECTION, NULL, is_reserved_0,
	  .rule = "bits 30:12 are reserved and must be 0" },
	{ VM_ENTRY_EXCEPTION_ERROR_CODE, SECTION, delivers_code, is_16_bits,
	  .rule = "bits 31:16 of the error code to be delivered must be 0" },
	{ VM_ENTRY_INSTRUCTION_LEN, SECTION, is_software, is_length,
	  .rule = "the instruction of a software event has 1 to 15 bytes" },
};

bool entry_checks_event(void)
{
	struct entry_view view;

	entry_checks_look(&view);
	return !view.event ||
	       entry_checks_run(&view, checks, ARRAY_SIZE(checks));
}
