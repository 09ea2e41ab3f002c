/** @file
 * VM entry, second part: from the VMCS into the VMCB.
 */
#ifndef HV_SOFTVMX_VMCB_LOAD_H
#define HV_SOFTVMX_VMCB_LOAD_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * Make the guest's VMCB say what the VMCS says (SDM 3C 27.3.2).
 * Only dirty areas are copied, and what moves at each entry.  The VM-entry
 * checks have passed.
 */
void vmcb_load_all(struct softvmx_cpu *cpu);

#endif
