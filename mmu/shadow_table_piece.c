/** @file
 * Forgetting one page, and the pieces of larger ones.
 *
 * A guest's large page can be in our tables in pieces: leaves and MMIO SPTEs of
 * 4 KiB where its memory is not one block, or two leaves of 2 MiB for 4 MiB.
 * INVLPG of *any* address in the page must drop all of them (SDM 3A 4.10.4.1).
 *
 * So each PDE remembers the largest page of the guest's that something under it
 * was a piece of (SHADOW_PIECE), and each root the largest of all.  To forget a
 * page, it is assumed to be of each size in turn, up to that; whatever block
 * has pieces of at least that size goes as a whole.  That drops neighbours only
 * where small pages stand beside pieces of a large one in one 2 MiB block: not
 * often, and they come back by a fault.
 */
#include "mmu/shadow_table.h"

/* SHADOW_PIECE's values: the guest's page sizes in their order */
static const unsigned int piece_shifts[] = { 12, 21, 22, 30 };

/** A size as the bits of SHADOW_PIECE.  A larger page has a larger code, so
 * that codes can be compared. */
static u64 piece_of(unsigned int shift)
{
	u64 code = 0;

	while (piece_shifts[code] != shift) {
		code++;
	}
	return code << SHADOW_PIECE_SHIFT;
}

/* Only ever raised, until the block is dropped: to forget too much costs a few
 * faults, to forget too little is a page that the guest has unmapped. */
void shadow_table_note(struct shadow *shadow, struct shadow_root *root,
		       gva_t addr, unsigned int shift)
{
	int level = SHADOW_PDE;
	u64 *entry;

	if (shift == PAGE_SHIFT) {
		return;
	}
	entry = shadow_table_find(shadow, root, addr, &level);
	if ((*entry & SHADOW_PIECE) < piece_of(shift)) {
		WRITE_ONCE(*entry, (*entry & ~SHADOW_PIECE) | piece_of(shift));
	}
	if (root->largest < shift) {
		root->largest = shift;
	}
}

/** Drop one leaf; its place stays listed. */
static void drop_entry(struct shadow *shadow, u64 *entry)
{
	if (*entry != 0) {
		shadow_table_set(shadow, entry, SHADOW_EMPTY);
	}
}

/** Drop all that a PDE leads to, if it has pieces of pages of that size. */
static void drop_block(struct shadow *shadow, const struct shadow_root *root,
		       gva_t addr, unsigned int shift)
{
	int level = SHADOW_PDE;
	u64 *entry = shadow_table_find(shadow, root, addr, &level);

	if (level != SHADOW_PDE || !shadow_entry_present(*entry) ||
	    (*entry & SHADOW_PIECE) < piece_of(shift)) {
		return;
	}
	if (!shadow_entry_table(*entry, level)) {
		drop_entry(shadow, entry);
		return;
	}
	for (int i = 0; i < SHADOW_ENTRIES; i++) {
		hpa_t table = shadow_entry_hpa(*entry);

		drop_entry(shadow, shadow_table_at(shadow, table) + i);
	}
	WRITE_ONCE(*entry, *entry & ~SHADOW_PIECE);
}

void shadow_table_drop(struct shadow *shadow, struct shadow_root *root,
		       gva_t addr)
{
	int level = SHADOW_PTE;
	u64 *entry = shadow_table_find(shadow, root, addr, &level);

	if (level <= SHADOW_PDE) {
		drop_entry(shadow, entry);
	}
	for (size_t i = 1; i < ARRAY_SIZE(piece_shifts); i++) {
		unsigned int shift = piece_shifts[i];
		u64 size = BIT(shift);
		gva_t at = gva(addr.v & ~(size - 1));

		for (u64 n = 0; shift <= root->largest && n < size;
		     n += SHADOW_LARGE_SIZE) {
			drop_block(shadow, root, gva_add(at, n), shift);
		}
	}
}
