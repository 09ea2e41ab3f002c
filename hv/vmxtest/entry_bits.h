/** @file
 * Every bit of every field, flipped one at a time.
 */
#ifndef HV_VMXTEST_ENTRY_BITS_H
#define HV_VMXTEST_ENTRY_BITS_H

#include "bus/types.h"

/** How many fields there are to sweep over. */
size_t entry_bits_count(void);

/** The i-th of them, for the test's name. @return a field's SDM name */
const char *entry_bits_name(size_t i);

/**
 * Flip each bit of the i-th field.
 * @return NULL when all was as it must be, else a sentence that is valid until
 *	the next entry_report_say()
 */
const char *entry_bits_sweep(size_t i);

#endif
