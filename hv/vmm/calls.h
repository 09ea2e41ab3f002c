/** @file
 * Hypercalls, on the VMM's side.
 *
 * One function for each number (hypercall.h), in groups by what they are
 * about.  Each believes nothing that the guest says and answers a bad question
 * with a negative errno.
 */
#ifndef HV_VMM_CALLS_H
#define HV_VMM_CALLS_H

#include "hv/vmm/bed.h"

/** One hypercall: the guest's arguments in, its result out. */
typedef s64 (*calls_fn_t)(struct bed *bed, const u64 *args);

/**
 * Carry a hypercall out.
 * @param nr the number, anything
 * @param args five, anything
 * @return the guest's RAX; -EINVAL for an unknown number
 */
s64 calls_handle(struct bed *bed, u64 nr, const u64 *args);

/** The test has stopped: was it just the end that the guest announced?
 * Turns the verdict into "passed" or into a failed check then. */
void calls_judge_stop(struct bed *bed);

#endif
