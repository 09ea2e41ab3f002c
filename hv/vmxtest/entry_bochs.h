/** @file
 * Where Bochs 2.7 does not do what the manual says about VM entry.
 */
#ifndef HV_VMXTEST_ENTRY_BOCHS_H
#define HV_VMXTEST_ENTRY_BOCHS_H

#include "bus/types.h"
#include "hv/vmxtest/entry_rig.h"

/** A row of the tests that Bochs answers in its own way. */
struct entry_bochs {
	const char *name; /* of the row */
	/* What Bochs does: VMfail, a failed entry, or, all 0, it enters. */
	u32 error, reason;
	u64 qualification;
	bool dies; /* Bochs itself ends: run only when it is named alone */
	const char *why;
};

/**
 * The deviation of a row on this machine.
 * @return NULL when there is none, or this machine is not Bochs
 */
const struct entry_bochs *entry_bochs_find(const char *name);

/** Bits that Bochs answers for in its own way when they are flipped. */
struct entry_bochs_bits {
	u32 field;
	u64 bits;
	u32 modes; /* BIT(enum entry_mode) of each to start from */
	u32 error, reason;
	u64 qualification;
	const char *why;
};

/** The same for a bit of a field, flipped in a VMCS of this mode. */
const struct entry_bochs_bits *entry_bochs_find_bit(u32 field,
						    unsigned int bit,
						    enum entry_mode mode);

#endif
