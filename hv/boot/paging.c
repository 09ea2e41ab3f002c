/** @file
 * The hypervisor's own page tables.
 *
 * The boot tables map the first GiB twice, writable and executable, which is
 * all that entry.S can be bothered with.  These are the real ones.  What they
 * leave out matters as much as what they map:
 *
 *	nothing low     a NULL pointer, or a guest's address taken for one of
 *	                ours, faults at once
 *	no guard pages  an endless recursion faults
 *	no write to text and rodata, no execution of anything else
 *
 * The image is mapped with 4 KiB pages, because sections and guard pages have
 * that grain; the direct map takes 2 MiB pages.  Its top 32 MiB, where the
 * local APIC's registers are, is mapped uncached.  The tables are in .bss, so
 * building them cannot run out of memory.
 */
#include "hv/boot/paging.h"

#include "hv/boot/image.h"
#include "hv/lib/page.h"
#include "hv/lib/spinlock.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/stack.h"

/* Page-table entries - SDM 3A 4.5.4 */
#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_PS BIT(7)
#define PTE_XD BIT(63)

#define TABLE_ENTRIES 512
#define LARGE_SIZE (2ul << 20)
#define DEVICES_START 0xfe000000ul /* the chip set's and the APICs' registers */
#define IMAGE_TABLES 8		   /* 16 MiB; asserted in link.ld */

typedef u64 page_table[TABLE_ENTRIES] __aligned(4096);

static page_table pml4;
static page_table direct_pdpt;
static page_table direct_pd[4];
static page_table image_pdpt;
static page_table image_pd;
static page_table image_pt[IMAGE_TABLES];

/* Large pages of the direct map that are split for guard pages: at most as many
 * as there are CPUs, whose VMX units want some. */
static page_table split_pt[CPU_MAX];
static unsigned int splits;
static struct spinlock split_lock;

/**
 * Nine bits of the address for each level, from bit 12 upwards: level 1 is the
 * table of 4 KiB pages, 4 the PML4.
 */
static unsigned int table_index(unsigned long address, unsigned int level)
{
	unsigned int shift = PAGE_SHIFT + 9 * (level - 1);

	return bits(address, shift + 8, shift);
}

/**
 * Tables allow everything; rights are given by the last entry. The processor
 * takes the most restrictive of all levels (SDM 3A 4.6.1).
 */
static u64 table_entry(const page_table table)
{
	return virt_to_hpa(table).v | PTE_P | PTE_W;
}

/**
 * Physical 0 to 4 GiB at DIRECT_MAP_BASE. All of physical memory at a fixed
 * distance, so that an address becomes a pointer by an addition. The four
 * directories lie one behind the other, so they can be indexed as one array.
 */
static void map_direct(void)
{
	unsigned long address;
	u64 *pd = direct_pd[0];
	u64 flags;

	pml4[table_index(DIRECT_MAP_BASE, 4)] = table_entry(direct_pdpt);
	for (unsigned int i = 0; i < ARRAY_SIZE(direct_pd); i++) {
		direct_pdpt[i] = table_entry(direct_pd[i]);
	}
	for (address = 0; address < DIRECT_MAP_SIZE; address += LARGE_SIZE) {
		flags = PTE_P | PTE_W | PTE_PS | PTE_XD;
		if (address >= DEVICES_START) {
			flags |= PTE_PCD | PTE_PWT;
		}
		pd[address / LARGE_SIZE] = address | flags;
	}
}

/**
 * What may be done with a page of the image. The linker script puts text,
 * rodata and data in this order, each from a page's beginning on.
 */
static u64 image_flags(const char *page)
{
	if (page >= image_data_start) {
		return PTE_P | PTE_W | PTE_XD;
	}
	if (page >= image_rodata_start) {
		return PTE_P | PTE_XD;
	}
	return PTE_P;
}

/** For the guard pages; they keep their RAM, but not at this address. */
static void unmap_image_page(unsigned long address)
{
	image_pt[0][(address - IMAGE_BASE) / PAGE_SIZE] = 0;
}

/** Page by page; the tables behind one another serve as one array again. */
static void map_image(void)
{
	u64 *pt = image_pt[0];
	const char *page;

	pml4[table_index(IMAGE_BASE, 4)] = table_entry(image_pdpt);
	image_pdpt[table_index(IMAGE_BASE, 3)] = table_entry(image_pd);
	for (unsigned int i = 0; i < IMAGE_TABLES; i++) {
		image_pd[i] = table_entry(image_pt[i]);
	}
	for (page = image_start; page < image_end; page += PAGE_SIZE) {
		pt[virt_to_hpa(page).v / PAGE_SIZE] =
			virt_to_hpa(page).v | image_flags(page);
	}
	stack_for_each_guard(unmap_image_page);
}

void paging_init(void)
{
	map_direct();
	map_image();
}

/**
 * Each CPU does it for itself. The image is at the same address in the boot
 * tables, so the next instruction is there in both.
 */
void paging_load(void)
{
	write_cr3(virt_to_hpa(pml4).v);
}

/**
 * Give a large page a table of small ones, which is never taken back. The new
 * entries are complete before the directory points to them, and they say the
 * same as the large page did: whoever uses the address meanwhile notices
 * nothing.
 */
static bool split(u64 *pde)
{
	u64 *pt = split_pt[splits];
	u64 flags = *pde & (PTE_P | PTE_W | PTE_PWT | PTE_PCD | PTE_XD);
	u64 base = *pde & BITS(51, 21);

	if (splits == CPU_MAX) {
		return false;
	}
	for (u64 i = 0; i < TABLE_ENTRIES; i++) {
		pt[i] = (base + i * PAGE_SIZE) | flags;
	}
	splits++;
	*pde = table_entry(pt);
	return true;
}

/** The small-page entry of an address in the direct map, or NULL. */
static u64 *direct_entry(const void *page)
{
	u64 physical = virt_to_hpa(page).v;
	u64 *pde = &direct_pd[0][physical / LARGE_SIZE];

	if ((*pde & PTE_PS) && !split(pde)) {
		return NULL;
	}
	return (u64 *)hpa_to_virt(hpa(*pde & BITS(51, 12))) +
	       table_index(physical, 1);
}

/**
 * Set or clear the present bit. INVLPG reaches this CPU's TLB only (paging.h:
 * the others may see the old mapping for a while). A guard page can afford
 * that.
 * @return whether it could be done
 */
static bool set_present(const void *page, bool present)
{
	u64 *entry;

	spinlock_lock(&split_lock);
	entry = direct_entry(page);
	if (entry) {
		*entry = present ? *entry | PTE_P : *entry & ~PTE_P;
		invlpg(page);
	}
	spinlock_unlock(&split_lock);
	return entry != NULL;
}

bool paging_unmap(const void *page)
{
	return set_present(page, false);
}

void paging_map(const void *page)
{
	(void)set_present(page, true);
}
