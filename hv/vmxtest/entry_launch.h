/** @file
 * The launch state: VMLAUNCH is for a VMCS that is clear, VMRESUME for one that
 * is launched.
 */
#ifndef HV_VMXTEST_ENTRY_LAUNCH_H
#define HV_VMXTEST_ENTRY_LAUNCH_H

#include "bus/types.h"

/** The name of the i-th test; NULL past the last one. */
const char *entry_launch_name(size_t i);

/**
 * Run it.
 * @return NULL when all was as it must be, else a sentence that is valid until
 *	the next entry_report_say()
 */
const char *entry_launch_try(size_t i);

#endif
