/** @file
 * Extended page tables, walked in software and shadowed into SVM's.
 */
#ifndef HV_SOFTVMX_EPT_SHADOW_H
#define HV_SOFTVMX_EPT_SHADOW_H

#include "bus/types.h"

struct ept_shadow;

/** Rights in an EPT entry (SDM 3C 29.3.2), also bits of a set. */
#define EPT_SHADOW_READ BIT(0)
#define EPT_SHADOW_WRITE BIT(1)
#define EPT_SHADOW_EXECUTE BIT(2)
#define EPT_SHADOW_RIGHTS BITS(2, 0)

/** What a walk of the EPT found. */
enum ept_shadow_verdict {
	EPT_SHADOW_TRANSLATED, /* a leaf; its rights may still not suffice */
	EPT_SHADOW_ABSENT,     /* an entry with no rights at all */
	EPT_SHADOW_MISCONFIG,  /* an entry that cannot be (SDM 3C 29.3.3.1) */
};

struct ept_shadow_walk {
	enum ept_shadow_verdict verdict;
	u32 rights; /* what all entries of the walk allow; 0 if absent */
	u32 level;  /* of the last entry: 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE */
	u64 entry;  /* the last entry */
	hpa_t hpa;  /* TRANSLATED: where the address is */
	const char *rule; /* MISCONFIG: the rule that is broken */
};

/**
 * Walk an EPT (SDM 3C 29.3.2).  Looks at memory only, no cache.
 * @param eptp the EPT pointer
 * @param address a guest physical address
 */
void ept_shadow_walk(u64 eptp, gpa_t address, struct ept_shadow_walk *walk);

/** Allocate what one CPU needs.  @return NULL when there is no memory */
struct ept_shadow *ept_shadow_create(void) __must_check;

/** Give it all back. */
void ept_shadow_destroy(struct ept_shadow *shadow);

/**
 * The nested page tables that shadow this EPT; empty ones if it is new.
 * @return for the VMCB's N_CR3
 */
hpa_t ept_shadow_select(struct ept_shadow *shadow, u64 eptp);

/**
 * Enter a translation into the selected tables.
 * @param address the guest physical address
 * @param walk of verdict EPT_SHADOW_TRANSLATED for that address
 */
void ept_shadow_install(struct ept_shadow *shadow, gpa_t address,
			const struct ept_shadow_walk *walk);

/** Forget one address, as an EPT violation there does (SDM 3C 29.4.3.1). */
void ept_shadow_forget(struct ept_shadow *shadow, gpa_t address);

/**
 * A number that changes whenever something cached may have become wrong:
 * whoever keeps the result of a walk keeps this as well.
 */
u64 ept_shadow_generation(const struct ept_shadow *shadow);

/** INVEPT, single context. */
void ept_shadow_invalidate(struct ept_shadow *shadow, u64 eptp);

/** INVEPT, all contexts. */
void ept_shadow_invalidate_all(struct ept_shadow *shadow);

#endif
