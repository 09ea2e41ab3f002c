/** @file
 * VM-entry checks of the guest's segment registers (SDM 3C 27.3.1.2).
 *
 * A segment is made of four fields that must agree with each other, with the
 * mode, and with the other segments.  The rules that hold for several registers
 * take the register as a parameter, and the table says for which.
 */
#include "hv/softvmx/entry_checks_segment.h"

#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

/** A rule about one segment register. */
struct segment_check {
	u32 segments; /* BIT(SEGMENT_..) for each register that it is about */
	enum vmcs_field field; /* of ES: the others follow, two apart */
	bool (*holds)(unsigned int segment);
	const char *rule;
};

#define DATA_SEGMENTS                                                    \
	(BIT(SEGMENT_DS) | BIT(SEGMENT_ES) | BIT(SEGMENT_FS) | BIT(SEGMENT_GS))
#define CODE_AND_DATA (DATA_SEGMENTS | BIT(SEGMENT_CS) | BIT(SEGMENT_SS))
#define ALL_SEGMENTS (CODE_AND_DATA | BIT(SEGMENT_LDTR) | BIT(SEGMENT_TR))

/* Types of descriptors (SDM 3A tables 3-1 and 3-2). */
#define TYPE_ACCESSED BIT(0)
#define TYPE_READABLE BIT(1)
#define TYPE_CODE BIT(3)
#define TYPE_LDT 2
#define TYPE_BUSY_TSS_16 3
#define TYPE_BUSY_TSS 11

static enum vmcs_field field_of(enum vmcs_field of_es, unsigned int segment)
{
	return of_es + 2 * segment;
}

static u64 selector_of(unsigned int segment)
{
	return vmread(field_of(GUEST_ES_SELECTOR, segment));
}

static u64 base_of(unsigned int segment)
{
	return vmread(field_of(GUEST_ES_BASE, segment));
}

static u64 limit_of(unsigned int segment)
{
	return vmread(field_of(GUEST_ES_LIMIT, segment));
}

static u64 rights_of(unsigned int segment)
{
	return vmread(field_of(GUEST_ES_AR_BYTES, segment));
}

static u64 type_of(unsigned int segment)
{
	return rights_of(segment) & SEG_AR_TYPE;
}

static unsigned int dpl_of(unsigned int segment)
{
	return bits(rights_of(segment), 6, 5);
}

static bool is_usable(unsigned int segment)
{
	return !(rights_of(segment) & SEG_AR_UNUSABLE);
}

static bool is_virtual_8086(void)
{
	return vmread(GUEST_RFLAGS) & RFLAGS_VM;
}

static bool is_ia32e(void)
{
	return vmread(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST;
}

static bool is_unrestricted(void)
{
	return entry_checks_cpu2() & CPU2_UNRESTRICTED_GUEST;
}

/** TR and LDTR are described in the GDT, never in an LDT. */
static bool ti_is_clear(unsigned int segment)
{
	return !is_usable(segment) || !(selector_of(segment) & BIT(2));
}

/** CS and SS agree on the privilege level; unrestricted guests are excused,
 * whose real mode has selectors of any value. */
static bool rpl_equals_cs(unsigned int segment)
{
	return is_virtual_8086() || is_unrestricted() ||
	       bits(selector_of(segment), 1, 0) ==
		       bits(selector_of(SEGMENT_CS), 1, 0);
}

/* FS, GS, TR and LDTR have 64-bit bases, the others 32-bit ones. */
static bool base_is_canonical(unsigned int segment)
{
	return !is_usable(segment) ||
	       entry_checks_is_canonical(base_of(segment));
}

static bool base_is_32bit(unsigned int segment)
{
	return !is_usable(segment) || !(base_of(segment) >> 32);
}

/** Virtual-8086 mode: everything follows from the selector. */
static bool v8086_fits(unsigned int segment)
{
	return !is_virtual_8086() ||
	       (base_of(segment) == selector_of(segment) << 4 &&
		limit_of(segment) == 0xffff && rights_of(segment) == 0xf3);
}

/** Whether the rules about access rights apply at all. */
static bool has_rights(unsigned int segment)
{
	return !is_virtual_8086() && is_usable(segment);
}

/** Type 3, data, is what CS has in the real mode of an unrestricted guest. */
static bool cs_type_fits(unsigned int segment)
{
	u64 type = type_of(segment);
	u64 code = TYPE_CODE | TYPE_ACCESSED;

	return is_virtual_8086() || (type & code) == code ||
	       (is_unrestricted() && type == 3);
}

/** A stack must be writable; expand-down is allowed. */
static bool ss_type_fits(unsigned int segment)
{
	return !has_rights(segment) || type_of(segment) == 3 ||
	       type_of(segment) == 7;
}

static bool data_type_fits(unsigned int segment)
{
	u64 type = type_of(segment);

	return !has_rights(segment) ||
	       ((type & TYPE_ACCESSED) &&
		(!(type & TYPE_CODE) || (type & TYPE_READABLE)));
}

/* S, P and the reserved bits mean nothing in an unusable register. */
static bool is_code_or_data(unsigned int segment)
{
	return !has_rights(segment) || (rights_of(segment) & SEG_AR_S);
}

static bool is_system(unsigned int segment)
{
	return !is_usable(segment) || !(rights_of(segment) & SEG_AR_S);
}

static bool is_present(unsigned int segment)
{
	return !is_usable(segment) || (rights_of(segment) & SEG_AR_P);
}

static bool is_usable_segment(unsigned int segment)
{
	return is_usable(segment);
}

static bool rights_reserved(unsigned int segment)
{
	return !is_usable(segment) ||
	       !(rights_of(segment) & (BITS(31, 17) | BITS(11, 8)));
}

/** G, and what it says of the limit's ends. */
static bool granularity_fits(unsigned int segment)
{
	u64 limit = limit_of(segment);
	bool g = rights_of(segment) & SEG_AR_G;

	if (is_virtual_8086() || !is_usable(segment)) {
		return true;
	}
	return !(bits(limit, 11, 0) != 0xfff && g) && !(limit >> 20 && !g);
}

/** A code segment is 64-bit or 32-bit, not both. */
static bool cs_modes_exclude(unsigned int segment)
{
	u64 rights = rights_of(segment);

	return !is_ia32e() || is_virtual_8086() || !(rights & SEG_AR_L) ||
	       !(rights & SEG_AR_DB);
}

static bool cs_dpl_fits(unsigned int segment)
{
	u64 type = type_of(segment);
	unsigned int dpl = dpl_of(segment), ss = dpl_of(SEGMENT_SS);

	if (is_virtual_8086()) {
		return true;
	}
	if (type == 3) {
		return dpl == 0;
	}
	/* Conforming code may be more privileged than the stack. */
	return type & BIT(2) ? dpl <= ss : dpl == ss;
}

/** The DPL of SS is the CPL (SDM 3C 25.4.1), 0 in real mode. */
static bool ss_dpl_fits(unsigned int segment)
{
	bool real = !(vmread(GUEST_CR0) & CR0_PE);
	unsigned int dpl = dpl_of(segment);

	if (is_virtual_8086()) {
		return true;
	}
	if ((type_of(SEGMENT_CS) == 3 || real) && dpl != 0) {
		return false;
	}
	return is_unrestricted() || dpl == bits(selector_of(segment), 1, 0);
}

/** The task that runs is busy; 16-bit tasks exist outside of IA-32e mode. */
static bool tr_type_fits(unsigned int segment)
{
	return type_of(segment) == TYPE_BUSY_TSS ||
	       (!is_ia32e() && type_of(segment) == TYPE_BUSY_TSS_16);
}

static bool ldtr_type_fits(unsigned int segment)
{
	return !is_usable(segment) || type_of(segment) == TYPE_LDT;
}

/* clang-format off */
static const struct segment_check checks[] = {
	{ BIT(SEGMENT_TR) | BIT(SEGMENT_LDTR), GUEST_ES_SELECTOR, ti_is_clear,
	  "TI, bit 2, must be 0 (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_SS), GUEST_ES_SELECTOR, rpl_equals_cs,
	  "its RPL must equal that of CS (SDM 3C 27.3.1.2)" },
	{ CODE_AND_DATA, GUEST_ES_BASE, v8086_fits,
	  "in virtual-8086 mode base is selector << 4, limit 0xffff, rights 0xf3 (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_TR) | BIT(SEGMENT_FS) | BIT(SEGMENT_GS) | BIT(SEGMENT_LDTR),
	  GUEST_ES_BASE, base_is_canonical, "it must be canonical (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_CS) | BIT(SEGMENT_SS) | BIT(SEGMENT_DS) | BIT(SEGMENT_ES),
	  GUEST_ES_BASE, base_is_32bit, "bits 63:32 must be 0 (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_CS) | BIT(SEGMENT_TR), GUEST_ES_AR_BYTES, is_usable_segment,
	  "it must be usable, bit 16 clear (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_CS), GUEST_ES_AR_BYTES, cs_type_fits,
	  "the type must be accessed code: 9, 11, 13 or 15 (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_SS), GUEST_ES_AR_BYTES, ss_type_fits,
	  "the type must be 3 or 7, writable accessed data (SDM 3C 27.3.1.2)" },
	{ DATA_SEGMENTS, GUEST_ES_AR_BYTES, data_type_fits,
	  "the type must be accessed, and readable if it is code (SDM 3C 27.3.1.2)" },
	{ CODE_AND_DATA, GUEST_ES_AR_BYTES, is_code_or_data,
	  "S, bit 4, must be 1 for code and data (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_CS), GUEST_ES_AR_BYTES, cs_dpl_fits,
	  "the DPL must equal that of SS, or not exceed it if CS conforms (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_SS), GUEST_ES_AR_BYTES, ss_dpl_fits,
	  "the DPL must equal the RPL, and be 0 in real mode (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_CS), GUEST_ES_AR_BYTES, cs_modes_exclude,
	  "L and D/B must not both be 1 in IA-32e mode (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_TR), GUEST_ES_AR_BYTES, tr_type_fits,
	  "the type must be 11, busy TSS, or 3 outside of IA-32e mode (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_LDTR), GUEST_ES_AR_BYTES, ldtr_type_fits,
	  "the type must be 2, LDT (SDM 3C 27.3.1.2)" },
	{ BIT(SEGMENT_TR) | BIT(SEGMENT_LDTR), GUEST_ES_AR_BYTES, is_system,
	  "S, bit 4, must be 0 (SDM 3C 27.3.1.2)" },
	{ ALL_SEGMENTS, GUEST_ES_AR_BYTES, is_present,
	  "P, bit 7, must be 1 (SDM 3C 27.3.1.2)" },
	{ ALL_SEGMENTS, GUEST_ES_AR_BYTES, rights_reserved,
	  "bits 31:17 and 11:8 must be 0 (SDM 3C 27.3.1.2)" },
	{ ALL_SEGMENTS, GUEST_ES_LIMIT, granularity_fits,
	  "G must be 0 if bits 11:0 are not all 1, and 1 if any of 31:20 is (SDM 3C 27.3.1.2)" },
};
/* clang-format on */

bool entry_checks_segment_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		const struct segment_check *check = &checks[i];

		for (unsigned int s = 0; s < SEGMENT_COUNT; s++) {
			if ((check->segments & BIT(s)) && !check->holds(s)) {
				entry_checks_report(field_of(check->field, s),
						    check->rule);
				return false;
			}
		}
	}
	return true;
}
