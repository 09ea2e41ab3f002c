/** @file
 * Results on COM2: TAP version 14, with a YAML block below each result.
 *
 *	not ok 2 - slot_deleted_is_mmio [5f3a9c01]
 *	  ---
 *	  rule: "after a slot is deleted a load leaves as MMIO (spec 1.3)"
 *	  seen: "0x1122334455667788"
 *	  ...
 *
 * The word in brackets is the run's nonce, which the grader chose: a line that
 * lacks it is no result, whoever printed it.
 */
#ifndef HV_VMM_TAP_H
#define HV_VMM_TAP_H

#include "hv/vmm/verdict.h"

/** The opening: version and plan. @param tests how many results will follow */
void tap_begin(unsigned int tests);

/**
 * One result.
 * @param number counts from 1
 * @param name of the test
 */
void tap_result(unsigned int number, const char *name,
		const struct verdict *verdict);

/**
 * A test that this machine cannot make.
 * @param why a few words
 */
void tap_skip(unsigned int number, const char *name, const char *why);

/** A comment line: "# " and the text. */
void tap_comment(const char *format, ...) __format(printf, 1, 2);

#endif
