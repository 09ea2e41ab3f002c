/** @file
 * The checks that VM entry makes, each with its rule in words (SDM 3C 27).
 *
 * A processor that finds a VMCS wrong says "invalid control" or "invalid guest
 * state" and not which.  Here every rule is a row of a table: the field that is
 * to blame, the rule as a sentence with its section, and a function that says
 * whether it holds.  The first that does not is printed with the value found.
 *
 * The checks read the current VMCS by vmread() and the capabilities by
 * vmx_unit, so they can judge a VMCS of the native unit as well.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_H
#define HV_SOFTVMX_ENTRY_CHECKS_H

#include "bus/types.h"
#include "hv/vmx/vmcs_fields.h"

/** One rule. */
struct entry_check {
	enum vmcs_field field; /* whose value is printed */
	bool (*holds)(void);
	const char *rule; /* what is required, with the SDM's section */
};

/**
 * Go through a table until a rule does not hold, and report that one.
 * @return whether all hold
 */
bool entry_checks_run(const struct entry_check *checks,
		      size_t count) __must_check;

/** Say that a field breaks a rule: printed, and kept for the sentence below. */
void entry_checks_report(enum vmcs_field field, const char *rule);

/** The last broken rule of this CPU as a sentence; "" if there was none. */
const char *entry_checks_sentence(void);

/** SDM 3C 27.2.1: all controls.  @return whether they are valid */
bool entry_checks_control_all(void) __must_check;

/** SDM 3C 27.2.1.3: the event to be injected, if it is marked valid. */
bool entry_checks_control_event(void) __must_check;

/** SDM 3C 27.2.2 to 27.2.4: the host state. */
bool entry_checks_host_all(void) __must_check;

/**
 * SDM 3C 27.3.1: the guest state, but for what changes at each exit.
 * @param qualification set to 4 for the VMCS link pointer, else 0
 */
bool entry_checks_guest_all(u64 *qualification) __must_check;

/** The same for RIP, RFLAGS, activity and interruptibility: each time. */
bool entry_checks_guest_hot(void) __must_check;

/* Small questions that the tables share. */

/** The controls, secondary ones 0 when they are not activated. */
u32 entry_checks_cpu2(void);

/** Bits 63:47 all equal (SDM 1 3.3.7.1). */
bool entry_checks_is_canonical(u64 address);

/** No bit beyond the machine's physical addresses, and memory we can reach. */
bool entry_checks_is_physical(u64 address);

/** A valid PAT: each byte 0, 1, 4, 5, 6 or 7 (SDM 3C 27.2.2). */
bool entry_checks_is_pat(u64 pat);

#endif
