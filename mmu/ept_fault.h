/** @file
 * Lab 1: what to do when the EPT says no.
 *
 * The guest has touched a guest physical address and the processor could not
 * translate it.  There are two ways to get here (spec 1.1):
 *
 *	EPT violation       no entry, or one that forbids the access.  The exit
 *	(exit reason 48)    qualification says what was tried.
 *	EPT misconfig       an illegal entry.  Nothing is said but the address.
 *	(exit reason 49)
 *
 * and the answer is one of a handful: map memory and let the guest go on;
 * nothing to do, go on; hand the instruction to the emulator, as a device is
 * meant; or give up, as our own tables are broken.
 *
 *	          violation                    misconfiguration
 *	              |                               |
 *	        classify (1.4)                   walk (1.1)
 *	  +--------+--+---+---------+        +-------+-+-----+--------+
 *	 RAM  spurious  going    no slot   MMIO    MMIO    legal    broken
 *	  |       |     away    r/o write  valid   stale    now       |
 *	 map      |       |    [mark MMIO]   |       |       |        |
 *	resume  resume  retry   emulate   emulate  as for  retry    error
 *	                                          violation
 *
 * All functions but the five of step 1.5 are called with the VM's EPT lock
 * held, inside a read section of the slots.  Besides what this header declares
 * a solution needs: memslot_find(), memslot_generation(), memslot_hpa(),
 * memslot_mark_dirty(), ept_table(), ept_alloc_table(),
 * ept_ask_invalidation(), READ_ONCE(), WRITE_ONCE() and ept_format.h.
 */
#ifndef MMU_EPT_FAULT_H
#define MMU_EPT_FAULT_H

#include "mmu/ept.h"
#include "mmu/memslot.h"

/** Where a walk ended: the entry that decides the address. */
struct ept_walk {
	u64 *entry; /* where it stands, for whoever wants to replace it */
	u64 value;  /* what it was: read once, decide on this copy */
	int level;  /* EPT_PTE to EPT_PML4E */
	u64 rights; /* EPT_READ, EPT_WRITE, EPT_EXECUTE that the address has,
		     * the entries above included; 0 if it is not mapped */
};

/** A range to be mapped: memory from gpa on is that from hpa on. */
struct ept_mapping {
	gpa_t gpa;  /* page aligned, below 2^48 with all its pages */
	hpa_t hpa;  /* page aligned */
	u64 pages;  /* 4 KiB pages, at least 1 */
	u64 rights; /* EPT_READ, perhaps with EPT_WRITE and EPT_EXECUTE */
};

/** An access that did not get through, from the exit qualification. */
struct ept_access {
	gpa_t gpa;   /* GUEST_PHYSICAL_ADDRESS, offset in the page included */
	u64 wanted;  /* what was tried: EPT_READ, EPT_WRITE, EPT_EXECUTE; a
		      * read-modify-write has two of them (SDM table 28-7) */
	u64 allowed; /* what the entries gave then; they may have changed */
};

/** What a violation means. */
enum ept_fault_kind {
	EPT_FAULT_RAM,		  /* memory that is to be mapped */
	EPT_FAULT_SPURIOUS,	  /* the entries allow the access by now */
	EPT_FAULT_READONLY_WRITE, /* a store to a read-only slot */
	EPT_FAULT_NO_SLOT,	  /* no memory here: MMIO */
	EPT_FAULT_GOING_AWAY,	  /* the slot is being deleted or moved */
};

/** What shall become of the vCPU. */
enum ept_fault_result {
	EPT_FAULT_RESUME,    /* enter the guest again: the access will work */
	EPT_FAULT_RETRY,     /* the same, but it may well fault once more */
	EPT_FAULT_EMULATE,   /* emulate the instruction: not memory */
	EPT_FAULT_NO_MEMORY, /* no page for a table: stop the VM */
	EPT_FAULT_ERROR,     /* an entry of ours is broken: stop the VM */
};

/**
 * Step 1.1: walk to the entry that decides an address.
 *
 * Begins at the root with all rights; at each level the entry's own rights
 * take away what they do not give.  The walk goes on while an entry leads to a
 * table (ept_entry_table()); so it ends at an entry that is not present, at an
 * illegal one, or at a leaf, of whichever level.
 *
 * Each entry is read once.  Nothing is changed.  (SDM 3C 29.3.2)
 * @param ept the VM's tables
 * @param addr any address below 2^48
 * @return entry, value and level where the walk ended; rights as above for a
 *	leaf, 0 for an entry that is not present, MMIO SPTEs included, and
 *	without meaning for an illegal one
 */
struct ept_walk ept_fault_walk(const struct ept *ept, gpa_t addr);

/**
 * Step 1.2: map a range.
 *
 * Afterwards a walk to each page of the range ends at a leaf with its memory
 * and exactly these rights, no more and no less.  A 2 MiB leaf is used
 * wherever gpa and hpa are both 2 MiB aligned, at least 512 pages are left and
 * no table stands there already; a table that stands is kept, its 512 entries
 * are filled.  A large leaf which the range covers in part is split: a new
 * table takes over its 512 pages with their rights, and only then is linked.
 * Table entries on the way get all rights, whatever they had.
 *
 * An entry is written once and whole.  Where a present leaf is replaced by
 * anything but the same leaf with more rights, an invalidation is asked for.
 * @param ept the VM's tables
 * @param map what to map; see struct ept_mapping
 * @return 0, or -ENOMEM: pages from the start of the range on may be mapped
 */
int ept_fault_map(struct ept *ept, const struct ept_mapping *map) __must_check;

/**
 * Step 1.3: unmap a range.
 *
 * Afterwards no page of the range is mapped and none is marked as MMIO: its
 * entries are 0.  A large leaf that overlaps the range goes as a whole (what
 * it mapped besides will fault again and be mapped again); tables stay.
 * Absent tables are stepped over, not walked page by page: unmapping 2^34
 * empty pages must be quick.
 *
 * If a present leaf went, an invalidation is asked for, one for the whole
 * range; an MMIO SPTE was never in any cache and needs none (SDM 3C 29.4.2).
 * @param ept the VM's tables
 * @param addr first address, page aligned
 * @param pages how many 4 KiB pages; the range ends at or below 2^48
 */
void ept_fault_unmap(struct ept *ept, gpa_t addr, u64 pages);

/**
 * Step 1.4: what does a violation mean?
 *
 * Asked in this order, as each answer is only right if the ones before are not:
 * no slot; slot going away; a store to a read-only slot; spurious, that is the
 * entries as they are now give all that was wanted; else RAM to be mapped.
 * Changes nothing.  (spec 1.4)
 * @param ept the VM's tables
 * @param slots the VM's slots, one snapshot for all of this fault
 * @param access what the guest tried
 */
enum ept_fault_kind ept_fault_classify(const struct ept *ept,
				       struct memslot_set *slots,
				       const struct ept_access *access);

/**
 * Step 1.5: make the MMIO SPTE of a page (format: ept_format.h, spec 1.2).
 * @param addr any address in the page, below 2^52
 * @param generation the slots' generation; only its bits 18:0 fit
 * @return the entry: R/W/X = 110b, frame, generation, all else 0
 */
u64 ept_fault_mmio_make(gpa_t addr, u64 generation);

/** Step 1.5: true if the entry is an MMIO SPTE: R/W/X = 110b, not present. */
bool ept_fault_mmio_is(u64 entry);

/** Step 1.5: the page which an MMIO SPTE was made for. */
gpa_t ept_fault_mmio_gpa(u64 entry);

/** Step 1.5: the generation in an MMIO SPTE, 0 to 2^19-1. */
u64 ept_fault_mmio_generation(u64 entry);

/**
 * Step 1.5: is an MMIO SPTE out of date?
 * @param entry an MMIO SPTE
 * @param generation the slots' generation as it is now
 * @return true if a swap is under way (then nothing matches) or the lower 19
 *	bits differ (spec 1.3)
 */
bool ept_fault_mmio_stale(u64 entry, u64 generation);

/**
 * Step 1.6: handle an EPT violation.
 *
 * - RAM: map it, resume.  A 2 MiB block if the slot holds all of it and its
 *   backing is aligned alike; else the one page.  Always readable and
 *   executable; writable unless the slot is read-only.  While the slot logs
 *   dirty pages: one 4 KiB page, writable only if this is a store, and then
 *   marked dirty (memslot_mark_dirty()).
 * - spurious: resume.  Never emulate it: the instruction would run on what
 *   may be memory, behind the processor's back.
 * - going away: retry.
 * - a store to a read-only slot: emulate; leave the tables as they are, since
 *   loads from the page are no MMIO.
 * - no slot: put an MMIO SPTE at level EPT_PTE, then emulate.  No entry is
 *   made, but still emulated, while a swap is under way (bit 63) or if the
 *   address does not fit into ept->phys_bits.
 *
 * @param ept the VM's tables
 * @param slots the VM's slots, one snapshot for all of this fault
 * @param access what the guest tried
 * @return RESUME, RETRY, EMULATE or NO_MEMORY
 */
enum ept_fault_result ept_fault_violation(struct ept *ept,
					  struct memslot_set *slots,
					  const struct ept_access *access)
	__must_check;

/**
 * Step 1.7: handle an EPT misconfiguration.
 *
 * Walk to the entry that is there now:
 * - an MMIO SPTE of the present generation: emulate, nothing else.  This is
 *   the path of every device access but the first; it must be short.
 * - a stale one: what would a violation mean here?  RAM by now, no slot
 *   still, ...: do what ept_fault_violation() does.  The direction of the
 *   access is not known: take it for a read (if it was a store and that is
 *   not allowed, it comes back as a violation).
 * - an entry that is not illegal (ept_entry_misconfigured()): another CPU has
 *   replaced it since the exit.  Retry.
 * - anything else: we have written a broken entry.  Error, never a loop.
 *
 * @param ept the VM's tables
 * @param slots the VM's slots, one snapshot for all of this fault
 * @param addr GUEST_PHYSICAL_ADDRESS
 * @return any of them
 */
enum ept_fault_result ept_fault_misconfig(struct ept *ept,
					  struct memslot_set *slots, gpa_t addr)
	__must_check;

#endif
