/** @file
 * Building and loading address spaces - SDM 3A 4.5.
 */
#include "guest-tests/lab2/space.h"

#include "guest-tests/lib/vmcall.h"

#define PRESENT BIT(0)
#define ADDRESS BITS(51, 12)
#define TABLE (PRESENT | PAGES_WRITE | PAGES_USER | SPACE_ACCESSED)
#define LARGE BIT(7)
#define KEEP BIT(63)

enum space_level { PML4, PDPT, PD, PT, LEVELS };

static u64 tables[SPACES][LEVELS][512] __aligned(4096);

static u64 *first_pml4(void)
{
	u64 cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return (u64 *)(cr3 & ADDRESS);
}

void space_make(unsigned int n)
{
	const u64 *boot = first_pml4();
	u64 own = SPACE_GVA;

	for (unsigned int i = 0; i < 512; i++) {
		tables[n][PML4][i] = boot[i];
	}
	tables[n][PML4][own >> 39 & 511] = (u64)tables[n][PDPT] | TABLE;
	tables[n][PDPT][own >> 30 & 511] = (u64)tables[n][PD] | TABLE;
	tables[n][PD][own >> 21 & 511] = (u64)tables[n][PT] | TABLE;
}

u64 *space_entry(unsigned int n, gva_t virtual)
{
	return &tables[n][PT][virtual.v >> 12 & 511];
}

void space_map(unsigned int n, gva_t virtual, gpa_t physical, u64 flags)
{
	*space_entry(n, virtual) = physical.v | flags | PRESENT |
				   SPACE_ACCESSED | SPACE_DIRTY;
}

void space_map_large(unsigned int n, gpa_t physical)
{
	tables[n][PD][SPACE_GVA >> 21 & 511] = physical.v | TABLE | LARGE |
					       SPACE_DIRTY;
}

u64 space_cr3(unsigned int n)
{
	return vmcall_address(tables[n][PML4]);
}

static void load(u64 cr3)
{
	asm volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

void space_load(unsigned int n)
{
	load(space_cr3(n));
}

void space_load_pcid(unsigned int n, u64 pcid, bool keep)
{
	load(space_cr3(n) | pcid | (keep ? KEEP : 0));
}

void space_enable(u64 bits)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0\n\t"
		     "or %1, %0\n\t"
		     "mov %0, %%cr4"
		     : "=&r"(cr4)
		     : "r"(bits)
		     : "memory");
}
