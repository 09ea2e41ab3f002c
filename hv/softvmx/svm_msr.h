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

#endif
