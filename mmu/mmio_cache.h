/** @file
 * Lab 2: the MMIO cache, what a vCPU remembers of its last device access.
 *
 * A guest that talks to a device does so over and over at one page.  That the
 * page is a device's has been found out with much work: the guest's tables
 * were walked (if it has paging), the slots were asked, our own tables too.
 * The cache is the one entry that lets the next access skip all of it:
 *
 *	gva      the page as the guest's instruction names it   0: not known
 *	gfn      the frame that the guest's tables made of it   0: not known
 *	rights   what the guest's mapping allows
 *	generation  that of the slots when both were found out
 *
 * The two halves differ in what can make them wrong.  "Frame gfn has no slot"
 * is wrong as soon as the slots change, which the generation tells, and at no
 * other time.  "gva means gfn" is wrong as soon as the guest changes its mind
 * about its page tables, and the hypervisor must *hear* of that.  Under shadow
 * paging it does: MOV to CR3, INVLPG and their like exit.  Under EPT it does
 * not, so there no gva may ever be remembered.
 *
 *	                          gva half           gfn half
 *	EPT                       never              used
 *	shadow paging, CR0.PG=1   used               used by the emulator
 *	shadow paging, CR0.PG=0   never (gva = gpa)  used
 *	nested addresses          never              never
 *
 * A hit that is wrong is a security hole: a store meant for memory goes to a
 * device, or a page that the guest has closed stays open (spec 2.3).  A miss
 * that could have been a hit costs a few thousand instructions.  Both are
 * judged.
 *
 * Each vCPU has a cache of its own and uses it on its own CPU: no locks.  All
 * functions but the predicate and the events are called inside a read section
 * of the slots, with the generation of the one snapshot that is used for all
 * of an exit.  A solution needs guest_walk_reuse(), gva_page(), gpa_frame(),
 * and MEMSLOT_GEN_IN_PROGRESS.  It does not count: mmio_known.h does.
 */
#ifndef MMU_MMIO_CACHE_H
#define MMU_MMIO_CACHE_H

#include "bus/types.h"
#include "mmu/guest_walk.h"
#include "mmu/memslot.h"

/** The cache: one entry.  Nothing in it is known at first: all 0. */
struct mmio_cache {
	gva_t gva;	/* page address; 0: this half is not known */
	u64 gfn;	/* guest frame number; 0: this half is not known */
	u32 rights;	/* GUEST_WALK_WRITE, _USER, _FETCH, as in a fill */
	u64 generation; /* the slots', all 64 bits, when it was filled */
};

/** What decides which half may be used; kept up to date by the core. */
struct mmio_cache_mode {
	bool ept;	/* this VM runs on EPT: fixed */
	bool nested;	/* the address at hand is not one of this guest's own,
			 * but physical to a guest of the guest's */
	const struct guest_paging *paging; /* how the guest translates now.
					    * Under EPT it may be out of date,
					    * or NULL */
};

/** A page that was found to be MMIO. */
struct mmio_cache_page {
	gva_t gva;	/* what the guest called it, offset included */
	gpa_t gpa;	/* what that means, offset included */
	u32 rights;	/* what the guest's mapping allows: GUEST_WALK_WRITE
			 * (only if the page is dirty), _USER, _FETCH */
	u64 generation; /* of the slots that were asked */
};

/** A question. */
struct mmio_cache_query {
	gva_t gva;	/* any address; in the fault path the one that faulted:
			 * linear under shadow paging, else physical */
	u32 access;	/* GUEST_WALK_WRITE, _USER, _FETCH, _AC; 0: a read */
	u64 generation; /* of the slots now */
};

/** What may make the cache wrong. */
enum mmio_cache_event {
	MMIO_CACHE_CR3_FAST,	/* CR3 loaded; its shadow tables are there */
	MMIO_CACHE_CR3_SLOW,	/* CR3 loaded; tables must be made first */
	MMIO_CACHE_FLUSH,	/* the guest flushed more than one page */
	MMIO_CACHE_INVLPG,	/* the guest flushed one page */
	MMIO_CACHE_PAGE_FAULT,	/* one page was walked for a fault, or failed */
	MMIO_CACHE_MODE,	/* CR0, CR4 or EFER: paging has changed */
	MMIO_CACHE_ROOT_BUILT,	/* new, empty shadow tables */
	MMIO_CACHE_ROOT_SYNCED, /* shadow tables were brought in line */
	MMIO_CACHE_SLOTS,	/* the slots have changed */
	MMIO_CACHE_RESET,	/* the vCPU begins anew, or was restored */
};
#define MMIO_CACHE_EVENTS (MMIO_CACHE_RESET + 1)

/**
 * Step 2.1: may guest virtual addresses be remembered, and believed, now?
 *
 * Only where the hypervisor hears of each change of their meaning, and where
 * they have one: without EPT and with paging on.  Filling and matching both ask
 * this, so that a mode that changes in between does no harm (spec 2.2, 10.6).
 * @param mode the mode as it is now; paging is not looked at under EPT
 */
bool mmio_cache_gva_allowed(const struct mmio_cache_mode *mode) __must_check;

/**
 * Step 2.2: remember a page.
 *
 * Replaces all that was known.  The address' page is remembered if 2.1 says
 * so, else gva becomes 0; the frame always.  While a change of slots is under
 * way (bit 63 of the generation) nothing is remembered and what was known
 * stays as it was: it cannot match, but may again if nothing comes of it.
 * (spec 2.1, 2.4 statements 2 and 14)
 * @param cache the vCPU's
 * @param mode the mode as it is now
 * @param page what was found out
 */
void mmio_cache_fill(struct mmio_cache *cache,
		     const struct mmio_cache_mode *mode,
		     const struct mmio_cache_page *page);

/**
 * Step 2.3: is this frame known to be MMIO?
 *
 * Yes if the generation is the very same, all 64 bits, and the frame is the
 * remembered one.  The offset in the page does not count; frame 0 never
 * matches (it is how "not known" is written; that costs only time).
 * @param cache the vCPU's
 * @param addr a guest physical address of this guest's own
 * @param generation of the slots now
 */
bool mmio_cache_match_gpa(const struct mmio_cache *cache, gpa_t addr,
			  u64 generation) __must_check;

/**
 * Step 2.4: is this address known to be MMIO, for this access?
 *
 * Yes if 2.1 allows it now, the generation is the very same, the page is the
 * remembered one and not page 0, and the remembered rights allow the access
 * (guest_walk_reuse()).  If they do not, it may be a page fault of the guest's:
 * a miss, so that its tables are walked.
 * @param cache the vCPU's
 * @param mode the mode as it is now
 * @param query address and access
 * @param out on a hit, what the address means, its offset included; else not
 *	written
 */
bool mmio_cache_match_gva(const struct mmio_cache *cache,
			  const struct mmio_cache_mode *mode,
			  const struct mmio_cache_query *query,
			  gpa_t *out) __must_check;

/**
 * Step 2.5: the fault path's question: an entry with reserved bits was met at
 * this address; is it the remembered page?
 *
 * Never for nested addresses: they are numbers of another space.  Where 2.1
 * allows it, the faulting address is linear and is asked for as in 2.4.
 * Elsewhere it is a guest physical one, in query->gva by necessity, and is
 * asked for as in 2.3.
 * @param out on a hit, the guest physical address, offset included; else not
 *	written
 */
bool mmio_cache_match_fault(const struct mmio_cache *cache,
			    const struct mmio_cache_mode *mode,
			    const struct mmio_cache_query *query,
			    gpa_t *out) __must_check;

/**
 * Step 2.6: something has happened.  What must be forgotten?
 *
 * To forget the gva half means gva = 0 and nothing else: the gfn half knows
 * nothing of the guest's tables, and that it goes on to hit is worth much.
 * Forgetting more than the event demands is a mistake, too.
 *
 *	CR3, FLUSH, MODE, ROOT_...  all translations may be others now
 *	INVLPG, PAGE_FAULT          that of one page may be: of this one?  (A
 *	                            page fault flushes its page, too: SDM 3A
 *	                            4.10.4.1.)
 *	SLOTS                       the generation has taken care of it
 *	RESET                       the vCPU has no past
 * @param cache the vCPU's
 * @param event what has happened
 * @param addr INVLPG, PAGE_FAULT: any address in the page; else without
 *	meaning
 */
void mmio_cache_event(struct mmio_cache *cache, enum mmio_cache_event event,
		      gva_t addr);

#endif
