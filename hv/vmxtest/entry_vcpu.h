/** @file
 * Does the sentence reach those who run a vCPU?
 */
#ifndef HV_VMXTEST_ENTRY_VCPU_H
#define HV_VMXTEST_ENTRY_VCPU_H

#include "bus/types.h"

/** The name of the i-th test; NULL past the last one. */
const char *entry_vcpu_name(size_t i);

/**
 * Break a vCPU's VMCS, run it, and look at what comes back.
 * @return NULL when all was as it must be, else a sentence that is valid until
 *	the next entry_report_say()
 */
const char *entry_vcpu_try(size_t i);

#endif
