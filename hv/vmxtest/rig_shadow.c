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
 * The shadow has the form of the guest's own tables, of which there are three
 * (SDM 3A 4.3 to 4.5):
 *
 *	long mode    4 levels, 9 bits each, entries of 8 bytes
 *	PAE          3, the topmost only 2 bits, whose entries have no rights
 *	32 bits      2 levels, 10 bits each, entries of 4 bytes
 *
 * Every page is entered as one of 4 KiB.  Whatever the guest does that could
 * make an entry wrong throws all of them away.
 */
#include "hv/vmxtest/rig_shadow.h"

#include "hv/vmm/start.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define LEVELS_MOST 4
#define POOL_PAGES 64

/* Paging-structure entries - SDM 3A 4.5.4 */
#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)
#define PTE_RIGHTS (PTE_P | PTE_W | PTE_U)
#define PTE_ADDRESS BITS(51, 12)
#define CR3_PDPT_OFFSET BITS(11, 5)

/** A form of page tables. */
struct form {
	unsigned int levels, index_bits, entry_size;
};

static const struct form forms[] = {
	[RIG_PAGING_LONG] = { 4, 9, 8 },
	[RIG_PAGING_PAE] = { 3, 9, 8 },
	[RIG_PAGING_32] = { 2, 10, 4 },
};

struct rig_tables {
	const struct form *form;
	u8 (*pool)[PAGE_SIZE]; /* the first is the root */
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
	shadow->form = &forms[RIG_PAGING_LONG];
	rig->cr3 = START_PML4;
	return shadow->pool ? 0 : -ENOMEM;
}

void rig_shadow_use(struct rig *rig, enum rig_paging paging, u64 cr3)
{
	tables_of(rig)->form = &forms[paging];
	rig->cr3 = cr3;
	rig_shadow_flush(rig);
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

static unsigned int index_at(const struct form *form, u64 address,
			     unsigned int level)
{
	return address >> (PAGE_SHIFT + form->index_bits * (level - 1)) &
	       ((1u << form->index_bits) - 1);
}

static u64 get_entry(const struct form *form, const void *table,
		     unsigned int index)
{
	return form->entry_size == 4 ? ((const u32 *)table)[index] :
				       ((const u64 *)table)[index];
}

static void set_entry(const struct form *form, void *table,
		      unsigned int index, u64 entry)
{
	if (form->entry_size == 4) {
		((u32 *)table)[index] = entry;
	} else {
		((u64 *)table)[index] = entry;
	}
}

/** PAE's topmost entries: the bits of rights are reserved (SDM 3A 4.4.1). */
static bool has_rights(const struct form *form, unsigned int level)
{
	return form->levels != 3 || level != 3;
}

/** What an entry of this level maps. */
static u64 size_at(const struct form *form, unsigned int level)
{
	return 1ull << (PAGE_SHIFT + form->index_bits * (level - 1));
}

/** An entry of the guest's; 0 outside of its memory.  A PDPT of PAE need not
 * begin a page. */
static u64 guest_entry(const struct rig *rig, u64 table, u64 address,
		       unsigned int level)
{
	const struct form *form = tables_of(rig)->form;
	u64 start = has_rights(form, level) ? 0 : rig->cr3 & CR3_PDPT_OFFSET;
	const u8 *memory = rig_memory(rig, table + start,
				      PAGE_SIZE - start);

	return memory ? get_entry(form, memory,
				  index_at(form, address, level)) : 0;
}

/**
 * Walk the guest's tables.
 * @param entry out: the leaf as if it were one of 4 KiB, with the rights of
 *	the whole walk
 * @return false when something on the way is not there
 */
static bool walk(const struct rig *rig, u64 address, u64 *entry)
{
	const struct form *form = tables_of(rig)->form;
	u64 table = rig->cr3 & PTE_ADDRESS, rights = PTE_RIGHTS, no_execute = 0;

	for (unsigned int level = form->levels; level >= 1; level--) {
		u64 offset = size_at(form, level) - 1;
		u64 e = guest_entry(rig, table, address, level);

		if (!(e & PTE_P)) {
			return false;
		}
		if (has_rights(form, level)) {
			rights &= e;
			no_execute |= e & PTE_NX;
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

/** May the access be made? */
static bool allows(u64 entry, u32 error)
{
	bool protects = (error & PF_U) || (vmread(GUEST_CR0) & CR0_WP);

	if ((error & PF_W) && protects && !(entry & PTE_W)) {
		return false;
	}
	if ((error & PF_U) && !(entry & PTE_U)) {
		return false;
	}
	return !((error & PF_I) && (entry & PTE_NX));
}

/** Write the shadow's own leaf, with tables down to it. */
static void enter(struct rig_tables *shadow, u64 address, u64 leaf)
{
	const struct form *form = shadow->form;
	void *table = shadow->pool[0];

	for (unsigned int level = form->levels; level > 1; level--) {
		unsigned int index = index_at(form, address, level);
		u64 entry = get_entry(form, table, index);

		if (!(entry & PTE_P)) {
			entry = virt_to_hpa(shadow->pool[shadow->used++]).v;
			entry |= has_rights(form, level) ? PTE_RIGHTS : PTE_P;
			set_entry(form, table, index, entry);
		}
		table = hpa_to_virt(hpa(entry & PTE_ADDRESS));
	}
	set_entry(form, table, index_at(form, address, 1), leaf);
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
	if (shadow->used + LEVELS_MOST > POOL_PAGES) {
		rig_shadow_flush(rig);
	}
	enter(shadow, address.v,
	      virt_to_hpa(memory).v | (entry & (PTE_RIGHTS | PTE_NX)));
	return true;
}
