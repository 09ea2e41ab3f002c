/** @file
 * Physical memory for the host tests of mmu/ (arena.h).
 *
 * Freed tables are filled with a pattern before they are used again, so that a
 * pointer into one which is kept too long is seen.
 */
#include "mmu/test/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "bus/lab.h"

#define NO_LIMIT (~0ull)
#define FREED 0xdd

/** So that a test which never ends is known by those that were told. */
static void __attribute__((constructor)) tell_at_once(void)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

void arena_create(struct arena *arena)
{
	memset(arena, 0, sizeof(*arena));
	arena->base = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE);
	assert_non_null(arena->base);
	arena->left = NO_LIMIT;
}

void arena_destroy(struct arena *arena)
{
	assert_int_equal(arena->tables, 0);
	free(arena->base);
}

hpa_t arena_page(struct arena *arena)
{
	u64 page;

	if (arena->free_count > 0) {
		page = arena->free_list[--arena->free_count];
	} else {
		assert_true(arena->used < ARENA_PAGES);
		page = ARENA_HPA + arena->used * PAGE_SIZE;
		arena->used++;
	}
	memset(arena_pointer(arena, hpa(page)), 0, PAGE_SIZE);
	return hpa(page);
}

void *arena_pointer(struct arena *arena, hpa_t page)
{
	assert_true(page.v >= ARENA_HPA);
	assert_true(page.v < ARENA_HPA + ARENA_PAGES * PAGE_SIZE);
	return arena->base + (page.v - ARENA_HPA);
}

static int alloc_table(void *ctx, hpa_t *table)
{
	struct arena *arena = ctx;

	if (arena->left == 0) {
		return -ENOMEM;
	}
	arena->left--;
	arena->tables++;
	*table = arena_page(arena);
	return 0;
}

static void free_table(void *ctx, hpa_t table)
{
	struct arena *arena = ctx;

	memset(arena_pointer(arena, table), FREED, PAGE_SIZE);
	arena->free_list[arena->free_count++] = table.v;
	arena->tables--;
}

static const struct ept_ops ops = {
	.alloc_table = alloc_table,
	.free_table = free_table,
};

void arena_create_ept(struct arena *arena, struct ept *ept)
{
	*ept = (struct ept){
		.direct_map = (u64)(uintptr_t)arena->base - ARENA_HPA,
		.phys_bits = 40,
		.ops = &ops,
		.ctx = arena,
	};
	assert_int_equal(ept_create(ept), 0);
}

u64 arena_random(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

void lab_not_written(const char *step, const char *function,
		     const char *header)
{
	fail_msg("lab %s: %s() is not written yet (see %s)", step, function,
		 header);
	abort();
}
