/** @file
 * The guest's own page walk, in software.
 *
 * The processor walks the guest's page tables by itself as long as the guest
 * runs.  An emulated instruction does not run: its operands name guest virtual
 * addresses, and somebody must translate them as the processor would have,
 * with the same permissions, the same page faults and the same accessed and
 * dirty bits (SDM 3A chapter 4).
 *
 * The tables lie in guest memory, so each entry is read through the slots.  If
 * a table lies where no slot is, there is nothing to read; that is not a page
 * fault but GUEST_WALK_NO_RAM, and the VM is stopped.
 */
#ifndef MMU_GUEST_WALK_H
#define MMU_GUEST_WALK_H

#include "mmu/memslot.h"

/** How the guest translates: CR0.PG, CR4.PAE, EFER.LMA (SDM 3A 4.1.1). */
enum guest_walk_mode {
	GUEST_WALK_FLAT,    /* paging is off: gpa = gva */
	GUEST_WALK_2_LEVEL, /* 32-bit paging, 4 MiB pages with CR4.PSE */
	GUEST_WALK_PAE,	    /* 3 levels, top level from the PDPTE registers */
	GUEST_WALK_4_LEVEL, /* long mode */
};

/* Which of the architecture's options are on (struct guest_paging.flags). */
#define GUEST_WALK_WP BIT(0)   /* CR0.WP: supervisor stores obey R/W */
#define GUEST_WALK_NX BIT(1)   /* EFER.NXE: bit 63 forbids fetches */
#define GUEST_WALK_SMEP BIT(2) /* CR4.SMEP */
#define GUEST_WALK_SMAP BIT(3) /* CR4.SMAP */
#define GUEST_WALK_PSE BIT(4)  /* CR4.PSE, for 2-level */
#define GUEST_WALK_1G BIT(5)   /* CPUID offers 1 GiB pages */

/** The state of the guest's paging; kept by the vCPU, changed by MOV to CR. */
struct guest_paging {
	enum guest_walk_mode mode;
	u32 flags;		/* GUEST_WALK_WP ... GUEST_WALK_1G */
	gpa_t root;		/* CR3 without its flag bits */
	unsigned int phys_bits; /* the guest's MAXPHYADDR */
	u64 pdptes[4];		/* PAE: as loaded with CR3 (SDM 3A 4.4.1) */
};

/* One access.  These are the bits of the page fault's error code, too. */
#define GUEST_WALK_PRESENT BIT(0) /* error code only */
#define GUEST_WALK_WRITE BIT(1)
#define GUEST_WALK_USER BIT(2)	   /* made at CPL 3, and not implicitly */
#define GUEST_WALK_RESERVED BIT(3) /* error code only */
#define GUEST_WALK_FETCH BIT(4)
/** Not of the error code: RFLAGS.AC is 1, SMAP does not apply. */
#define GUEST_WALK_AC BIT(16)

enum guest_walk_status {
	GUEST_WALK_OK,	   /* gpa is set */
	GUEST_WALK_FAULT,  /* #PF with error_code, CR2 = the address */
	GUEST_WALK_NO_RAM, /* a table lies in no slot, at gpa: stop the VM */
};

/** A walk: the question and its answer. */
struct guest_walk {
	/* set by the caller */
	gva_t addr; /* linear: canonical in long mode, else below 2^32 */
	u32 access; /* GUEST_WALK_WRITE, _USER, _FETCH, _AC; 0: a read */

	/* set by guest_walk_translate() */
	gpa_t gpa;	/* OK: the translation, offset included */
	u32 error_code; /* FAULT: what the page fault pushes */
};

/** Levels of the deepest walk. */
#define GUEST_WALK_LEVELS 4

/**
 * The entries that a walk has read, and what they said.  The same walk in the
 * same mode, with the same root and slots, gives the same result as long as
 * they say the same: looking at them again takes a tenth of the walk.
 */
struct guest_walk_trail {
	/* All are in use: the last entry fills the places of a short walk. */
	struct {
		const u64 *entry; /* where it stands, in guest memory */
		u64 value;	  /* what it said */
	} used[GUEST_WALK_LEVELS];
};

/** True if all entries still say the same.  Same slots, same read section. */
static inline bool guest_walk_same(const struct guest_walk_trail *trail)
{
#pragma GCC unroll 4
	for (int i = 0; i < GUEST_WALK_LEVELS; i++) {
		if (READ_ONCE(*trail->used[i].entry) != trail->used[i].value) {
			return false;
		}
	}
	return true;
}

/**
 * Translate a guest virtual address as the processor would.
 *
 * Sets the accessed bit in each entry used and, for a store, the dirty bit in
 * the last one, but only if the access is allowed (SDM 3A 4.8); entries in a
 * read-only slot keep theirs.  Where the slot logs, these writes are logged.
 * @param paging how the guest translates now
 * @param slots the VM's slots, inside a read section
 * @param walk addr and access are read, the answer is filled in
 */
enum guest_walk_status guest_walk_translate(const struct guest_paging *paging,
					    struct memslot_set *slots,
					    struct guest_walk *walk)
	__must_check;

/**
 * The same, and remember the entries.
 * @param trail filled if the status is OK and the mode GUEST_WALK_4_LEVEL, or
 *	GUEST_WALK_FLAT, where there are no entries and nothing can change
 */
enum guest_walk_status guest_walk_note(const struct guest_paging *paging,
				       struct memslot_set *slots,
				       struct guest_walk *walk,
				       struct guest_walk_trail *trail)
	__must_check;

/** What the guest's tables say of a page, all levels together. */
struct guest_mapping {
	gpa_t gpa;	    /* the translation, offset included */
	u32 rights;	    /* GUEST_WALK_WRITE, _USER, _FETCH that it has */
	unsigned int shift; /* of the page's size: 12, 21, 22 or 30 */
	bool accessed;	    /* each entry has its accessed bit */
	bool dirty;	    /* the last entry has its dirty bit */
};

/**
 * guest_walk_translate(), and what else the page allows: for who wants to
 * remember the translation.  Without paging a page has all rights and 2 MiB.
 * @param paging how the guest translates now
 * @param slots the VM's slots, inside a read section
 * @param walk as for guest_walk_translate()
 * @param mapping filled in when the result is OK.  Accessed is true, and dirty
 *	too if the access is a store: also where a table in a read-only slot
 *	could not be told so
 */
enum guest_walk_status guest_walk_map(const struct guest_paging *paging,
				      struct memslot_set *slots,
				      struct guest_walk *walk,
				      struct guest_mapping *mapping)
	__must_check;

/**
 * What do the tables say of an address?  No access is made: permissions are
 * told, not checked, and nothing is changed.
 * @param paging how the guest translates now
 * @param slots the VM's slots, inside a read section
 * @param addr linear, as for guest_walk_translate()
 * @param mapping filled in when the result is OK
 * @return FAULT if any access to the address would be a page fault
 */
enum guest_walk_status guest_walk_probe(const struct guest_paging *paging,
					struct memslot_set *slots, gva_t addr,
					struct guest_mapping *mapping)
	__must_check;

/**
 * May an access use what an earlier walk has found, without another walk?
 *
 * The permissions are those of SDM 3A 4.6.1 under the modes of now, with one
 * exception on the safe side: a store wants the right to store, also where
 * CR0.WP = 0 would do without.  As rights hold WRITE only for a page that is
 * dirty, no dirty bit is forgotten.
 * @param paging how the guest translates now
 * @param access GUEST_WALK_WRITE, _USER, _FETCH, _AC; 0: a read
 * @param rights what is remembered: GUEST_WALK_WRITE (only if the page was
 *	dirty), _USER, _FETCH
 * @return false: walk again, the access may be a page fault
 */
static inline bool guest_walk_reuse(const struct guest_paging *paging,
				    u32 access, u32 rights)
{
	u32 needed = access & (GUEST_WALK_WRITE | GUEST_WALK_USER |
			       GUEST_WALK_FETCH);

	/* A supervisor may read everything that is there, but under SMAP. */
	if (likely(!access && !(paging->flags & GUEST_WALK_SMAP))) {
		return true;
	}
	if (needed & ~rights) {
		return false;
	}
	if ((access & GUEST_WALK_USER) || !(rights & GUEST_WALK_USER)) {
		return true;
	}
	/* A supervisor's access to a page of users. */
	if (access & GUEST_WALK_FETCH) {
		return !(paging->flags & GUEST_WALK_SMEP);
	}
	return !(paging->flags & GUEST_WALK_SMAP) || (access & GUEST_WALK_AC);
}

#endif
