/** @file
 * The VMX unit's own tests, for the image's `selftest` option.
 *
 * Both units must pass them: they are the part of the contract of vmx_unit.h
 * that can be seen from outside.  No vCPU may exist while they run.
 */
#ifndef HV_VMX_VMX_SELFTEST_H
#define HV_VMX_VMX_SELFTEST_H

#include "bus/types.h"

/** A case. */
struct vmx_selftest_case {
	const char *name; /* the rule that it checks */
	/**
	 * Run it; selects the unit and switches it on and off again.
	 * @return NULL if it passed, else a sentence without quotes that stays
	 *	valid until the next case
	 */
	const char *(*run)(void);
};

/**
 * For the cases: run a test inside VMX operation, with a current VMCS, and
 * leave both.
 * @param test gets the address of that VMCS
 * @return what the test returned, or why it could not be run
 */
const char *vmx_selftest_with_vmcs(const char *(*test)(hpa_t vmcs));

/** The i-th case. @return NULL past the last one */
const struct vmx_selftest_case *vmx_selftest_case(size_t i);

#endif
