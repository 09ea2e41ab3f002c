/** @file
 * Looking up the exception table.  It has a handful of entries: no sorting.
 *
 * An instruction which may fault (RDMSR of an MSR that a processor need not
 * have) leaves two addresses in a section of its own: where it stands, and
 * where to go on if it does.  The linker puts them together, so the table is an
 * array, and the trap handler asks here before it calls a fault a mistake of
 * ours.
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
