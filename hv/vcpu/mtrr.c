/** @file
 * Which MSRs the MTRRs are, and what may be written to them.
 *
 * They have no effect: devices are emulated and all else is RAM.  But a kernel
 * reads what firmware has left, complains about what makes no sense, and copies
 * the first processor's to all others; so they begin as firmware leaves them,
 * keep what is written, and refuse what a processor refuses (SDM 3A 12.11): an
 * undefined type, reserved bits of the default type, the capability register.
 *
 * What a kernel knows of them: a default type for all memory; up to eight
 * ranges of any size, each a pair of MSRs; and for the first MiB, where a PC's
 * memory is a patchwork, eleven MSRs with eight types each, a byte a piece:
 *
 *	0x250        0x00000..0x7ffff   8 pieces of 64 KiB
 *	0x258, 259   0x80000..0xbffff   16 of 16 KiB; the display has 8
 *	0x268..26f   0xc0000..0xfffff   64 of 4 KiB
 *
 * Where several ranges meet, processors have rules for which type wins. Nobody
 * asks here: nothing is ever looked up by address.
 */
#include "hv/vcpu/mtrr.h"

#include "bus/errno.h"

/* SDM 4, table 2-2 */
#define MTRRCAP 0x0fe
#define VARIABLE_FIRST 0x200
#define FIX_64K 0x250
#define FIX_16K_FIRST 0x258
#define FIX_4K_FIRST 0x268
#define DEF_TYPE 0x2ff

#define MTRRCAP_FIX BIT(8)
#define DEF_TYPE_DEFINED (BIT(11) | BIT(10) | BITS(7, 0))
#define ENABLED (BIT(11) | BIT(10)) /* all, and the fixed ones */
#define WRITE_BACK 6
#define ALL_WRITE_BACK 0x0606060606060606ull
#define DISPLAY 2 /* fixed range 0xa0000..0xbffff */

/**
 * 0 uncached, 1 write-combining, 4 write-through, 5 write-protected, 6
 * write-back. 2 and 3 were never defined; PAT's 7 is none of theirs.
 */
static bool is_type(u64 type)
{
	return type <= 1 || (type >= 4 && type <= 6);
}

/** Eight types, a byte each. */
static bool are_types(u64 value)
{
	for (unsigned int i = 0; i < 8; i++) {
		if (!is_type(value >> 8 * i & 0xff)) {
			return false;
		}
	}
	return true;
}

/**
 * A subtraction that wraps is a large number, so one comparison tests both ends
 * of a range of MSRs.
 * @return its place among the fixed ones, or -1
 */
static int fixed_index(u32 msr)
{
	if (msr == FIX_64K) {
		return 0;
	}
	if (msr - FIX_16K_FIRST < 2) {
		return (int)(1 + msr - FIX_16K_FIRST);
	}
	return msr - FIX_4K_FIRST < 8 ? (int)(3 + msr - FIX_4K_FIRST) : -1;
}

/**
 * The even ones hold an address and a type, the odd ones a mask, bit 11 of it
 * being a valid bit. An address in the range is one whose bits under the mask
 * are those of the base; both may have bits 12 up to the width of physical
 * addresses.
 */
static bool variable_valid(const struct mtrr *mtrr, u32 msr, u64 value)
{
	if (value & ~mtrr->addresses & ~(msr & 1 ? BIT(11) : BITS(7, 0))) {
		return false;
	}
	return (msr & 1) || is_type(value & 0xff);
}

static bool is_variable(u32 msr)
{
	return msr - VARIABLE_FIRST < 2 * MTRR_VARIABLE;
}

int mtrr_get(const struct mtrr *mtrr, u32 msr, u64 *value)
{
	int fixed = fixed_index(msr);

	if (fixed >= 0) {
		*value = mtrr->fixed[fixed];
	} else if (is_variable(msr)) {
		*value = mtrr->variable[msr - VARIABLE_FIRST];
	} else if (msr == DEF_TYPE) {
		*value = mtrr->def_type;
	} else if (msr == MTRRCAP) {
		*value = MTRRCAP_FIX | MTRR_VARIABLE;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int set_def_type(struct mtrr *mtrr, u64 value)
{
	if ((value & ~DEF_TYPE_DEFINED) || !is_type(value & 0xff)) {
		return -EINVAL;
	}
	mtrr->def_type = value;
	return 0;
}

/*
 * A value that is refused becomes #GP in the guest: kernels use that to find
 * out what there is. Writing 0xfe, the capabilities, is refused as no case
 * takes it.
 */
int mtrr_set(struct mtrr *mtrr, u32 msr, u64 value)
{
	int fixed = fixed_index(msr);

	if (msr == DEF_TYPE) {
		return set_def_type(mtrr, value);
	}
	if (fixed >= 0 && are_types(value)) {
		mtrr->fixed[fixed] = value;
		return 0;
	}
	if (is_variable(msr) && variable_valid(mtrr, msr, value)) {
		mtrr->variable[msr - VARIABLE_FIRST] = value;
		return 0;
	}
	return -EINVAL;
}

/*
 * A processor comes up with all of it 0, which is "uncached everywhere"; the
 * rest is firmware's work. A kernel that is loaded without firmware finds it
 * done.
 */
void mtrr_reset(struct mtrr *mtrr, unsigned int phys_bits)
{
	*mtrr = (struct mtrr){ .def_type = ENABLED | WRITE_BACK,
			       .addresses = BITS(phys_bits - 1, 12) };
	for (unsigned int i = 0; i < MTRR_FIXED; i++) {
		mtrr->fixed[i] = i == DISPLAY ? 0 : ALL_WRITE_BACK;
	}
}
