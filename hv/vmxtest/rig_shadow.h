/** @file
 * Shadow page tables, for a rig without EPT.
 *
 * The processor walks tables of ours, in host addresses; they are filled from
 * the guest's own, entry by entry, when a #PF exit shows that one is missing.
 */
#ifndef HV_VMXTEST_RIG_SHADOW_H
#define HV_VMXTEST_RIG_SHADOW_H

#include "hv/vmxtest/rig.h"

/** Allocate empty tables; the guest's CR3 is rig->cr3. @return 0 or -ENOMEM */
int rig_shadow_create(struct rig *rig) __must_check;

/** Forms of page tables, SDM 3A 4.1.1. */
enum rig_paging {
	RIG_PAGING_LONG,
	RIG_PAGING_PAE,
	RIG_PAGING_32,
};

/** The guest's tables are of this form from now on, at this CR3. */
void rig_shadow_use(struct rig *rig, enum rig_paging paging, u64 cr3);

/** For GUEST_CR3, whatever the form. */
u64 rig_shadow_root(const struct rig *rig);

/**
 * A #PF exit: fill in what the guest's tables allow.
 * @param address EXIT_QUALIFICATION
 * @param error the #PF's error code
 * @return true when the guest can go on; false when the fault is its own
 */
bool rig_shadow_fill(struct rig *rig, gva_t address, u32 error);

/** Forget everything: MOV to CR3, INVLPG. */
void rig_shadow_flush(struct rig *rig);

#endif
