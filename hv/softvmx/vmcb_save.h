/** @file
 * VM exit, first part: from the VMCB into the VMCS.
 */
#ifndef HV_SOFTVMX_VMCB_SAVE_H
#define HV_SOFTVMX_VMCB_SAVE_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * At each VM exit: save what software always looks at, RIP and its like, and
 * leave the other guest areas in the VMCB, not ready (SDM 3C 28.3).
 */
void vmcb_save_hot(struct softvmx_cpu *cpu);

/**
 * Copy areas of the guest's state to the VMCS and make them ready.
 * @param areas a set of enum vmcs_memory_area; others than the guest's do
 *	nothing
 */
void vmcb_save_areas(struct softvmx_cpu *cpu, u8 areas);

#endif
