/** @file
 * Looking at shadow entries, and spoiling them.
 *
 * The counterpart of calls_ept.c for a VM without EPT: a test written for EPT
 * entries asks in the same words and is answered from the shadow tables of the
 * present root.  What the two formats do not share (a piece of a larger page,
 * the note that an entry is empty) is taken out of the answer.
 *
 * Shadow tables map virtual addresses, while these calls name guest-physical
 * ones. That works since the tests' programs run on an identity map (start.c).
 */
#include "hv/vmm/calls_shadow.h"

#include "hv/vcpu/vcpu_paging.h"
#include "mmu/shadow_table.h"

/**
 * The entry for an address, or NULL while there is no root. Roots are made when
 * they are first needed, and all of them may be thrown away at once: then there
 * is no table to look into.
 */
static u64 *find_entry(struct bed *bed, u64 address, int *level)
{
	struct shadow *shadow = &bed->vcpu->shadow;

	if (!shadow->roots[0].table.v) {
		return NULL;
	}
	return shadow_table_find(shadow, &shadow->roots[0], gva(address),
				 level);
}

/**
 * SHADOW_PIECE marks a small page that is a piece of a larger one of the guest,
 * a note of ours in a bit that the processor ignores. A test that compares
 * entries must not see it.
 */
void calls_shadow_peek(struct bed *bed, u64 address, int level,
		       struct hypercall_ept *to)
{
	const u64 *entry = find_entry(bed, address, &level);
	u64 value = entry ? READ_ONCE(*entry) : 0;

	if (value == SHADOW_EMPTY) {
		value = 0; /* nothing but a note for ourselves */
	}
	*to = (struct hypercall_ept){
		.entry = value & ~SHADOW_PIECE,
		.level = (u32)level,
	};
	if (shadow_mmio_is(value)) {
		to->entry = value;
		to->is_mmio = true;
		to->generation = shadow_mmio_generation(value);
		to->gpa = shadow_mmio_gpa(value).v;
	}
}

int calls_shadow_poke(struct bed *bed, const struct hypercall_poke *poke)
{
	int level = (int)poke->level;
	u64 *entry = find_entry(bed, poke->gpa, &level);

	if (!entry || (u64)level != poke->level) {
		return -ENOENT;
	}
	WRITE_ONCE(*entry, (READ_ONCE(*entry) & poke->and) | poke->or);
	shadow_ask_invalidation(&bed->vcpu->shadow);
	return 0;
}

/** The slot at an address, or NULL. */
static const struct memslot *slot_at(struct bed *bed, u64 address)
{
	return memslot_find(memslot_read(&bed->vm->slots), gpa(address));
}

/**
 * How many pages of a range lie in this slot. The address lies in the slot, so
 * the difference is at least one page.
 */
static u64 pages_in(const struct memslot *slot, u64 address, u64 pages)
{
	u64 end = slot->base.v + (slot->pages << PAGE_SHIFT);
	u64 left = (end - address) >> PAGE_SHIFT;

	return left < pages ? left : pages;
}

/**
 * Drop one entry, whatever it is a piece of; its place stays listed. A page
 * outside of any slot is MMIO. vcpu_paging_zap() finds leaves by the host's
 * memory that they map, and here there is none: so the entry is looked for by
 * its address.
 */
static void drop_entry(struct bed *bed, u64 address)
{
	int level = SHADOW_PTE;
	u64 *entry = find_entry(bed, address, &level);

	if (entry && level == SHADOW_PTE && *entry) {
		shadow_table_set(&bed->vcpu->shadow, entry, SHADOW_EMPTY);
	}
}

/**
 * Slot by slot: a zap names leaves by the memory behind them, and only within
 * one slot is that one run of pages.
 */
void calls_shadow_unmap(struct bed *bed, u64 address, u64 pages)
{
	while (pages) {
		const struct memslot *slot = slot_at(bed, address);
		u64 n = slot ? pages_in(slot, address, pages) : 1;

		if (slot) {
			vcpu_paging_zap(bed->vm, gpa(address), n);
		} else {
			drop_entry(bed, address);
		}
		address += n << PAGE_SHIFT;
		pages -= n;
	}
}

/**
 * Without a slot there is nothing that a store could reach, so nothing is to be
 * protected.
 */
void calls_shadow_protect(struct bed *bed, u64 address, u64 pages)
{
	while (pages) {
		const struct memslot *slot = slot_at(bed, address);
		u64 n = slot ? pages_in(slot, address, pages) : 1;

		if (slot) {
			vcpu_paging_write_protect(bed->vm, gpa(address), n);
		}
		address += n << PAGE_SHIFT;
		pages -= n;
	}
}
