/** @file
 * Lab 2: the MMIO cache.
 *
 * This is your file.  The contract of each function stands in
 * mmu/mmio_cache.h, the handout in labs/lab2-mmio-cache/README.md.  Go through
 * the steps in their order; when a function is written, its lab_not_written()
 * goes.  `make host LAB=2` tries your functions one by one and then all of them
 * in the middle of three million random operations; `make grade LAB=2` names
 * the step that is missing, and later the rule that is broken.
 *
 * There are few lines to write and each of them is asked at every access to a
 * device.  Before you write one, say in a sentence what makes it true, and what
 * could make it false a moment later.
 */
#include "mmu/mmio_cache.h"
#include "bus/lab.h"

#define HEADER "mmu/mmio_cache.h"

/* For as long as the functions below ignore what they are given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* 2.1 The predicate ------------------------------------------------------- */

bool mmio_cache_gva_allowed(const struct mmio_cache_mode *mode)
{
	/*
	 * Two conditions.  Without paging (GUEST_WALK_FLAT) a virtual address
	 * is a physical one, and the other half knows that already.  Under EPT
	 * mode->paging may be NULL: do not look at it there.
	 */
	lab_not_written("2.1", "mmio_cache_gva_allowed", HEADER);
}

/* 2.2 Filling ------------------------------------------------------------- */

void mmio_cache_fill(struct mmio_cache *cache,
		     const struct mmio_cache_mode *mode,
		     const struct mmio_cache_page *page)
{
	/*
	 * 1. While the slots change (MEMSLOT_GEN_IN_PROGRESS in the page's
	 *    generation) leave everything as it was.
	 * 2. Else write all four fields, or the entry is made of two pages.
	 *    gva: the page, not the address, and only if step 2.1 says so.
	 */
	lab_not_written("2.2", "mmio_cache_fill", HEADER);
}

/* 2.3 Matching by frame --------------------------------------------------- */

bool mmio_cache_match_gpa(const struct mmio_cache *cache, gpa_t addr,
			  u64 generation)
{
	/*
	 * Three conditions: the generation is the same, all 64 bits of it (the
	 * 19 bits of lab 1 are all that fits into an entry; here there is
	 * room); the frame is known; and it is this one.
	 */
	lab_not_written("2.3", "mmio_cache_match_gpa", HEADER);
}

/* 2.4 Matching by virtual address ----------------------------------------- */

bool mmio_cache_match_gva(const struct mmio_cache *cache,
			  const struct mmio_cache_mode *mode,
			  const struct mmio_cache_query *query, gpa_t *out)
{
	/*
	 * 1. The same three conditions, for the page's virtual address.
	 * 2. Step 2.1 again: it was asked when the entry was filled, and the
	 *    mode may have changed since.
	 * 3. guest_walk_reuse(): may this access do what the mapping allows?
	 *    The one which filled the entry may have been another.
	 * 4. A hit: *out is an address, not a page.
	 */
	lab_not_written("2.4", "mmio_cache_match_gva", HEADER);
}

/* 2.5 The fault path ------------------------------------------------------ */

bool mmio_cache_match_fault(const struct mmio_cache *cache,
			    const struct mmio_cache_mode *mode,
			    const struct mmio_cache_query *query, gpa_t *out)
{
	/*
	 * query->gva is what the hardware has reported.  Of what kind is it?
	 * 1. Of a guest of the guest's: a number that means nothing here.
	 * 2. Where step 2.1 holds: linear.
	 * 3. Else: guest physical, whatever the field is called.
	 */
	lab_not_written("2.5", "mmio_cache_match_fault", HEADER);
}

/* 2.6 Events -------------------------------------------------------------- */

/**
 * Call each step before 2.6 once, in their order, so that the first one which
 * is missing is the one you are told: a new vCPU begins with the event RESET.
 * Remove this function when you write step 2.6.
 */
static void first_missing_step(void)
{
	struct mmio_cache cache = { .gfn = 0 };
	struct mmio_cache_mode mode = { .ept = true };
	struct mmio_cache_page page = { .generation = 1 };
	struct mmio_cache_query query = { .generation = 1 };
	gpa_t out;
	bool any;

	any = mmio_cache_gva_allowed(&mode);
	mmio_cache_fill(&cache, &mode, &page);
	any |= mmio_cache_match_gpa(&cache, page.gpa, page.generation);
	any |= mmio_cache_match_gva(&cache, &mode, &query, &out);
	any |= mmio_cache_match_fault(&cache, &mode, &query, &out);
	(void)any;
}

void mmio_cache_event(struct mmio_cache *cache, enum mmio_cache_event event,
		      gva_t addr)
{
	first_missing_step();
	/*
	 * A switch with a case for each event: the compiler tells you if you
	 * have forgotten one.  For each of them ask what it makes doubtful: the
	 * virtual address, this page's only, nothing, everything?  To forget
	 * the virtual half is gva = 0 and no more.
	 */
	lab_not_written("2.6", "mmio_cache_event", HEADER);
}
