/** @file
 * Extended page tables, walked in software (SDM 3C 29.3).
 */
#ifndef HV_SOFTVMX_EPT_WALK_H
#define HV_SOFTVMX_EPT_WALK_H

#include "bus/types.h"

/** Rights in an EPT entry (SDM 3C 29.3.2), also bits of a set. */
#define EPT_WALK_READ BIT(0)
#define EPT_WALK_WRITE BIT(1)
#define EPT_WALK_EXECUTE BIT(2)
#define EPT_WALK_RIGHTS BITS(2, 0)

/** Fields of an entry that the shadow needs (SDM 3C tables 29-1 to 29-6). */
#define EPT_WALK_MEMORY_TYPE BITS(5, 3)
#define EPT_WALK_LARGE BIT(7)
#define EPT_WALK_DIRTY BIT(9)
#define EPT_WALK_ADDRESS BITS(51, 12)

#define EPT_WALK_LEVELS 4

/** What a walk of the EPT found. */
enum ept_walk_verdict {
	EPT_WALK_TRANSLATED, /* a leaf; its rights may still not suffice */
	EPT_WALK_ABSENT,     /* an entry with no rights at all */
	EPT_WALK_MISCONFIG,  /* an entry that cannot be (SDM 3C 29.3.3.1) */
};

/** A walk, with the entries it has used from the top down. */
struct ept_walk {
	enum ept_walk_verdict verdict;
	u32 rights; /* what all entries of the walk allow; 0 if absent */
	u32 level;  /* of the last entry: 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE */
	u64 entry;  /* the last entry */
	hpa_t hpa;  /* TRANSLATED: where the address is */
	const char *rule; /* MISCONFIG: the rule that is broken */
	u64 *used[EPT_WALK_LEVELS]; /* by level - 1; NULL above and below */
};

/**
 * Walk an EPT (SDM 3C 29.3.2).  Looks at memory only, no cache; changes
 * nothing.
 * @param eptp the EPT pointer
 * @param address a guest physical address
 */
void ept_walk_from(u64 eptp, gpa_t address, struct ept_walk *walk);

/**
 * Set the accessed flag in every entry of a walk, and the dirty flag in the
 * last one for a write, if the EPT pointer enables them (SDM 3C 29.3.5).
 * @param walk of verdict EPT_WALK_TRANSLATED.  If its page is not dirty yet, it
 *	loses the right to write, so that what is cached of it catches the
 *	first store
 */
void ept_walk_mark(u64 eptp, struct ept_walk *walk, bool write);

/** Whether an EPT pointer enables accessed and dirty flags: bit 6. */
static inline bool ept_walk_has_flags(u64 eptp)
{
	return eptp & BIT(6);
}

/** Is it an EPT pointer that VM entry would take (SDM 3C 27.2.1.1)? */
bool ept_walk_is_pointer(u64 eptp) __must_check;

#endif
