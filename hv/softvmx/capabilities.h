/** @file
 * What the soft unit can do, as VMX's capability MSRs say it.
 */
#ifndef HV_SOFTVMX_CAPABILITIES_H
#define HV_SOFTVMX_CAPABILITIES_H

#include "bus/types.h"
#include "hv/vmx/vmx_controls.h"

/** RDMSR of an enum vmx_capability_msr; 0 for one that does not exist. */
u64 capabilities_read(u32 msr);

/** The bits of CR0 that a guest with these secondary controls must have set
 * (SDM 3D A.7 and 3C 27.3.1.1: unrestricted guests are excused two). */
u64 capabilities_cr0_must_be_1(u32 secondary_controls);

/** Address bits that this machine does not have: 51:MAXPHYADDR. */
u64 capabilities_beyond_physical(void);

#endif
