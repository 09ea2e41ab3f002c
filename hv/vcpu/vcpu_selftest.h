/** @file
 * Tests of vcpu_run()'s contract, for the image's `selftest` option.
 */
#ifndef HV_VCPU_VCPU_SELFTEST_H
#define HV_VCPU_VCPU_SELFTEST_H

#include "bus/types.h"

/** A case; the same shape as struct vmx_selftest_case. */
struct vcpu_selftest_case {
	const char *name; /* the rule that it checks */
	/** @return NULL if it passed, else a sentence without quotes */
	const char *(*run)(void);
};

/** The i-th case. @return NULL past the last one */
const struct vcpu_selftest_case *vcpu_selftest_case(size_t i);

#endif
