/** @file
 * VM-entry checks of the guest's segment registers.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_SEGMENT_H
#define HV_SOFTVMX_ENTRY_CHECKS_SEGMENT_H

#include "bus/types.h"

/** SDM 3C 27.3.1.2: all eight.  @return whether they are valid */
bool entry_checks_segment_all(void) __must_check;

#endif
