/** @file
 * Trying one row: what the checks say, what the unit does, and whether a VMCS
 * that is mended enters.
 */
#ifndef HV_VMXTEST_ENTRY_TRY_H
#define HV_VMXTEST_ENTRY_TRY_H

#include "hv/vmxtest/entry_row.h"

/**
 * Try a row.
 * @return NULL when all was as it must be, else a sentence that is valid until
 *	the next entry_report_say()
 */
const char *entry_try_row(const struct entry_row *row);

/** Try the valid VMCS of a mode: the checks pass and the guest runs. */
const char *entry_try_mode(enum entry_mode mode);

#endif
