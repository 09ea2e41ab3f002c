/** @file
 * The guest's MSRs: some in the VMCB, the others the machine's.
 */
#ifndef HV_SOFTVMX_SVM_MSR_H
#define HV_SOFTVMX_SVM_MSR_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * Read an MSR as the guest would.
 * @return 0, or -EFAULT for #GP
 */
int svm_msr_read(struct softvmx_cpu *cpu, u32 msr, u64 *value) __must_check;

/** Write an MSR as the guest would.  @return 0, or -EFAULT for #GP */
int svm_msr_write(struct softvmx_cpu *cpu, u32 msr, u64 value) __must_check;

/**
 * VM entry: the MSR-load area (SDM 3C 27.4).
 * @return 0, or the 1-based number of the entry that cannot be loaded
 */
u32 svm_msr_load_list(struct softvmx_cpu *cpu);

/** VM exit: the MSR-store area (SDM 3C 28.4), before the host state. */
void svm_msr_store_list(struct softvmx_cpu *cpu);

/** VM exit: the MSR-load area (SDM 3C 28.6), after the host state. */
void svm_msr_load_host_list(struct softvmx_cpu *cpu);

#endif
