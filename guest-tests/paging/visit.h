/** @file
 * A visit to 32-bit code: other paging, a few accesses, and back.
 */
#ifndef GUEST_TESTS_PAGING_VISIT_H
#define GUEST_TESTS_PAGING_VISIT_H

#include "bus/types.h"

/** What to set and to do there, and what came of it; visit.S knows it. */
struct visit {
	/* in: registers */
	u32 cr0;
	u32 cr3;
	u32 cr4;
	/* in: four bytes are read here, then written there, then read back */
	u32 load_at;
	u32 store_at;
	u32 store;
	/* out */
	u32 loaded;
	u32 stored;
};

_Static_assert(sizeof(struct visit) == 32, "visit.S");

/**
 * Leave 64-bit mode, do it, and come back.
 * @param visit below 4 GiB, mapped onto itself there, as are the program, its
 *	stack, its GDT
 */
void visit_run(struct visit *visit);

#endif
