/** @file
 * VM exit, last part: loading the host state.
 */
#ifndef HV_SOFTVMX_SVM_HOST_H
#define HV_SOFTVMX_SVM_HOST_H

#include "hv/softvmx/softvmx_cpu.h"

/** Remember what VMRUN will disturb; at each VM entry, before the guest. */
void svm_host_keep(struct softvmx_cpu *cpu);

/** Take over HOST_.. fields that VMWRITE has changed; at VM entry. */
void svm_host_prepare(struct softvmx_cpu *cpu);

/**
 * Load the host state from the VMCS (SDM 3C 28.5).  RIP, RSP and RFLAGS are
 * left to softvmx_run.S.
 * @param ran the guest has run: what VMX does not switch is now the guest's
 */
void svm_host_load(struct softvmx_cpu *cpu, bool ran);

#endif
