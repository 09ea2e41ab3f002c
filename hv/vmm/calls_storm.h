/** @file
 * Ending what calls_storm.c has begun.
 */
#ifndef HV_VMM_CALLS_STORM_H
#define HV_VMM_CALLS_STORM_H

#include "hv/vmm/bed.h"

/** Let the other CPU come to an end, if it still changes slots; before the VM
 * is destroyed, also after a crash. */
void calls_storm_stop(struct bed *bed);

#endif
