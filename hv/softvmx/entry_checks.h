/** @file
 * The checks that VM entry makes, each with its rule in words (SDM 3C 27).
 *
 * A processor that finds a VMCS wrong says "invalid control field" or "invalid
 * guest state" and not which.  Here every rule of the manual is a row of a
 * table: the field that is to blame, the section, when the rule applies, a
 * function that says whether it holds, and the rule as a sentence:
 *
 *	GUEST_CR0 is 0x80000020: PG is set but PE is not - SDM 3C 27.3.1.1
 *
 * The checks read the current VMCS by vmread() and the capabilities by
 * vmx_unit, so that they judge a VMCS of either unit.  The soft unit makes them
 * part by part, as far as VMWRITE has touched what they look at; in front of
 * the native unit, run.c makes all of them when the command line says
 * vmx_check=1.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_H
#define HV_SOFTVMX_ENTRY_CHECKS_H

#include "bus/types.h"

/** What VMLAUNCH or VMRESUME does with a VMCS (SDM 3C 27.2, 27.8). */
struct entry_verdict {
	u32 error;	   /* VM-instruction error 7 or 8, else 0 */
	u32 reason;	   /* basic reason of the failed entry: 33, 34, or 0 */
	u64 qualification; /* of that exit */
};

/**
 * Make all checks in the manual's order, up to the first broken rule.
 * @param verdict filled: what the instruction will do; all 0 when it enters
 * @return whether the VMCS is valid
 * There must be a current VMCS.
 */
bool entry_checks_all(struct entry_verdict *verdict) __must_check;

/* The parts.  Each stops at the first broken rule and returns false. */

/** SDM 3C 27.2.1: all controls, and the event to be injected. */
bool entry_checks_controls(void) __must_check;

/** Of these the event alone, if it is marked valid (SDM 3C 27.2.1.3): for an
 * entry whose controls are those of the last one. */
bool entry_checks_event(void) __must_check;

/**
 * Of SDM 3C 27.3.1.2 the rules about segment registers, without a word about
 * one that is broken: for who asks whether the guest can be entered at all.
 */
bool entry_checks_segments_hold(void) __must_check;

/** SDM 3C 27.2.2 to 27.2.4: the host state. */
bool entry_checks_host(void) __must_check;

/** SDM 3C 27.3.1.1 to 27.3.1.3: control registers, MSRs, segments, tables. */
bool entry_checks_guest(void) __must_check;

/**
 * SDM 3C 27.3.1.4 and 27.3.1.5: RIP, RFLAGS, activity, interruptibility,
 * pending debug exceptions: what changes from entry to entry.
 * @param qualification set when a rule is broken: 3 for an NMI, else 0
 */
bool entry_checks_state(u64 *qualification) __must_check;

/**
 * SDM 3C 27.3.1.5, the VMCS link pointer, and 27.3.1.6, the PDPTEs.
 * @param qualification set when a rule is broken: 4 or 2
 */
bool entry_checks_memory(u64 *qualification) __must_check;

/**
 * SDM 3C 27.4: one entry of the VM-entry MSR-load list.
 * @param number 1 for the first: what the exit qualification will be
 * @param index  bits 63:0 of the entry: the MSR, and 32 bits that must be 0
 * @param value  bits 127:64
 * @return false for an entry that no processor loads.  Only the processor
 *	knows all values that WRMSR refuses; the usual MSRs are looked at here
 */
bool entry_checks_msr(u32 number, u64 index, u64 value) __must_check;

/** The same entry, when WRMSR has been tried and has faulted. */
void entry_checks_msr_refused(u32 number, u64 index, u64 value);

/** The last broken rule of this CPU as a sentence; "" if there was none. */
const char *entry_checks_sentence(void);

/** What to do to have a sentence, to be put behind other words; "" if there is
 * one. */
const char *entry_checks_hint(void);

/** Forget the sentence: the entry it was about is history. */
void entry_checks_forget(void);

/** Bits 63:47 all equal (SDM 1 3.3.7.1). */
static inline bool entry_checks_is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/** Whether broken rules are printed as they are found; tests break many. */
extern bool entry_checks_printed;

#endif
