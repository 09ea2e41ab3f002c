/** @file
 * Walking and filling the guest's page tables - SDM 3A 4.5.
 */
#include "guest-tests/lib/pages.h"

#define PRESENT BIT(0)
#define ACCESSED_DIRTY (BIT(5) | BIT(6))
#define LARGE BIT(7)
#define ADDRESS BITS(51, 12)

static u64 tables[16][512] __aligned(4096);
static unsigned int tables_used;

/** The table below an entry; a new one if there is none. */
static u64 *table_below(u64 *entry)
{
	if (!(*entry & PRESENT)) {
		*entry = (u64)tables[tables_used++ % ARRAY_SIZE(tables)] |
			 PRESENT | PAGES_WRITE | PAGES_USER | BIT(5);
	}
	return (u64 *)(*entry & ADDRESS);
}

/** The entry for an address in the table of a level: 21 a PDE, 12 a PTE. */
static u64 *entry_of(gva_t virtual, int wanted)
{
	u64 *table;

	asm volatile("mov %%cr3, %0" : "=r"(table));
	table = (u64 *)((u64)table & ADDRESS);
	for (int shift = 39; shift > wanted; shift -= 9) {
		table = table_below(&table[(virtual.v >> shift) % 512]);
	}
	return &table[(virtual.v >> wanted) % 512];
}

static void set_entry(gva_t virtual, int level, u64 entry)
{
	*entry_of(virtual, level) = entry;
	asm volatile("invlpg (%0)" : : "r"(virtual.v) : "memory");
}

void pages_map(gva_t virtual, gpa_t physical, u64 flags)
{
	set_entry(virtual, 12, physical.v | flags | PRESENT | ACCESSED_DIRTY);
}

void pages_unmap(gva_t virtual)
{
	set_entry(virtual, 12, 0);
}

void pages_split(gva_t virtual)
{
	u64 large = *entry_of(virtual, 21), small = 0;
	u64 *table = table_below(&small);

	for (u64 i = 0; i < 512; i++) {
		table[i] = (large & ~LARGE) + (i << 12);
	}
	set_entry(virtual, 21, small);
}
