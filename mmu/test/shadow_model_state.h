/** @file
 * The state of the model of a TLB, and its parts; for shadow_model*.c only.
 *
 * The guest has four levels and SPACES address spaces with tables of their own
 * (PML4 in page 1 + n, then 8 + n, 16 + n, page tables in 24 + n and 32 + n).
 * ADDRESSES addresses are used; the last two lie in the second 2 MiB, which is
 * a table or one large page.  They lead to RAM, to frames where slots come and
 * go, and to where no slot ever is.
 */
#ifndef MMU_TEST_SHADOW_MODEL_STATE_H
#define MMU_TEST_SHADOW_MODEL_STATE_H

#include "mmu/test/shadow_model.h"

/* Bits of the guest's entries */
#define P BIT(0)
#define RW BIT(1)
#define US BIT(2)
#define A BIT(5)
#define D BIT(6)
#define PS BIT(7)
#define G BIT(8)
#define NX BIT(63)
#define ALL (P | RW | US)

#define SPACES 6
#define PCIDS 3
#define SLOTS 5
#define ADDRESSES 8
#define MANY 24 /* translations remembered for one address; then: flush */

#define RAM_PAGES 48
#define DATA_PAGE 40 /* RAM that is no table: pages 40 to 47 */
#define SLOT_PAGE 48 /* the backing of slots that come and go: 48 to 63 */
#define WINDOW 0xd0000000ull
#define BIG 0xc0000000ull
#define BIG_HPA 0x80000000ull
#define NOWHERE 0xe0000000ull

/** What may be remembered of one address: entries, with a whole address. */
struct memory_of {
	u32 count;
	u64 values[MANY];
};

struct model {
	struct bed bed;
	struct guest_paging paging; /* the guest's, with paging on */
	bool flat;		    /* paging is off */
	u64 space;
	u16 pcid;
	struct memory_of known[PCIDS][ADDRESSES];
	struct model_tally *tally;
	const char *why;
};

/** The addresses that the guest uses. */
extern const u64 model_addresses[ADDRESSES];

/** The access in an operation: GUEST_WALK_WRITE ... */
u32 model_access(const struct model_op *op);

/** The entry that maps an address in a space, if its block is a table. */
u64 *model_page_entry(struct model *m, u64 space, u64 n);

/** The entry above the last two addresses. */
u64 *model_large_entry(struct model *m, u64 space);

/** What MODEL_SET_PAGE writes. */
u64 model_new_page(u8 how);

/** What MODEL_SET_LARGE writes. */
u64 model_new_large(const struct model_op *op);

/** Tables in which each address leads somewhere. */
void model_build_tables(struct model *m);

/**
 * What the tables say of an address: the last entry with the address of its
 * 4 KiB page, accessed only if all entries are; 0: not present.
 */
u64 model_resolve(struct model *m, u64 n);

/** Forget all of a PCID. */
void model_forget_pcid(struct model *m, u64 pcid);

/** Forget all. */
void model_forget_all(struct model *m);

/** Forget a page; of large pages all; only global ones if so asked. */
void model_forget_page(struct model *m, u64 pcid, u64 n, bool only_global);

/**
 * Add what the tables say now.
 * @return false if there is no room; then the guest shall flush
 */
bool model_remember(struct model *m);

/**
 * Is this outcome right?
 * @return NULL, or the rule that was broken
 */
const char *model_check(struct model *m, const struct bed_outcome *out,
			const struct model_op *op) __must_check;

#endif
