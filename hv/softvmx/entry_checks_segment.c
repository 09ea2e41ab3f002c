/** @file
 * Guest segment registers: selectors, bases, limits (SDM 3C 27.3.1.2): VM exit
 * 33.
 *
 * A segment is made of four fields - selector, base, limit, access rights -
 * which must agree with each other, with the mode, and with the other segments.
 * In virtual-8086 mode all follow from the selector.  Otherwise the access
 * rights have most of the rules: entry_checks_rights.c.
 */
#include "hv/softvmx/entry_checks_segment.h"

#define NOT_CANONICAL "the address must be canonical: bits 63:47 all equal"

#define V8086 "in virtual-8086 mode (GUEST_RFLAGS.VM is 1) "

#define RIGHTS_V8086 0xf3 /* present, DPL 3, data */

static struct segment read_segment(const struct entry_view *view,
				   unsigned int index)
{
	return (struct segment){
		.view = view,
		.index = index,
		.selector = entry_checks_read(SELECTOR + 2 * index),
		.base = entry_checks_read(BASE + 2 * index),
		.limit = entry_checks_read(LIMIT + 2 * index),
		.rights = entry_checks_read(RIGHTS + 2 * index),
	};
}

static bool ti_is_0(const struct segment *s)
{
	return !(s->selector & BIT(2));
}

static bool rpl_is_cs(const struct segment *s)
{
	return bits(s->selector, 1, 0) ==
	       bits(entry_checks_read(GUEST_CS_SELECTOR), 1, 0);
}

static bool base_is_v8086(const struct segment *s)
{
	return s->base == s->selector << 4;
}

static bool base_is_canonical(const struct segment *s)
{
	return entry_checks_is_canonical(s->base);
}

static bool base_is_32_bits(const struct segment *s)
{
	return !(s->base >> 32);
}

static bool limit_is_v8086(const struct segment *s)
{
	return s->limit == 0xffff;
}

static bool rights_are_v8086(const struct segment *s)
{
	return s->rights == RIGHTS_V8086;
}

/* In the manual's order. */
static const struct segment_check segment_checks[] = {
	{ TR, SELECTOR, NULL, ti_is_0, .rule = "TI, bit 2, must be 0: TSSs are in the GDT" },
	{ LDTR, SELECTOR, segment_is_usable, ti_is_0,
	  .rule = "TI, bit 2, must be 0: LDTs are in the GDT" },
	{ SS, SELECTOR, segment_is_restricted, rpl_is_cs,
	  .rule = "its RPL must equal that of CS", .other = GUEST_CS_SELECTOR },
	{ CODE_AND_DATA, BASE, segment_is_v8086, base_is_v8086,
	  .rule = V8086 "the base must be the selector times 16",
	  .other = SELECTOR, .own = true },
	{ TR | BIT(VMCB_FS) | BIT(VMCB_GS), BASE, NULL, base_is_canonical,
	  .rule = NOT_CANONICAL },
	{ LDTR, BASE, segment_is_usable, base_is_canonical, .rule = NOT_CANONICAL },
	{ CS | SS | BIT(VMCB_DS) | BIT(VMCB_ES), BASE, segment_is_usable, base_is_32_bits,
	  .rule = "bits 63:32 must be 0" },
	{ CODE_AND_DATA, LIMIT, segment_is_v8086, limit_is_v8086,
	  .rule = V8086 "the limit must be 0xffff" },
	{ CODE_AND_DATA, RIGHTS, segment_is_v8086, rights_are_v8086,
	  .rule = V8086 "the access rights must be 0xf3" },
};

/** As a row of one field, which is what the engine can tell. */
static void tell(const struct segment_check *check, const struct segment *s)
{
	struct entry_check row = {
		.field = check->field + 2 * s->index,
		.section = "27.3.1.2",
		.rule = check->rule,
		.other = check->other,
	};

	if (check->own) {
		row.other += 2 * s->index;
	}
	if (!s->view->silent) {
		entry_checks_report(&row);
	}
}

bool entry_checks_segment_run(const struct segment segments[VMCB_SEGMENTS],
			      const struct segment_check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct segment_check *check = &checks[i];
		u32 left = check->registers;

		for (; left; left &= left - 1) {
			const struct segment *s =
				&segments[__builtin_ctz(left)];

			if ((!check->when || check->when(s)) &&
			    !check->holds(s)) {
				tell(check, s);
				return false;
			}
		}
	}
	return true;
}

bool entry_checks_segments(const struct entry_view *view)
{
	struct segment segments[VMCB_SEGMENTS];

	for (unsigned int i = 0; i < VMCB_SEGMENTS; i++) {
		segments[i] = read_segment(view, i);
	}
	return entry_checks_segment_run(segments, segment_checks,
					ARRAY_SIZE(segment_checks)) &&
	       entry_checks_rights(segments);
}

bool entry_checks_segments_hold(void)
{
	struct entry_view view;

	entry_checks_look(&view);
	view.silent = true;
	return entry_checks_segments(&view);
}
