/** @file
 * Shadow page tables, for a rig without EPT.
 *
 * The guest's tables hold guest-physical addresses and the processor knows
 * nothing of those.  So it walks a second set of tables, in which each entry
 * is what the guest's says with the address changed, and which starts empty:
 *
 *	#PF exit -> walk the guest's tables -> allowed: enter it, go on
 *	                                    -> not allowed: the guest's #PF
 *
 * 4-level paging only; every page is entered as one of 4 KiB.  Whatever the
 * guest does that could make an entry wrong throws all of them away.
 */
#include "hv/vmxtest/rig_shadow.h"

#include "hv/vmm/start.h"
#include "hv/x86/trap.h"

#define LEVELS 4
#define POOL_PAGES 64

/* Paging-structure entries - SDM 3A 4.5.4 */
#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)
#define PTE_RIGHTS (PTE_P | PTE_W | PTE_U)
#define PTE_ADDRESS BITS(51, 12)

struct rig_tables {
	u64 (*pool)[512]; /* the first is the root */
	unsigned int used;
};

static struct rig_tables *tables_of(const struct rig *rig)
{
	return rig->shadow;
}

int rig_shadow_create(struct rig *rig)
{
	struct rig_tables *shadow = page_alloc(rig->owner);

	rig->shadow = shadow;
	if (!shadow) {
		return -ENOMEM;
	}
	shadow->pool = page_alloc_contig(rig->owner, POOL_PAGES, 1);
	shadow->used = 1;
	rig->cr3 = START_PML4;
	return shadow->pool ? 0 : -ENOMEM;
}

u64 rig_shadow_root(const struct rig *rig)
{
	return virt_to_hpa(tables_of(rig)->pool[0]).v;
}

void rig_shadow_flush(struct rig *rig)
{
	struct rig_tables *shadow = tables_of(rig);

	memset(shadow->pool, 0, shadow->used * PAGE_SIZE);
	shadow->used = 1;
}

static unsigned int index_at(u64 address, unsigned int level)
{
	return address >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/**
 * Walk the guest's tables.
 * @param entry out: the leaf as if it were one of 4 KiB, with the rights of
 *	the whole walk
 * @return false when something on the way is not there
 */
static bool walk(const struct rig *rig, u64 address, u64 *entry)
{
	u64 table = rig->cr3 & PTE_ADDRESS, rights = PTE_RIGHTS, no_execute = 0;

	for (unsigned int level = LEVELS; level >= 1; level--) {
		u64 offset = BITS(PAGE_SHIFT + 9 * (level - 1) - 1, 0);
		const u64 *tables = rig_memory(rig, table, PAGE_SIZE);
		u64 e = tables ? tables[index_at(address, level)] : 0;

		rights &= e;
		no_execute |= e & PTE_NX;
		if (!(e & PTE_P)) {
			return false;
		}
		if (level == 1 || (e & PTE_PS)) {
			*entry = (e & PTE_ADDRESS & ~offset) |
				 (address & offset & PAGE_MASK) | rights |
				 no_execute;
			return true;
		}
		table = e & PTE_ADDRESS;
	}
	return false;
}

/** May the access be made? CR0.WP is always set here. */
static bool allows(u64 entry, u32 error)
{
	if ((error & PF_W) && !(entry & PTE_W)) {
		return false;
	}
	if ((error & PF_U) && !(entry & PTE_U)) {
		return false;
	}
	return !((error & PF_I) && (entry & PTE_NX));
}

/** The shadow's own entry, with tables down to it. */
static u64 *find_entry(struct rig_tables *shadow, u64 address)
{
	u64 *table = shadow->pool[0];

	for (unsigned int level = LEVELS; level > 1; level--) {
		u64 *entry = &table[index_at(address, level)];

		if (!(*entry & PTE_P)) {
			*entry = virt_to_hpa(shadow->pool[shadow->used++]).v |
				 PTE_RIGHTS;
		}
		table = hpa_to_virt(hpa(*entry & PTE_ADDRESS));
	}
	return &table[index_at(address, 1)];
}

bool rig_shadow_fill(struct rig *rig, gva_t address, u32 error)
{
	struct rig_tables *shadow = tables_of(rig);
	const u8 *memory;
	u64 entry;

	if (!walk(rig, address.v, &entry) || !allows(entry, error)) {
		return false;
	}
	memory = rig_memory(rig, entry & PTE_ADDRESS, PAGE_SIZE);
	if (!memory) {
		return false;
	}
	if (shadow->used + LEVELS > POOL_PAGES) {
		rig_shadow_flush(rig);
	}
	*find_entry(shadow, address.v) =
		virt_to_hpa(memory).v | (entry & (PTE_RIGHTS | PTE_NX));
	return true;
}
