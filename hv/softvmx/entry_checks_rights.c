/** @file
 * Guest segment registers: access rights (SDM 3C 27.3.1.2): VM exit 33.
 *
 *	rights  ... U G DB L AVL | 0 0 0 0 | P DPL DPL S | type
 *	bit        16 15 14 13 12            7  6   5  4   3..0
 *
 * What an unusable register (U) holds is not looked at, but in CS, which is
 * never unusable, and in TR, which must not be.  The DPL of SS is the privilege
 * level that the guest will run at.
 */
#include "hv/softvmx/entry_checks_segment.h"

#include "hv/x86/cr.h"

#define NOT_PRESENT "P, bit 7, must be 1: the segment must be present"
#define NOT_RESERVED "bits 31:17 and 11:8 are reserved and must be 0"
#define TOO_FINE "G must be 0: not all of the limit's bits 11:0 are 1"
#define TOO_FAR "G must be 1: the limit has bits set in 31:20"

/* Types of descriptors (SDM 3A tables 3-1 and 3-2). */
#define TYPE_ACCESSED BIT(0)
#define TYPE_READABLE BIT(1)
#define TYPE_CONFORMING BIT(2)
#define TYPE_CODE BIT(3)
#define TYPE_DATA 3 /* read/write, accessed, expand-up */
#define TYPE_LDT 2
#define TYPE_BUSY_TSS_16 3
#define TYPE_BUSY_TSS 11

static u64 type_of(const struct segment *s)
{
	return s->rights & SEG_AR_TYPE;
}

static unsigned int dpl_of(const struct segment *s)
{
	return bits(s->rights, 6, 5);
}

static unsigned int rpl_of(const struct segment *s)
{
	return bits(s->selector, 1, 0);
}

static bool is_protected(const struct segment *s)
{
	return !s->view->v8086;
}

static bool has_rights(const struct segment *s)
{
	return !s->view->v8086 && segment_is_usable(s);
}

static bool has_privilege(const struct segment *s)
{
	return segment_is_restricted(s) && segment_is_usable(s) &&
	       type_of(s) < 12;
}

static bool is_ia32e_code(const struct segment *s)
{
	return !s->view->v8086 && s->view->ia32e && (s->rights & SEG_AR_L);
}

/** Type 3, data, is what CS has in the real mode of an unrestricted guest. */
static bool type_is_code(const struct segment *s)
{
	u64 code = TYPE_CODE | TYPE_ACCESSED;

	return (type_of(s) & code) == code ||
	       (s->view->unrestricted && type_of(s) == TYPE_DATA);
}

/** A stack must be writable; expand-down, 7, is allowed. */
static bool type_is_stack(const struct segment *s)
{
	return type_of(s) == 3 || type_of(s) == 7;
}

static bool type_is_data(const struct segment *s)
{
	u64 type = type_of(s);

	return (type & TYPE_ACCESSED) &&
	       (!(type & TYPE_CODE) || (type & TYPE_READABLE));
}

static bool s_is_1(const struct segment *s)
{
	return s->rights & SEG_AR_S;
}

static bool s_is_0(const struct segment *s)
{
	return !s_is_1(s);
}

/** Conforming code may be more privileged than the stack. */
static bool cs_dpl_fits(const struct segment *s)
{
	unsigned int ss = bits(entry_checks_read(GUEST_SS_AR_BYTES), 6, 5);

	if (!(type_of(s) & TYPE_CODE)) {
		return dpl_of(s) == 0;
	}
	return type_of(s) & TYPE_CONFORMING ? dpl_of(s) <= ss :
					      dpl_of(s) == ss;
}

static bool dpl_is_rpl(const struct segment *s)
{
	return dpl_of(s) == rpl_of(s);
}

/** The DPL of SS is the CPL (SDM 3C 25.4.1), 0 in real mode. */
static bool ss_dpl_is_0(const struct segment *s)
{
	u64 cs = entry_checks_read(GUEST_CS_AR_BYTES);
	bool real = !(s->view->cr0 & CR0_PE) ||
		    (cs & SEG_AR_TYPE) == TYPE_DATA;

	return !real || dpl_of(s) == 0;
}

static bool dpl_admits_rpl(const struct segment *s)
{
	return dpl_of(s) >= rpl_of(s);
}

static bool p_is_1(const struct segment *s)
{
	return s->rights & SEG_AR_P;
}

static bool reserved_is_0(const struct segment *s)
{
	return !(s->rights & (BITS(31, 17) | BITS(11, 8)));
}

static bool db_is_0(const struct segment *s)
{
	return !(s->rights & SEG_AR_DB);
}

/** G counts the limit in pages: then its last twelve bits are ones. */
static bool g_allows_limit(const struct segment *s)
{
	return !(s->rights & SEG_AR_G) || bits(s->limit, 11, 0) == 0xfff;
}

static bool g_reaches_limit(const struct segment *s)
{
	return (s->rights & SEG_AR_G) || !(s->limit >> 20);
}

/** The task that runs is busy; 16-bit tasks exist outside of IA-32e mode. */
static bool type_is_tss(const struct segment *s)
{
	return type_of(s) == TYPE_BUSY_TSS ||
	       (!s->view->ia32e && type_of(s) == TYPE_BUSY_TSS_16);
}

static bool type_is_ldt(const struct segment *s)
{
	return type_of(s) == TYPE_LDT;
}

static bool tr_is_usable(const struct segment *s)
{
	return !(s->rights & SEG_AR_UNUSABLE);
}

/* In the manual's order: CS to GS, TR, LDTR. */
static const struct segment_check checks[] = {
	{ CS, RIGHTS, is_protected, type_is_code,
	  .rule = "the type must be accessed code, 9, 11, 13 or 15 (or 3 in an unrestricted guest)",
	   },
	{ SS, RIGHTS, has_rights, type_is_stack,
	  .rule = "the type must be writable accessed data: 3 or 7" },
	{ DS_TO_GS, RIGHTS, has_rights, type_is_data,
	  .rule = "the type must be accessed, and readable if it is code" },
	{ CODE_AND_DATA, RIGHTS, has_rights, s_is_1,
	  .rule = "S, bit 4, must be 1 for code and data" },
	{ CS, RIGHTS, is_protected, cs_dpl_fits,
	  .rule = "the DPL must equal that of SS (conforming code: not exceed it; type 3: be 0)",
	  .other = GUEST_SS_AR_BYTES },
	{ SS, RIGHTS, segment_is_restricted, dpl_is_rpl,
	  .rule = "the DPL must equal the selector's RPL", .other = GUEST_SS_SELECTOR },
	{ SS, RIGHTS, is_protected, ss_dpl_is_0,
	  .rule = "the DPL must be 0 in real mode, and when the type of CS is 3",
	  .other = GUEST_CS_AR_BYTES },
	{ DS_TO_GS, RIGHTS, has_privilege, dpl_admits_rpl,
	  .rule = "the DPL must not be less than the selector's RPL",
	  .other = SELECTOR, .own = true },
	{ CODE_AND_DATA, RIGHTS, has_rights, p_is_1, .rule = NOT_PRESENT },
	{ CODE_AND_DATA, RIGHTS, has_rights, reserved_is_0, .rule = NOT_RESERVED },
	{ CS, RIGHTS, is_ia32e_code, db_is_0,
	  .rule = "D/B, bit 14, must be 0 in 64-bit code, where L is 1" },
	{ CODE_AND_DATA, RIGHTS, has_rights, g_allows_limit,
	  .rule = TOO_FINE, .other = LIMIT, .own = true },
	{ CODE_AND_DATA, RIGHTS, has_rights, g_reaches_limit,
	  .rule = TOO_FAR, .other = LIMIT, .own = true },
	{ TR, RIGHTS, NULL, type_is_tss,
	  .rule = "the type must be 11, busy TSS, or 3 outside of IA-32e mode" },
	{ TR, RIGHTS, NULL, s_is_0, .rule = "S, bit 4, must be 0 for a TSS" },
	{ TR, RIGHTS, NULL, p_is_1, .rule = NOT_PRESENT },
	{ TR, RIGHTS, NULL, reserved_is_0, .rule = NOT_RESERVED },
	{ TR, RIGHTS, NULL, g_allows_limit, .rule = TOO_FINE, .other = LIMIT, .own = true },
	{ TR, RIGHTS, NULL, g_reaches_limit, .rule = TOO_FAR, .other = LIMIT, .own = true },
	{ TR, RIGHTS, NULL, tr_is_usable, .rule = "bit 16 must be 0: TR must be usable" },
	{ LDTR, RIGHTS, segment_is_usable, type_is_ldt, .rule = "the type must be 2, LDT" },
	{ LDTR, RIGHTS, segment_is_usable, s_is_0, .rule = "S, bit 4, must be 0 for an LDT" },
	{ LDTR, RIGHTS, segment_is_usable, p_is_1, .rule = NOT_PRESENT },
	{ LDTR, RIGHTS, segment_is_usable, reserved_is_0, .rule = NOT_RESERVED },
	{ LDTR, RIGHTS, segment_is_usable, g_allows_limit,
	  .rule = TOO_FINE, .other = LIMIT, .own = true },
	{ LDTR, RIGHTS, segment_is_usable, g_reaches_limit,
	  .rule = TOO_FAR, .other = LIMIT, .own = true },
};

bool entry_checks_rights(const struct segment segments[VMCB_SEGMENTS])
{
	return entry_checks_segment_run(segments, checks, ARRAY_SIZE(checks));
}
