/** @file
 * What the other groups of hypercalls need of the slots.
 */
#ifndef HV_VMM_CALLS_SLOTS_H
#define HV_VMM_CALLS_SLOTS_H

#include "hv/vmm/bed.h"

/**
 * Do what is left of a held change.
 * @return how many steps that were; 0: there was none
 */
u64 calls_slots_finish_change(struct bed *bed);

#endif
