/** @file
 * The MSR lists that VM entry and VM exit go through.
 */
#ifndef HV_SOFTVMX_SVM_LIST_H
#define HV_SOFTVMX_SVM_LIST_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * VM entry: the MSR-load area (SDM 3C 27.4).
 * @return 0, or the 1-based number of the entry that cannot be loaded
 */
u32 svm_list_enter(struct softvmx_cpu *cpu);

/** VM exit: the MSR-store area (SDM 3C 28.4), before the host state. */
void svm_list_store(struct softvmx_cpu *cpu);

/** VM exit: the MSR-load area (SDM 3C 28.6), after the host state. */
void svm_list_load(struct softvmx_cpu *cpu);

#endif
