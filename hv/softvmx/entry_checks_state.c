/** @file
 * Guest RIP and RFLAGS (SDM 3C 27.3.1.4) and the activity state (27.3.1.5): VM
 * exit 33.
 *
 * This is what changes from entry to entry, and what an exit handler touches:
 * where the guest goes on, and whether it sleeps.  An event to be injected must
 * fit in with that: not every event wakes a processor that is halted.  Whether
 * events are blocked is the matter of entry_checks_blocking.c.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define RIP "27.3.1.4"
#define STATE "27.3.1.5"

/** RFLAGS: bits that are always 0. */
#define RFLAGS_RESERVED (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3))

#define BLOCKED (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)

/** IA32_VMX_MISC: bit 5 + n, the activity state n is offered. */
#define MISC_ACTIVITY 5

static bool injects_any(const struct entry_view *view)
{
	return view->event;
}

/** Only 64-bit code has addresses beyond 4 GiB; compatibility mode has not. */
static bool is_64bit_code(const struct entry_view *view)
{
	return view->ia32e && (entry_checks_read(GUEST_CS_AR_BYTES) & SEG_AR_L);
}

static bool is_32bit_code(const struct entry_view *view)
{
	return !is_64bit_code(view);
}

static bool is_below_4g(const struct entry_view *view, u64 rip)
{
	(void)view;
	return !(rip >> 32);
}

/** Not quite "canonical": bit 47 may differ, the fetch will fault then. */
static bool is_48_bits(const struct entry_view *view, u64 rip)
{
	u64 upper = bits(rip, 63, 48);

	(void)view;
	return upper == 0 || upper == 0xffff;
}

static bool rflags_fit(const struct entry_view *view, u64 rflags)
{
	(void)view;
	return (rflags & RFLAGS_FIXED) && !(rflags & RFLAGS_RESERVED);
}

static bool vm_fits(const struct entry_view *view, u64 rflags)
{
	return !(rflags & RFLAGS_VM) || (!view->ia32e && (view->cr0 & CR0_PE));
}

/** An interrupt cannot arrive where interrupts are off. */
static bool if_is_1(const struct entry_view *view, u64 rflags)
{
	(void)view;
	return rflags & RFLAGS_IF;
}

static bool activity_exists(const struct entry_view *view, u64 activity)
{
	u64 misc = vmx_unit->capability(IA32_VMX_MISC);

	(void)view;
	return activity == ACTIVITY_ACTIVE ||
	       (activity <= ACTIVITY_WAIT_FOR_SIPI &&
		(misc >> (MISC_ACTIVITY + activity) & 1));
}

/** HLT is for privilege level 0 alone. */
static bool hlt_is_privileged(const struct entry_view *view, u64 activity)
{
	(void)view;
	return activity != ACTIVITY_HLT ||
	       !(entry_checks_read(GUEST_SS_AR_BYTES) & SEG_AR_DPL);
}

/** A CPU that sleeps has executed an instruction since the STI or MOV SS. */
static bool activity_fits_blocking(const struct entry_view *view, u64 activity)
{
	(void)view;
	return activity == ACTIVITY_ACTIVE ||
	       !(entry_checks_read(GUEST_INTERRUPTIBILITY_STATE) & BLOCKED);
}

static bool is_exception(const struct entry_view *view, unsigned int vector)
{
	return entry_checks_injects(view, INTR_TYPE_HARD_EXCEPTION) &&
	       (view->event & INTR_INFO_VECTOR) == vector;
}

/** What can wake a processor from this state. */
static bool event_wakes(const struct entry_view *view, u64 activity)
{
	switch ((enum activity_state)activity) {
	case ACTIVITY_ACTIVE:
		return true;
	case ACTIVITY_HLT:
		return entry_checks_injects_interrupt(view) ||
		       entry_checks_injects_nmi(view) ||
		       entry_checks_injects(view, INTR_TYPE_OTHER) ||
		       is_exception(view, VECTOR_DB) ||
		       is_exception(view, VECTOR_MC);
	case ACTIVITY_SHUTDOWN:
		return entry_checks_injects_nmi(view) ||
		       is_exception(view, VECTOR_MC);
	case ACTIVITY_WAIT_FOR_SIPI:
		break;
	}
	return false;
}

static const struct entry_check checks[] = {
	{ GUEST_RIP, RIP, is_32bit_code, is_below_4g,
	  .rule = "bits 63:32 must be 0 outside of 64-bit mode", .other = GUEST_CS_AR_BYTES },
	{ GUEST_RIP, RIP, is_64bit_code, is_48_bits, .rule = "bits 63:48 must be all equal" },
	{ GUEST_RFLAGS, RIP, NULL, rflags_fit,
	  .rule = "bit 1 must be 1, bits 63:22, 15, 5 and 3 must be 0" },
	{ GUEST_RFLAGS, RIP, NULL, vm_fits,
	  .rule = "VM must be 0 in IA-32e mode and in real mode", .other = VM_ENTRY_CONTROLS },
	{ GUEST_RFLAGS, RIP, entry_checks_injects_interrupt, if_is_1,
	  .rule = "IF must be 1 for an external interrupt to be injected",
	  .other = VM_ENTRY_INTR_INFO },
	{ GUEST_ACTIVITY_STATE, STATE, NULL, activity_exists,
	  .rule = "IA32_VMX_MISC does not offer this activity state" },
	{ GUEST_ACTIVITY_STATE, STATE, NULL, hlt_is_privileged,
	  .rule = "1, HLT, needs DPL 0 in SS", .other = GUEST_SS_AR_BYTES },
	{ GUEST_ACTIVITY_STATE, STATE, NULL, activity_fits_blocking,
	  .rule = "it must be 0, active, when STI or MOV SS blocks events",
	  .other = GUEST_INTERRUPTIBILITY_STATE },
	{ GUEST_ACTIVITY_STATE, STATE, injects_any, event_wakes,
	  .rule = "the event to be injected does not wake a processor from this state",
	  .other = VM_ENTRY_INTR_INFO },
};

bool entry_checks_state(u64 *qualification)
{
	struct entry_view view;

	*qualification = 0;
	entry_checks_look(&view);
	return entry_checks_run(&view, checks, ARRAY_SIZE(checks)) &&
	       entry_checks_blocking(&view, qualification);
}
