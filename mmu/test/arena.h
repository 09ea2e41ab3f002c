/** @file
 * Physical memory for the host tests of mmu/.
 *
 * A test needs pages that an EPT or a guest's page tables can lie in, and that
 * have addresses as physical memory has.  The arena is one block of the test's
 * own memory that plays the machine's RAM, from host physical address
 * ARENA_HPA on; struct ept.direct_map leads from there to the pointer.
 *
 * It also stands in for the hypervisor where mmu/ calls out: the EPT's ops
 * with a limit on tables (to see what happens without memory), and a lab
 * function that is not written yet.
 */
#ifndef MMU_TEST_ARENA_H
#define MMU_TEST_ARENA_H

/* clang-format off: cmocka.h needs these before it, in this order */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "mmu/ept.h"
#include "mmu/memslot.h"

/** How many pages the arena has. */
#define ARENA_PAGES 4096

/** Where the arena begins in host physical memory. */
#define ARENA_HPA 0x100000ull

/** The machine. */
struct arena {
	u8 *base;	      /* ARENA_PAGES pages, page aligned */
	u64 used;	      /* pages handed out so far */
	u64 left;	      /* tables that may still be handed out */
	u64 tables;	      /* tables out now */
	u64 free_list[ARENA_PAGES];
	u64 free_count;
};

/** Get the memory; `left` is without limit. */
void arena_create(struct arena *arena);

/** Give it back; fails the test if a table is still out. */
void arena_destroy(struct arena *arena);

/** A zeroed page. */
hpa_t arena_page(struct arena *arena);

/** The pointer to a page of the arena. */
void *arena_pointer(struct arena *arena, hpa_t page);

/** An empty EPT on the arena, with 40 physical bits. */
void arena_create_ept(struct arena *arena, struct ept *ept);

/** Pseudo-random numbers, the same in every run (xorshift64*). */
u64 arena_random(u64 *state);

#endif
