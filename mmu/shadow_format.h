/** @file
 * The format of a shadow entry, and of the entries that mean "MMIO".
 *
 * Without EPT the processor has one set of page tables for a guest, and they
 * must lead from guest virtual straight to host physical addresses.  So they
 * are ordinary page tables (SDM 3A 4.5), written by us:
 *
 *	 47      39 38      30 29      21 20      12 11         0
 *	+----------+----------+----------+----------+------------+
 *	|  PML4E   |  PDPTE   |   PDE    |   PTE    |   offset   |
 *	+----------+----------+----------+----------+------------+
 *	 level 4    level 3    level 2    level 1
 *
 * A guest in long mode is run with all four levels.  Any other guest cannot be
 * run in long mode, where segments, gates and tasks are others; it is run with
 * PAE paging, whatever its own paging is.  Its root is a level 3 table of which
 * the processor takes four entries into registers at each VM entry (SDM 3A
 * 4.4.1); they have other reserved bits.
 *
 * Where there is no memory stands an *MMIO SPTE*: present, and reserved bit 51
 * set, which is a page fault with error code bit 3 (spec 1.2):
 *
 *	 63 62             52 51 50           12 11 10            3 2 1 0
 *	+--+-----------------+--+---------------+--+---------------+-+-+-+
 *	|0 | generation 18:8 | 1| guest frame   |0 | generation 7:0|U|W|1|
 *	+--+-----------------+--+---------------+--+---------------+-+-+-+
 *
 * Unlike its cousin of the EPT it remembers what the guest's mapping allows.  A
 * processor with MAXPHYADDR = 52 has no reserved address bit; there, no MMIO
 * SPTE is made, and each access takes the slow path.
 */
#ifndef MMU_SHADOW_FORMAT_H
#define MMU_SHADOW_FORMAT_H

#include "bus/types.h"

/* SDM 3A 4.5: the levels, by the names of their entries */
#define SHADOW_PTE 1
#define SHADOW_PDE 2
#define SHADOW_PDPTE 3
#define SHADOW_PML4E 4

/** How many entries a table has. */
#define SHADOW_ENTRIES 512

/** What one leaf of level 2 maps, in bytes. */
#define SHADOW_LARGE_SIZE BIT(21)

/* SDM 3A tables 4-14 to 4-20 (and 4-8 to 4-11 for PAE): bits of an entry */
#define SHADOW_PRESENT BIT(0)
#define SHADOW_WRITE BIT(1)
#define SHADOW_USER BIT(2)
#define SHADOW_ACCESSED BIT(5)
#define SHADOW_DIRTY BIT(6)
#define SHADOW_LARGE BIT(7)
#define SHADOW_ADDRESS BITS(51, 12)
#define SHADOW_NX BIT(63)
/** What a leaf lets the guest do, not inverted: NX takes away. */
#define SHADOW_RIGHTS (SHADOW_WRITE | SHADOW_USER | SHADOW_NX)

/* The three bits that the processor ignores at each level and mode. */
/**
 * Bits 10:9 of a PDE, leaf or table: the largest page of the *guest's* that
 * something here is a piece of, so that INVLPG finds all pieces.
 */
#define SHADOW_PIECE BITS(10, 9)
#define SHADOW_PIECE_SHIFT 9
/**
 * Bit 9 of an entry that is not present: nothing here, but the place stands in
 * its root's list of leaves (shadow_table.h).
 */
#define SHADOW_EMPTY BIT(9)
/** Bit 11: one of ours, a table or a leaf; not set in an MMIO SPTE. */
#define SHADOW_MMU_PRESENT BIT(11)

/* spec 1.2: MMIO SPTEs */
#define SHADOW_MMIO_BIT BIT(51)
#define SHADOW_MMIO_VALUE (SHADOW_PRESENT | SHADOW_MMIO_BIT)
#define SHADOW_MMIO_MASK (SHADOW_MMIO_VALUE | SHADOW_MMU_PRESENT)
#define SHADOW_MMIO_RIGHTS (SHADOW_WRITE | SHADOW_USER)
#define SHADOW_MMIO_FRAME BITS(50, 12)
/** How many bits of a generation fit. */
#define SHADOW_MMIO_GEN_BITS 19
#define SHADOW_MMIO_GEN_LOW BITS(10, 3) /* generation bits 7:0 */
#define SHADOW_MMIO_GEN_LOW_BITS 8
#define SHADOW_MMIO_GEN_HIGH BITS(62, 52) /* generation bits 18:8 */

/** How far the bits that choose an entry of this level are shifted. */
static inline unsigned int shadow_level_shift(int level)
{
	return PAGE_SHIFT + 9 * (level - SHADOW_PTE);
}

/** How many bytes one entry of this level covers. */
static inline u64 shadow_level_size(int level)
{
	return BIT(shadow_level_shift(level));
}

/** Which entry of a table of this level the address goes through, 0..511. */
static inline unsigned int shadow_index(gva_t addr, int level)
{
	return (addr.v >> shadow_level_shift(level)) % SHADOW_ENTRIES;
}

/** A table or a leaf: neither empty nor an MMIO SPTE. */
static inline bool shadow_entry_present(u64 entry)
{
	return (entry & SHADOW_MMU_PRESENT) != 0;
}

/** True if the entry leads to a table. */
static inline bool shadow_entry_table(u64 entry, int level)
{
	return level > SHADOW_PTE &&
	       (entry & (SHADOW_MMU_PRESENT | SHADOW_LARGE)) ==
		       SHADOW_MMU_PRESENT;
}

/** Where a present entry points: the next table, or the memory. */
static inline hpa_t shadow_entry_hpa(u64 entry)
{
	return hpa(entry & SHADOW_ADDRESS);
}

/**
 * An entry that points to a table; what may be done is decided at the leaf.
 * @param table the table
 * @param level where the entry stands
 * @param root_level the level of the root: in a PAE root, R/W, U/S and the
 *	accessed bit are reserved (SDM 3A table 4-8)
 */
static inline u64 shadow_make_table(hpa_t table, int level, int root_level)
{
	u64 entry = table.v | SHADOW_PRESENT | SHADOW_MMU_PRESENT;

	if (level == SHADOW_PDPTE && root_level == SHADOW_PDPTE) {
		return entry;
	}
	return entry | SHADOW_WRITE | SHADOW_USER | SHADOW_ACCESSED;
}

/**
 * A leaf.  Accessed is set, as the access that asked for it is to come; dirty,
 * so that the processor need not set it: the guest's own bits are what counts.
 * @param page the host memory, aligned to the level's size
 * @param rights of SHADOW_RIGHTS
 * @param level SHADOW_PTE or SHADOW_PDE
 */
static inline u64 shadow_make_leaf(hpa_t page, u64 rights, int level)
{
	return page.v | rights | SHADOW_PRESENT | SHADOW_MMU_PRESENT |
	       SHADOW_ACCESSED | SHADOW_DIRTY |
	       (level == SHADOW_PDE ? SHADOW_LARGE : 0);
}

/**
 * The MMIO SPTE of a page.
 * @param addr any address in the page, below 2^51
 * @param rights of the guest's mapping: SHADOW_MMIO_RIGHTS
 * @param generation the slots'; its bits 18:0 are stored
 */
static inline u64 shadow_mmio_make(gpa_t addr, u64 rights, u64 generation)
{
	u64 low = generation << 3;
	u64 high = generation >> SHADOW_MMIO_GEN_LOW_BITS << 52;

	return SHADOW_MMIO_VALUE | rights | (addr.v & SHADOW_MMIO_FRAME) |
	       (low & SHADOW_MMIO_GEN_LOW) | (high & SHADOW_MMIO_GEN_HIGH);
}

/** True if the entry is an MMIO SPTE. */
static inline bool shadow_mmio_is(u64 entry)
{
	return (entry & SHADOW_MMIO_MASK) == SHADOW_MMIO_VALUE;
}

/** The page that an MMIO SPTE was made for. */
static inline gpa_t shadow_mmio_gpa(u64 entry)
{
	return gpa(entry & SHADOW_MMIO_FRAME);
}

/** The generation in an MMIO SPTE, 0 to 2^19-1. */
static inline u64 shadow_mmio_generation(u64 entry)
{
	return bits(entry, 10, 3) |
	       bits(entry, 62, 52) << SHADOW_MMIO_GEN_LOW_BITS;
}

/**
 * True if the processor would find a reserved bit set in a present entry.
 * @param entry the entry
 * @param phys_bits MAXPHYADDR
 */
static inline bool shadow_entry_reserved(u64 entry, unsigned int phys_bits)
{
	return (entry & SHADOW_PRESENT) &&
	       (entry & SHADOW_ADDRESS & (~0ull << phys_bits));
}

#endif
