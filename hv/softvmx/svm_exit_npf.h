/** @file
 * EPT violations and misconfigurations that svm_tlb.c has found.
 */
#ifndef HV_SOFTVMX_SVM_EXIT_NPF_H
#define HV_SOFTVMX_SVM_EXIT_NPF_H

#include "hv/softvmx/svm_access.h"
#include "hv/softvmx/svm_exit.h"

/** A VM exit for an access that ended with SVM_ACCESS_EPT. */
enum svm_exit_verdict svm_exit_npf_refuse(struct softvmx_cpu *cpu,
					  const struct svm_access *access);

#endif
