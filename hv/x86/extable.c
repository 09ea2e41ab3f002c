/** @file
 * Looking up the exception table.  It has a handful of entries: no sorting.
 */
#include "hv/x86/extable.h"

extern const struct extable_entry extable_start[], extable_end[];

unsigned long extable_find(unsigned long rip)
{
	const struct extable_entry *entry;

	for (entry = extable_start; entry < extable_end; entry++) {
		if (entry->insn == rip) {
			return entry->landing;
		}
	}
	return 0;
}
