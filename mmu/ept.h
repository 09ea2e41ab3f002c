/** @file
 * The extended page tables of one VM: root, tables and housekeeping.
 *
 * What stands here is what is needed *around* the EPT: to create and destroy
 * it, to get zeroed tables, to reach a table by pointer, to ask for an
 * invalidation, and the walks over a whole range that slots need.  How a fault
 * is turned into an entry is ept_fault.h, the first lab.
 *
 * The processor reads these tables at any moment, on every CPU that runs the
 * VM, and nobody can stop it.  Two rules follow.  An entry is written once and
 * whole, with WRITE_ONCE(), and a table is complete before an entry points to
 * it.  And the processor may keep what it has read: taking a right away is
 * true only after an INVEPT (SDM 3C 29.4.3), asked for by
 * ept_ask_invalidation().  Adding a right needs none, since the violation that
 * made us add it has dropped the old translation (SDM 3C 29.4.3.1).
 *
 * Writers hold the VM's EPT lock.
 */
#ifndef MMU_EPT_H
#define MMU_EPT_H

#include "bus/access.h"
#include "bus/errno.h"
#include "bus/types.h"
#include "mmu/ept_format.h"

/** What the EPT needs from the rest of the hypervisor. */
struct ept_ops {
	/** A zeroed, 4 KiB aligned page.  @return 0, or -ENOMEM */
	int (*alloc_table)(void *ctx, hpa_t *table) __must_check;
	/** Give a page of alloc_table() back. */
	void (*free_table)(void *ctx, hpa_t table);
	/**
	 * An invalidation is asked for: make the other CPUs that run this VM
	 * leave the guest.  May be NULL where there are none.
	 */
	void (*kick)(void *ctx);
};

/** Events since ept_create(), for tests, traces and people. */
struct ept_counters {
	u64 tables;	   /* tables that exist now, the root included */
	u64 invalidations; /* how often one was asked for, see below */
};

/** One VM's extended page tables. */
struct ept {
	/* fixed after ept_create() */
	hpa_t root;	 /* the PML4 table */
	u64 direct_map;	 /* add to a host physical address: our pointer */
	unsigned int phys_bits; /* MAXPHYADDR: no entry at or above 2^this */
	const struct ept_ops *ops;
	void *ctx; /* handed to each op */

	/* under the EPT lock; each vCPU reads counters.invalidations */
	struct ept_counters counters;
};

/**
 * Make an EPT that maps nothing.
 * @param ept what to initialise; the caller has set direct_map, phys_bits (36
 *	to 52), ops and ctx
 * @return 0; -EINVAL if one of those is missing or out of range; -ENOMEM
 */
int ept_create(struct ept *ept) __must_check;

/** Free every table.  No vCPU may use this EPT any more. */
void ept_destroy(struct ept *ept);

/** Our pointer to a table. */
static inline u64 *ept_table(const struct ept *ept, hpa_t table)
{
	return (u64 *)(uintptr_t)(table.v + ept->direct_map);
}

/**
 * A fresh table, all entries not present.
 * @param ept the EPT, locked
 * @param table where to put the table's address
 * @return 0, or -ENOMEM
 */
int ept_alloc_table(struct ept *ept, hpa_t *table) __must_check;

/**
 * Ask that every processor forgets what it has cached of this EPT.
 *
 * Done before any vCPU of the VM enters the guest again, on each of its
 * processors: a vCPU compares counters.invalidations with the value at its
 * last INVEPT before each entry.
 * @param ept the EPT, locked
 */
void ept_ask_invalidation(struct ept *ept);

/**
 * Take EPT_WRITE from each leaf that overlaps a range, and ask for the
 * invalidation.  Large leaves stay large.
 * @param ept the EPT, locked
 * @param base first address, page aligned
 * @param pages how many 4 KiB pages
 */
void ept_write_protect(struct ept *ept, gpa_t base, u64 pages);

/**
 * The slots have a new generation.  When its 19 bits in an MMIO SPTE come
 * round to 0, an entry made 2^19 changes ago would match again: remove all
 * MMIO SPTEs, before the new generation can be seen (spec 1.3).
 * @param ept the EPT, locked
 * @param generation the generation which the slots are about to have
 */
void ept_new_generation(struct ept *ept, u64 generation);

/**
 * The entry that decides an address, for tests and debuggers; NULL never.
 * It is found anew, not by the lab's walk.
 * @param ept the EPT, locked
 * @param addr the address, below 2^48
 * @param level the level where to stop at the latest: EPT_PTE to EPT_PML4E;
 *	set to the level of the entry
 */
u64 *ept_find_entry(const struct ept *ept, gpa_t addr, int *level);

/**
 * What an address may be used for, all levels together, for counters and
 * debuggers; like ept_find_entry() not by the lab's walk.
 * @param ept the EPT, locked
 * @param addr the address, below 2^48
 * @return EPT_READ, EPT_WRITE, EPT_EXECUTE or'ed; 0 if it is not mapped
 */
u64 ept_find_rights(const struct ept *ept, gpa_t addr);

#endif
