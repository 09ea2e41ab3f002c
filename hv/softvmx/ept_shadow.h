/** @file
 * The EPT's translations as nested page tables: this unit's TLB.
 */
#ifndef HV_SOFTVMX_EPT_SHADOW_H
#define HV_SOFTVMX_EPT_SHADOW_H

#include "bus/types.h"
#include "hv/softvmx/ept_walk.h"

struct ept_shadow;

/** Pages that it takes, in one piece: a guest of 64 MiB in small pages needs 35
 * tables. */
#define EPT_SHADOW_PAGES 168

/** Make it, in so many pages of zeroes. */
void ept_shadow_init(struct ept_shadow *shadow);

/**
 * The nested page tables that shadow this EPT; empty ones if it is new.
 * @return for the VMCB's N_CR3
 */
hpa_t ept_shadow_select(struct ept_shadow *shadow, u64 eptp);

/** The same with nothing executable in them, for svm_step.c. */
hpa_t ept_shadow_without_execute(struct ept_shadow *shadow);

/**
 * Nested page tables in which every address is itself and nothing can be
 * executed: for svm_step.c when the guest runs without EPT.
 */
hpa_t ept_shadow_identity(struct ept_shadow *shadow);

/**
 * Look for a cached translation in the selected tables.
 * @param hpa filled when found: where the address is
 * @return the rights that it grants, EPT_WALK_..; 0 when there is none
 */
u32 ept_shadow_find(const struct ept_shadow *shadow, gpa_t address,
		    hpa_t *hpa);

/**
 * Enter a translation into the selected tables.
 * @param address the guest physical address
 * @param walk of verdict EPT_WALK_TRANSLATED for that address
 */
void ept_shadow_install(struct ept_shadow *shadow, gpa_t address,
			const struct ept_walk *walk);

/** Forget one address, as an EPT violation there does (SDM 3C 29.4.3.1). */
void ept_shadow_forget(struct ept_shadow *shadow, gpa_t address);

/**
 * A number that changes whenever something cached may have become wrong:
 * whoever keeps the result of a walk keeps this as well.
 */
u64 ept_shadow_generation(const struct ept_shadow *shadow);

/** INVEPT, single context: all translations of this EPT (SDM 3C 29.4.3.1). */
void ept_shadow_invalidate(struct ept_shadow *shadow, u64 eptp);

/** INVEPT, all contexts. */
void ept_shadow_invalidate_all(struct ept_shadow *shadow);

#endif
