/** @file
 * A machine without EPT, for the host tests of shadow paging.
 *
 * What the tests need besides mmu/ itself is a processor that walks the shadow
 * tables, and it is a nasty one.  Its TLB never forgets by chance: a leaf, once
 * used, is used until the page faults or an invalidation was asked for.  It
 * runs as the hypervisor would have it run (CR0.WP = 1, SMEP and SMAP as the
 * guest's), checks the reserved bits of each level, and sets accessed bits.
 *
 * Around it stands the least of a hypervisor: a page fault goes to
 * shadow_fault(), an instruction to be emulated goes to the MMIO cache, the
 * guest's tables and the slots in the order of spec 2.1.
 */
#ifndef MMU_TEST_SHADOW_BED_H
#define MMU_TEST_SHADOW_BED_H

#include "mmu/test/arena.h"

#include "mmu/shadow.h"

/** The guest's memory, in pages; the slots are the test's. */
#define BED_PAGES 64
#define BED_SIZE (BED_PAGES * PAGE_SIZE)

/** Where it lies in host physical memory: aligned to 2 MiB. */
#define BED_HPA 0x40000000ull

/** How an access has ended. */
enum bed_end {
	BED_MEMORY, /* the processor did it, at host physical address */
	BED_RAM,    /* emulated, in memory */
	BED_MMIO,   /* emulated, at a device */
	BED_FAULT,  /* the guest gets #PF with error_code */
	BED_NO_RAM, /* a page table is no memory */
	BED_STOP,   /* anything else; or no end of faults */
};

struct bed_outcome {
	enum bed_end end;
	gpa_t gpa; /* MEMORY, RAM, MMIO; for MEMORY by the backing's place */
	u32 error_code;
	int exits;
	bool gva_hit;	/* the emulator did not walk */
	bool fault_hit; /* the fault path did not either */
};

#define BED_TLB 64

struct bed {
	struct arena arena;
	struct shadow shadow;
	struct mmio_known known;
	struct memslots slots;
	u8 *memory; /* BED_PAGES pages */
	u64 dirty[BED_PAGES / 64];
	const char *broken; /* what the processor found wrong with the tables;
			     * each access then ends in BED_STOP */

	/* the processor */
	struct {
		u64 page; /* linear; ~0: free */
		u64 leaf; /* the entry; for a large one as if it were small */
	} tlb[BED_TLB];
	u64 invalidations_seen;
};

/** A vCPU with paging off and a VM without slots. */
void bed_create(struct bed *bed);

/** As after bed_create(); fails the test if a page was lost. */
void bed_again(struct bed *bed);

/** Fails the test if a page was lost. */
void bed_destroy(struct bed *bed);

/**
 * Add a slot whose backing is the guest's memory from a page on.
 * @param page first page of the backing
 */
void bed_add(struct bed *bed, const struct memslot *slot, u64 page);

/** An access of the guest's, to its end; loads roots as needed. */
struct bed_outcome bed_access(struct bed *bed, gva_t addr, u32 access);

/**
 * An instruction that is emulated though nothing faulted: MMIO cache, guest's
 * walk, slots.
 */
struct bed_outcome bed_emulate(struct bed *bed, gva_t addr, u32 access);

/** The entry of the current root that decides an address; 0: not built. */
u64 bed_entry(struct bed *bed, gva_t addr);

/** A page table entry of the guest's, by page of its memory and index. */
u64 *bed_table(struct bed *bed, u64 page, u64 index);

#endif
