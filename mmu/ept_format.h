/** @file
 * The format of an EPT entry, and of the entries that mean "MMIO".
 *
 * The extended page tables translate guest physical to host physical
 * addresses.  They have the shape of ordinary 4-level page tables: nine bits
 * of the address choose an entry at each level, and twelve are the offset.
 *
 *	 47      39 38      30 29      21 20      12 11         0
 *	+----------+----------+----------+----------+------------+
 *	|  PML4E   |  PDPTE   |   PDE    |   PTE    |   offset   |
 *	+----------+----------+----------+----------+------------+
 *	 level 4    level 3    level 2    level 1
 *
 * An entry either points to a table of the next level or is a *leaf*, which
 * maps memory: always at level 1 (4 KiB), and at level 2 if bit 7 is set
 * (2 MiB).  Not present means that bits 2:0 are 0: the access is an EPT
 * violation.  Some combinations are illegal, for instance writable without
 * readable: the access is an EPT misconfiguration (SDM 3C 29.3.3).
 *
 * The second kind of exit is cheaper for a hypervisor, as it can only mean
 * what the hypervisor itself has written there.  So exit49, like KVM, writes
 * an illegal entry where it knows that there is no memory (spec 1.2):
 *
 *	 63 62             52 51           12 11 10            3 2     0
 *	+--+-----------------+---------------+--+---------------+-------+
 *	|0 | generation 18:8 | guest frame   |0 | generation 7:0| 1 1 0 |
 *	+--+-----------------+---------------+--+---------------+-------+
 *	                                                         X W R
 *
 * "Writable and executable, not readable" is illegal on every processor.  The
 * frame is the guest's, there being no host page.  The generation is that of
 * the slots when the entry was made (memslot.h): if it is no longer theirs,
 * the entry is stale.  These entries are called MMIO SPTEs.
 */
#ifndef MMU_EPT_FORMAT_H
#define MMU_EPT_FORMAT_H

#include "bus/types.h"

/* SDM 3C 29.3.2: the levels, by the names of their entries */
#define EPT_PTE 1
#define EPT_PDE 2
#define EPT_PDPTE 3
#define EPT_PML4E 4

/** How many entries a table has, at any level. */
#define EPT_ENTRIES 512

/** Pages of 4 KiB under one leaf of level 2, and its size in bytes. */
#define EPT_LARGE_PAGES 512ull
#define EPT_LARGE_SIZE (EPT_LARGE_PAGES << PAGE_SHIFT)

/** 4-level EPT translates this many address bits (SDM 3C 29.3.2). */
#define EPT_GPA_BITS 48

/* SDM 3C tables 29-1 to 29-6: the bits of an entry */
#define EPT_READ BIT(0)
#define EPT_WRITE BIT(1)
#define EPT_EXECUTE BIT(2)
#define EPT_RWX BITS(2, 0)
#define EPT_MEMORY_TYPE BITS(5, 3) /* leaves only; elsewhere reserved */
#define EPT_IGNORE_PAT BIT(6)	   /* leaves only; elsewhere reserved */
#define EPT_LARGE BIT(7)	   /* PDE: a leaf, not a table */
#define EPT_ADDRESS BITS(51, 12)

/** Memory type write-back, as a leaf holds it (SDM 3A 12.3). */
#define EPT_MEMORY_WB (6ull << 3)

/**
 * Bit 11, which the processor ignores: this entry is one of ours, a table or
 * a leaf.  MMIO SPTEs do not have it, so whoever walks the tables for mapped
 * memory passes them by.
 */
#define EPT_MMU_PRESENT BIT(11)

/* spec 1.2: MMIO SPTEs */
#define EPT_MMIO_VALUE (EPT_WRITE | EPT_EXECUTE)
#define EPT_MMIO_MASK (EPT_RWX | EPT_MMU_PRESENT)
/** How much of the slots' generation an MMIO SPTE can hold: bits 18:0. */
#define EPT_MMIO_GEN_MASK BITS(18, 0)
/* which bits of the entry hold which bits of the generation */
#define EPT_MMIO_GEN_LOW BITS(10, 3) /* generation bits 7:0 */
#define EPT_MMIO_GEN_LOW_SHIFT 3
#define EPT_MMIO_GEN_LOW_BITS 8
#define EPT_MMIO_GEN_HIGH BITS(62, 52) /* generation bits 18:8 */
#define EPT_MMIO_GEN_HIGH_SHIFT 52

/** How far the bits that choose an entry of this level are shifted. */
static inline unsigned int ept_level_shift(int level)
{
	return PAGE_SHIFT + 9 * (level - EPT_PTE);
}

/** Which entry of a table of this level the address goes through, 0..511. */
static inline unsigned int ept_index(gpa_t addr, int level)
{
	return (addr.v >> ept_level_shift(level)) % EPT_ENTRIES;
}

/** How many bytes one entry of this level covers. */
static inline u64 ept_level_size(int level)
{
	return BIT(ept_level_shift(level));
}

/** A table or a leaf of ours: neither empty nor an MMIO SPTE. */
static inline bool ept_entry_present(u64 entry)
{
	return (entry & EPT_MMU_PRESENT) != 0;
}

/** True if a present entry of this level maps memory. */
static inline bool ept_entry_leaf(u64 entry, int level)
{
	return level == EPT_PTE || (entry & EPT_LARGE);
}

/**
 * True if the entry leads to a table that can be walked: one of ours, readable,
 * not a leaf, and no reserved bit set.
 * @param entry the entry
 * @param level where it stands, EPT_PTE to EPT_PML4E
 * @param phys_bits MAXPHYADDR
 */
static inline bool ept_entry_table(u64 entry, int level,
				   unsigned int phys_bits)
{
	u64 reserved = (EPT_ADDRESS & (~0ull << phys_bits)) | BITS(7, 3);
	u64 mask = reserved | EPT_MMU_PRESENT | EPT_READ;

	return level > EPT_PTE &&
	       (entry & mask) == (EPT_MMU_PRESENT | EPT_READ);
}

/** Where a present entry points: the next table, or the memory. */
static inline hpa_t ept_entry_hpa(u64 entry)
{
	return hpa(entry & EPT_ADDRESS);
}

/**
 * An entry that points to a table.  It gives all rights: what may be done is
 * decided at the leaf.
 */
static inline u64 ept_make_table(hpa_t table)
{
	return table.v | EPT_MMU_PRESENT | EPT_RWX;
}

/**
 * A leaf.
 * @param page the host memory, aligned to the level's size
 * @param rights EPT_READ, EPT_WRITE, EPT_EXECUTE or'ed
 * @param level EPT_PTE for 4 KiB, EPT_PDE for 2 MiB
 */
static inline u64 ept_make_leaf(hpa_t page, u64 rights, int level)
{
	return page.v | EPT_MMU_PRESENT | EPT_MEMORY_WB | rights |
	       (level == EPT_PTE ? 0 : EPT_LARGE);
}

/**
 * True if the processor would call this entry misconfigured (SDM 3C 29.3.3.1):
 * writable but not readable, executable only (which we never offer), a
 * reserved bit set, or a leaf with a memory type that does not exist.
 * @param entry the entry
 * @param level where it stands, EPT_PTE to EPT_PML4E
 * @param phys_bits MAXPHYADDR: address bits from here to 51 are reserved
 */
static inline bool ept_entry_misconfigured(u64 entry, int level,
					   unsigned int phys_bits)
{
	u64 reserved = EPT_ADDRESS & (~0ull << phys_bits);
	u64 type = bits(entry, 5, 3);

	if (!(entry & EPT_RWX)) {
		return false; /* not present: the rest is ignored */
	}
	if (!(entry & EPT_READ)) {
		return true;
	}
	if (level == EPT_PTE) {
		return (entry & reserved) || type == 2 || type == 3 ||
		       type == 7;
	}
	if (level == EPT_PDE && (entry & EPT_LARGE)) {
		reserved |= BITS(20, 12);
		return (entry & reserved) || type == 2 || type == 3 ||
		       type == 7;
	}
	/* a table: bits 6:3 and 7 (we use no 1 GiB leaves) are reserved */
	return (entry & (reserved | BITS(7, 3))) != 0;
}

#endif
