/** @file
 * The rules about segment registers, for the two files that have them.
 *
 * A rule takes a segment register with all that is known of it; its row says
 * for which registers it holds, and of which field it speaks.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_SEGMENT_H
#define HV_SOFTVMX_ENTRY_CHECKS_SEGMENT_H

#include "hv/softvmx/entry_checks_row.h"
#include "hv/softvmx/vmcb_segments.h"

/** A segment register of the guest. */
struct segment {
	const struct entry_view *view;
	unsigned int index; /* enum vmcb_segment_index */
	u64 selector, base, limit, rights;
};

/** A rule about segment registers. */
struct segment_check {
	u32 registers; /* BIT(SEGMENT_..) for each that it is about */
	u32 field;     /* of ES: those of the others follow, two apart */
	bool (*when)(const struct segment *s); /* NULL: always */
	bool (*holds)(const struct segment *s);
	const char *rule;
	u32 other; /* a second field to print, 0: none; of ES as above, too, */
	bool own;  /* ... if it is a field of the same register */
};

#define CS BIT(VMCB_CS)
#define SS BIT(VMCB_SS)
#define TR BIT(VMCB_TR)
#define LDTR BIT(VMCB_LDTR)
#define DS_TO_GS (BIT(VMCB_DS) | BIT(VMCB_ES) | BIT(VMCB_FS) | BIT(VMCB_GS))
#define CODE_AND_DATA (CS | SS | DS_TO_GS)
#define SELECTOR GUEST_ES_SELECTOR
#define BASE GUEST_ES_BASE
#define LIMIT GUEST_ES_LIMIT
#define RIGHTS GUEST_ES_AR_BYTES

/* When a rule applies. */

/** What an unusable register holds is not looked at; CS is always usable. */
static inline bool segment_is_usable(const struct segment *s)
{
	return s->index == VMCB_CS || !(s->rights & SEG_AR_UNUSABLE);
}

static inline bool segment_is_v8086(const struct segment *s)
{
	return s->view->v8086;
}

/** Rules that an unrestricted guest is excused from: real mode has none. */
static inline bool segment_is_restricted(const struct segment *s)
{
	return !s->view->v8086 && !s->view->unrestricted;
}

/** Go through a table of such rules, like entry_checks_run(). */
bool entry_checks_segment_run(const struct segment segments[VMCB_SEGMENTS],
			      const struct segment_check *checks,
			      size_t count) __must_check;

/** The rules about access rights of registers outside virtual-8086 mode. */
bool entry_checks_rights(const struct segment segments[VMCB_SEGMENTS])
	__must_check;

#endif
