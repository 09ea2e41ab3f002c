/** @file
 * INVEPT and INVVPID: the order to forget translations.
 */
#ifndef HV_SOFTVMX_SVM_INVALIDATE_H
#define HV_SOFTVMX_SVM_INVALIDATE_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * INVEPT (SDM 3C 31.3).
 * @param type enum invept_type; others are VMfail 28
 * @param eptp for a single context: an EPT pointer that VM entry would take
 */
enum vmx_result svm_invalidate_ept(u64 type, u64 eptp) __must_check;

/**
 * INVVPID (SDM 3C 31.3).
 * @param type enum invvpid_type; others are VMfail 28
 * @param vpid not 0, but for all contexts
 * @param gla  for an individual address: canonical
 */
enum vmx_result svm_invalidate_vpid(u64 type, u16 vpid,
				    gva_t gla) __must_check;

#endif
