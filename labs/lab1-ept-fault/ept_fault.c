/** @file
 * Lab 1: what to do when the EPT says no.
 *
 * This is your file.  The contract of each function stands in
 * mmu/ept_fault.h, the format of an entry in mmu/ept_format.h, the handout in
 * labs/lab1-ept-fault/README.md.  Go through the steps in their order; when a
 * function is written, its lab_not_written() goes.  `make host LAB=1` tries
 * your functions one by one, without a VM; `make grade LAB=1` names the step
 * that is missing, and later the rule that is broken.
 *
 * Two rules hold wherever an entry changes, because the processor reads it at
 * the same time:
 *   - an entry is read once (READ_ONCE) and written once, whole (WRITE_ONCE),
 *     and only after all that it points to (smp_wmb);
 *   - if it takes something away from the guest, ept_ask_invalidation().
 * Write one small function that keeps them, and use it everywhere.
 */
#include "mmu/ept_fault.h"
#include "bus/lab.h"

#define HEADER "mmu/ept_fault.h"

/* For as long as the functions below ignore what they are given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* 1.1 The walk ------------------------------------------------------------ */

struct ept_walk ept_fault_walk(const struct ept *ept, gpa_t addr)
{
	/*
	 * 1. Begin with the table ept->root, level EPT_PML4E, all rights.
	 *    ept_table() makes a pointer of a table's address.
	 * 2. Read the entry number ept_index(addr, level), once.
	 * 3. Take from the rights what the entry does not give.  Each level
	 *    counts, not only the last (SDM 3C 29.3.3.2).
	 * 4. While ept_entry_table() says so: down one level, again from 2.
	 * 5. Not present (ept_entry_present())?  Then there are no rights.
	 */
	lab_not_written("1.1", "ept_fault_walk", HEADER);
}

/* 1.2 Mapping ------------------------------------------------------------- */

int ept_fault_map(struct ept *ept, const struct ept_mapping *map)
{
	/*
	 * Worth a function of its own: the pointer to the entry of a given
	 * level for an address, with all tables above it made on the way.
	 * Step 1.6 needs it too.  At each level above:
	 * 1. Not present: ept_alloc_table(), and link it.
	 * 2. A large leaf in the way: fill a new table with 512 small leaves
	 *    of the same memory and the same rights, then link it.
	 * 3. A table: make sure that its entry gives all rights.
	 *
	 * Then, until no page is left:
	 * 4. Which level?  EPT_PDE if gpa and hpa are both 2 MiB aligned, 512
	 *    pages are left, and the walk does not end at EPT_PTE already.
	 * 5. Write the leaf (ept_make_leaf()) and go on by its size
	 *    (ept_level_size()), which is in bytes.
	 *
	 * An invalidation is needed where the entry was present and the new
	 * one is not the old one plus rights.
	 */
	lab_not_written("1.2", "ept_fault_map", HEADER);
}

/* 1.3 Unmapping ----------------------------------------------------------- */

void ept_fault_unmap(struct ept *ept, gpa_t addr, u64 pages)
{
	/*
	 * 1. Walk to the address.  If the entry is not 0, write 0.
	 * 2. Go on with the first address which that entry does not decide:
	 *    the walk's level tells how much it covers, whether or not it is
	 *    present, and addr may lie in the middle of it.
	 * 3. At the end of the range: was one of the entries present?
	 */
	lab_not_written("1.3", "ept_fault_unmap", HEADER);
}

/* 1.4 What does it mean? -------------------------------------------------- */

enum ept_fault_kind ept_fault_classify(const struct ept *ept,
				       struct memslot_set *slots,
				       const struct ept_access *access)
{
	/*
	 * Ask memslot_find() and the slot's flags first, the walk last; the
	 * order is in the contract.  Spurious means that the entries give all
	 * of access->wanted now: access->allowed is what they gave before.
	 */
	lab_not_written("1.4", "ept_fault_classify", HEADER);
}

/* 1.5 MMIO SPTEs ---------------------------------------------------------- */

u64 ept_fault_mmio_make(gpa_t addr, u64 generation)
{
	/*
	 * The drawing is in ept_format.h.  Bits 7:0 of the generation go to
	 * bits 10:3, bits 18:8 to bits 62:52; whatever is above must not leak
	 * into the entry (bit 63 of the generation least of all).
	 */
	lab_not_written("1.5", "ept_fault_mmio_make", HEADER);
}

bool ept_fault_mmio_is(u64 entry)
{
	/* EPT_MMIO_MASK and EPT_MMIO_VALUE. */
	lab_not_written("1.5", "ept_fault_mmio_is", HEADER);
}

gpa_t ept_fault_mmio_gpa(u64 entry)
{
	lab_not_written("1.5", "ept_fault_mmio_gpa", HEADER);
}

u64 ept_fault_mmio_generation(u64 entry)
{
	/* The two fields of ept_fault_mmio_make(), put together again. */
	lab_not_written("1.5", "ept_fault_mmio_generation", HEADER);
}

bool ept_fault_mmio_stale(u64 entry, u64 generation)
{
	/*
	 * 1. MEMSLOT_GEN_IN_PROGRESS: nothing matches during a swap.
	 * 2. Else compare as much of the generation as an entry can hold.
	 */
	lab_not_written("1.5", "ept_fault_mmio_stale", HEADER);
}

/* 1.6 A violation --------------------------------------------------------- */

/**
 * Call each step before 1.6 once, in their order, so that the first one which
 * is missing is the one you are told.  What the calls do does not matter, as
 * the VM stops right after.  Remove this function when you write step 1.6.
 */
static void first_missing_step(struct ept *ept, struct memslot_set *slots,
			       const struct ept_access *access)
{
	struct ept_mapping page = { .gpa = gpa_page(access->gpa), .pages = 1 };
	u64 entry;

	(void)ept_fault_walk(ept, page.gpa);
	if (ept_fault_map(ept, &page) == 0) {
		ept_fault_unmap(ept, page.gpa, page.pages);
	}
	(void)ept_fault_classify(ept, slots, access);
	entry = ept_fault_mmio_make(page.gpa, memslot_generation(slots));
	(void)ept_fault_mmio_is(entry);
	(void)ept_fault_mmio_gpa(entry);
	(void)ept_fault_mmio_generation(entry);
	(void)ept_fault_mmio_stale(entry, memslot_generation(slots));
}

enum ept_fault_result ept_fault_violation(struct ept *ept,
					  struct memslot_set *slots,
					  const struct ept_access *access)
{
	first_missing_step(ept, slots, access);
	/*
	 * One switch on ept_fault_classify().
	 * 1. RAM: which range?  A 2 MiB block if it lies in the slot as a
	 *    whole, its memory (memslot_hpa()) is 2 MiB aligned, and the slot
	 *    does not log; else the page.  Which rights?  Think of a load from
	 *    a slot that logs: the store that follows must still be seen.
	 * 2. Spurious: there is nothing to do.
	 * 3. Going away: let the other CPU finish.
	 * 4. Store to a read-only slot: emulate, and leave no trace in the
	 *    tables, since a load from the same page is no MMIO.
	 * 5. No slot: first the two cases in which no entry may be made; then
	 *    the MMIO SPTE, whole, into the entry of level EPT_PTE.  The
	 *    generation is that of the very set in which no slot was found.
	 */
	lab_not_written("1.6", "ept_fault_violation", HEADER);
}

/* 1.7 A misconfiguration -------------------------------------------------- */

enum ept_fault_result ept_fault_misconfig(struct ept *ept,
					  struct memslot_set *slots, gpa_t addr)
{
	/*
	 * Walk, then decide on walk.value alone:
	 * 1. An MMIO SPTE that is not stale: emulate.  Every access to a
	 *    device but the first comes this way, so do nothing before it.
	 * 2. A stale one: treat the access as a read that caused a violation.
	 *    Had you returned an error here, or emulated without making a new
	 *    entry, what would each later access cost?
	 * 3. Not illegal any more: retry.
	 * 4. Else the entry is one of ours and broken: error.
	 */
	lab_not_written("1.7", "ept_fault_misconfig", HEADER);
}
