/** @file
 * The guest's MTRRs: memory types by address (SDM 3A 12.11).
 *
 * They are storage.  What a type would do to caches happens below us or not at
 * all, but a kernel wants to read what firmware has set up, and some will not
 * run without.  After reset all memory is write-back, but for the window of
 * a PC's display, which is uncached.
 *
 * Only a PC for kernels that are not ours has them; CPUID says so there
 * (exit_cpuid_pc.c).
 */
#ifndef HV_VCPU_MTRR_H
#define HV_VCPU_MTRR_H

#include "bus/types.h"

#define MTRR_VARIABLE 8 /* pairs of base and mask */
#define MTRR_FIXED 11

struct mtrr {
	u64 def_type;
	u64 fixed[MTRR_FIXED];
	u64 variable[2 * MTRR_VARIABLE];
	u64 addresses; /* fixed: bits that an address may have */
};

/** As firmware leaves them. @param phys_bits a physical address' width */
void mtrr_reset(struct mtrr *mtrr, unsigned int phys_bits);

/**
 * Read one of them.
 * @return 0; -EINVAL: that MSR is no MTRR
 */
int mtrr_get(const struct mtrr *mtrr, u32 msr, u64 *value) __must_check;

/**
 * Write one.
 * @return 0; -EINVAL: it is none, or cannot be written, or that is no value
 *	for it
 */
int mtrr_set(struct mtrr *mtrr, u32 msr, u64 value) __must_check;

#endif
