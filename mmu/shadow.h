/** @file
 * Shadow paging: a guest's memory without EPT.
 *
 * The guest has page tables, but the processor cannot use them: they lead to
 * guest physical addresses.  It is given others, the shadow tables, which lead
 * from the same virtual addresses to host memory.  The guest writes its tables
 * whenever it likes.  How do the shadow tables follow?
 *
 * exit49 takes the processor's own licence.  A processor keeps translations in
 * a TLB and does *not* notice when the tables change; the guest must say so, by
 * MOV to CR3, INVLPG and their like (SDM 3A 4.10).  So the shadow tables are a
 * *virtual TLB*: filled by page faults with what the guest's own walk says,
 * brought in line when the guest flushes.
 *
 *	an entry may be stale until the guest flushes it, and never after
 *
 * Nobody watches the guest's tables, and they may be in ROM, lead to themselves
 * or be no tables at all.  (KVM write-protects the upper levels and lets the
 * last be "unsync"; here all are unsync, always.)
 *
 * Each address space has its own tables, its *root*, known by CR3, PCID and
 * paging mode.  SHADOW_ROOTS are kept.  Loading a CR3 whose root is kept is the
 * *fast* switch; after a *slow* one, a root must be built.  A flush marks the
 * roots that it concerns as stale.  A stale root is not thrown away when its
 * turn comes but *synced*: each leaf that was used since the last sync is
 * compared with what the guest's tables say now; the others just go.
 *
 *	guest                   owner calls            what becomes of roots
 *	MOV to CR3              shadow_new_pgd()       this PCID's are stale
 *	INVLPG                  shadow_invlpg()        all lose the page
 *	INVPCID                 shadow_invpcid()       as its type says
 *	CR0.PG, WP, CR4, EFER   shadow_new_mode()      all are stale
 *	enters                  shadow_load()          first: built, synced
 *	page fault              shadow_fault()         first: gets a leaf
 *
 * Each vCPU has its own, as it has its own TLB.  All functions are called with
 * the VM's MMU lock held; those that take slots, inside a read section.
 */
#ifndef MMU_SHADOW_H
#define MMU_SHADOW_H

#include "bus/access.h"
#include "bus/errno.h"
#include "bus/types.h"
#include "mmu/guest_walk.h"
#include "mmu/memslot.h"
#include "mmu/mmio_known.h"
#include "mmu/shadow_format.h"

/** The current root and, as in KVM, three previous ones. */
#define SHADOW_ROOTS 4

/** What a shadow needs from the rest of the hypervisor. */
struct shadow_ops {
	/**
	 * A zeroed, 4 KiB aligned page below 4 GiB (a PAE root's address is in
	 * a register of 32 bits).  @return 0, or -ENOMEM
	 */
	int (*alloc_table)(void *ctx, hpa_t *table) __must_check;
	/** Give a page of alloc_table() back. */
	void (*free_table)(void *ctx, hpa_t table);
	/**
	 * An invalidation is asked for: make this vCPU leave the guest, if it
	 * is in it.  May be NULL.
	 */
	void (*kick)(void *ctx);
};

/** By what a root is known; see shadow_new_pgd(). */
struct shadow_key {
	gpa_t cr3; /* where the guest's top table is; 0 without paging */
	enum guest_walk_mode mode;
	u32 flags; /* GUEST_WALK_WP ... */
	u16 pcid;  /* 0 unless CR4.PCIDE is 1 */
};

/** The tables of one address space. */
struct shadow_root {
	struct shadow_key key;
	hpa_t table;	  /* the top table; 0: not built */
	hpa_t list;	  /* the places of all leaves: shadow_table.h */
	int level;	  /* of the top table: 4, or 3 for PAE */
	unsigned int largest; /* log2 of the largest guest page in here */
	bool stale;	  /* must be synced before it is used */
};

/** Events since shadow_create(). */
struct shadow_counters {
	u64 tables;	   /* pages in use now, for tables and lists */
	u64 invalidations; /* how often one was asked for, see below */
	u64 fast_switches; /* shadow_new_pgd() found the root */
	u64 slow_switches; /* ... and did not */
	u64 builds;	   /* roots made */
	u64 syncs;	   /* roots synced */
	u64 kept;	   /* leaves that a sync kept ... */
	u64 dropped;	   /* ... and did not */
	u64 leaves;	   /* leaves made for memory */
	u64 marks;	   /* MMIO SPTEs made */
	u64 spurious;	   /* faults that were none any more */
	u64 slow_paths;	   /* faults that had to walk the guest's tables */
	u64 injected;	   /* faults that are the guest's own */
	u64 reclaims;	   /* all roots dropped for want of memory */
};

/** One vCPU's shadow. */
struct shadow {
	/* fixed after shadow_create() */
	u64 direct_map;		/* host address + this: our pointer */
	unsigned int phys_bits; /* MAXPHYADDR of the machine */
	unsigned int generation_bits; /* how much of a generation MMIO SPTEs
				       * hold, 1 to 19: small for tests */
	u64 table_limit;	/* so many pages at most; 0: no limit */
	const struct shadow_ops *ops;
	void *ctx;		  /* handed to each op */
	struct mmio_known *known; /* the vCPU's MMIO cache */

	/* under the MMU lock; the vCPU reads paging and invalidations */
	struct guest_paging paging; /* how the guest translates now */
	u16 pcid;
	struct shadow_root roots[SHADOW_ROOTS]; /* the current one is first */
	struct shadow_counters counters;
};

/** What shall become of the vCPU. */
enum shadow_fault_result {
	SHADOW_FAULT_RESUME,	/* enter the guest again: it will work */
	SHADOW_FAULT_RETRY,	/* the same, but it may well fault again */
	SHADOW_FAULT_EMULATE,	/* emulate the instruction */
	SHADOW_FAULT_INJECT,	/* #PF to the guest with error_code */
	SHADOW_FAULT_NO_RAM,	/* a table of the guest's is no memory: stop */
	SHADOW_FAULT_NO_MEMORY, /* no page for a table: stop the VM */
	SHADOW_FAULT_ERROR,	/* an entry of ours is broken: stop the VM */
};

/** A page fault of the guest's that has exited. */
struct shadow_fault {
	/* set by the caller */
	gva_t addr;	/* the exit qualification (SDM 3C 28.2.1) */
	u32 error_code; /* the exit's interruption error code */
	u32 ac;		/* GUEST_WALK_AC if RFLAGS.AC is 1 and CPL below 3 */

	/* set by shadow_fault() */
	u32 inject; /* INJECT: the error code, CR2 being addr */
	gpa_t gpa;  /* EMULATE: what was touched; NO_RAM: where the table is */
};

/**
 * Make a shadow for a vCPU that has just been reset: without paging.
 * @param shadow what to initialise; the caller has set direct_map, phys_bits
 *	(36 to 52), generation_bits (0 means 19), table_limit, ops, ctx, known
 * @return 0; -EINVAL if one of those is missing or out of range.  No root is
 *	built yet: that is shadow_load()
 */
int shadow_create(struct shadow *shadow) __must_check;

/** Free all pages.  The vCPU does not run any more. */
void shadow_destroy(struct shadow *shadow);

/**
 * MOV to CR3, in KVM's words "new PGD": another address space becomes current.
 *
 * Fast if its root is kept.  Else the place of the one used longest ago is
 * taken and shadow_load() will build.  The MMIO cache is told in either case.
 * @param shadow the vCPU's
 * @param paging how the guest translates from now on: the new root (and, under
 *	PAE, the PDPTEs as they have just been loaded), all else as before
 * @param pcid bits 11:0 of CR3 if CR4.PCIDE is 1, else 0
 * @param no_flush CR4.PCIDE is 1 and bit 63 of the operand was set
 * @return true for a fast switch
 */
bool shadow_new_pgd(struct shadow *shadow, const struct guest_paging *paging,
		    u16 pcid, bool no_flush);

/**
 * CR0.PG, CR0.WP, CR4.PSE, PAE, PGE, PCIDE, SMEP, SMAP or EFER have changed:
 * the address space is another, and all roots are stale.  (A processor keeps
 * entries over some of these changes; it need not, SDM 3A 4.10.4.1.)
 * @param paging how the guest translates from now on
 * @param pcid as for shadow_new_pgd()
 */
void shadow_new_mode(struct shadow *shadow, const struct guest_paging *paging,
		     u16 pcid);

/**
 * Before each entry: the current root exists and is in line with all flushes.
 * Cheap if it was so already.
 * @param slots the VM's slots
 * @return 0; -ENOMEM: stop the VM
 */
int shadow_load(struct shadow *shadow, struct memslot_set *slots) __must_check;

/** True if shadow_load() has nothing to do. */
static inline bool shadow_loaded(const struct shadow *shadow)
{
	return shadow->roots[0].table.v && !shadow->roots[0].stale;
}

/** GUEST_CR3, once shadow_load() has returned 0. */
static inline hpa_t shadow_cr3(const struct shadow *shadow)
{
	return shadow->roots[0].table;
}

/**
 * Bring the current root in line with the guest's tables, if it is built;
 * shadow_load() does so where it is needed.
 */
void shadow_sync_roots(struct shadow *shadow, struct memslot_set *slots);

/** Drop all roots: reset, restored state, memory is short. */
void shadow_unload(struct shadow *shadow);

/**
 * Mark the roots of a PCID as stale, which is all that MOV to CR3 does about
 * them; a part of the other functions.
 */
void shadow_flush_pcid(struct shadow *shadow, u16 pcid);

/** Mark all roots as stale. */
void shadow_flush_all(struct shadow *shadow);

/**
 * INVLPG: forget a page, whatever its size in the guest's tables, in all
 * roots: it may be global, and then no PCID keeps it (SDM 3A 4.10.4.1).
 * @param addr linear; canonical in long mode (else INVLPG does nothing)
 */
void shadow_invlpg(struct shadow *shadow, gva_t addr);

/**
 * The guest is about to get a #PF for an address: as in a processor, the page's
 * translation goes (SDM 3A 4.10.4.1).  shadow_fault() has done so when it says
 * INJECT; for page faults of emulated accesses the caller must.
 * @param addr CR2
 */
void shadow_page_fault(struct shadow *shadow, gva_t addr);

/**
 * INVPCID (SDM 2A INVPCID).
 * @param type the register operand: 0 page, 1 PCID, 2 all, 3 all but global
 * @param descriptor the 16 bytes of the memory operand, low half first
 * @param pcide CR4.PCIDE
 * @return 0; -EINVAL: #GP(0), and nothing has been done
 */
int shadow_invpcid(struct shadow *shadow, u64 type, const u64 descriptor[2],
		   bool pcide) __must_check;

/** What a fault's access was: GUEST_WALK_WRITE ... */
static inline u32 shadow_fault_access(const struct shadow_fault *fault)
{
	u32 same = GUEST_WALK_WRITE | GUEST_WALK_USER | GUEST_WALK_FETCH;

	return (fault->error_code & same) | fault->ac;
}

/**
 * The first step of shadow_fault(), which needs no lock: the vCPU's own MMIO
 * cache.  Place 1 of spec 2.1.
 * @param generation of the slots now
 * @param fault if the result is true, gpa is filled in
 * @return true: emulate
 */
static inline bool shadow_fault_known(struct shadow *shadow, u64 generation,
				      struct shadow_fault *fault)
{
	struct mmio_cache_query query;

	if (unlikely(!(fault->error_code & GUEST_WALK_RESERVED))) {
		return false;
	}
	query.gva = fault->addr;
	query.access = shadow_fault_access(fault);
	query.generation = generation;
	return mmio_known_fault(shadow->known, &query, &fault->gpa);
}

/** The other steps, after shadow_fault_known() has said false. */
enum shadow_fault_result
shadow_fault_judge(struct shadow *shadow, struct memslot_set *slots,
		   struct shadow_fault *fault) __must_check;

/**
 * A page fault has exited: all of them do, as only we know whose they are.
 *
 * In this order: the MMIO cache; an MMIO SPTE that is valid and lets the access
 * through; the guest's own walk, which sets its accessed and dirty bits and may
 * say that the fault is the guest's; then the slots, as for an EPT violation
 * (spec 1.4).
 * @param slots the VM's slots, one snapshot for all of this fault
 * @param fault addr, error_code and ac are read, the rest is filled in
 */
enum shadow_fault_result shadow_fault(struct shadow *shadow,
				      struct memslot_set *slots,
				      struct shadow_fault *fault) __must_check;

/**
 * For struct memslot_ops.zap: drop each leaf that maps some of this memory.
 * @param first the slot's host memory, page aligned: memslot_hpa() of the range
 * @param pages how many 4 KiB pages
 */
void shadow_zap(struct shadow *shadow, hpa_t first, u64 pages);

/**
 * For struct memslot_ops.write_protect: the next store to each of these pages
 * faults.
 * @param first the slot's host memory, page aligned
 * @param pages how many 4 KiB pages
 */
void shadow_write_protect(struct shadow *shadow, hpa_t first, u64 pages);

/**
 * For struct memslot_ops.new_generation: drops all MMIO SPTEs when the bits
 * that they hold come round to 0.
 * @param generation the generation which the slots are about to have
 */
void shadow_new_generation(struct shadow *shadow, u64 generation);

/**
 * Ask that the processor forgets what it has cached of this vCPU's tables: done
 * before the vCPU enters next, which compares counters.invalidations with the
 * value at its last INVVPID, or switches roots without VPIDs, which does it.
 */
void shadow_ask_invalidation(struct shadow *shadow);

#endif
