/** @file
 * A guest with several address spaces, for the host tests of shadow paging.
 *
 * It has four levels.  Space n has four tables of its own: PML4 in page 1 + n,
 * PDPT in 8 + n, page directory in 16 + n, page table in 24 + n.  The page
 * table maps VA to page 40 + n; nothing else is mapped.  RAM is the bed's pages
 * 0 to 63 at the same guest physical addresses.
 */
#ifndef MMU_TEST_SHADOW_GUEST_H
#define MMU_TEST_SHADOW_GUEST_H

#include "mmu/test/shadow_bed.h"

/* Bits of the guest's entries */
#define P BIT(0)
#define RW BIT(1)
#define US BIT(2)
#define A BIT(5)
#define D BIT(6)
#define PS BIT(7)
#define G BIT(8)
#define ALL (P | RW | US)

#define SPACES 6
#define NOWHERE 0xd0000000ull /* a guest physical address without a slot */
#define VA 0x5000ull	      /* through entry 5 of the page table */
#define LARGE_VA 0x200000ull  /* through entry 1 of the page directory */

/* Where the tables of a space are, in pages */
#define PML4(n) (1 + (n))
#define PDPT(n) (8 + (n))
#define PD(n) (16 + (n))
#define PT(n) (24 + (n))

struct fixture {
	struct bed bed;
	struct guest_paging paging;
};

/** The address of a page. */
static inline u64 frame(u64 page)
{
	return page << PAGE_SHIFT;
}

/** A fresh guest; space 0 is current.  There is one at a time. */
struct fixture *guest_setup(void);

/** Its end; fails the test if a page was lost. */
void guest_teardown(struct fixture *f);

/** The entry that maps VA in a space. */
u64 *guest_pte(struct fixture *f, u64 space);

/** The entry that could map LARGE_VA in a space. */
u64 *guest_pde(struct fixture *f, u64 space);

/** What the shadow has counted. */
struct shadow_counters *guest_count(struct fixture *f);

/** MOV to CR3.  @return true for a fast switch */
bool guest_load_cr3(struct fixture *f, u64 space, u16 pcid, bool no_flush);

/** The options of paging become these. */
void guest_options(struct fixture *f, u32 flags);

/** An access. */
struct bed_outcome guest_touch(struct fixture *f, u64 addr, u32 access);

/** An access that the processor makes itself, at this physical address. */
void guest_expect_at(struct fixture *f, u64 addr, u32 access, u64 to);

/** An access that the processor makes itself after so many exits. */
void guest_expect_exits(struct fixture *f, u64 addr, u32 access, int exits);

#endif
