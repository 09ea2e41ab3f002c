/** @file
 * Host tests of walking, mapping, unmapping and splitting (lab 1, 1.1 to 1.3).
 *
 * The model is an array with one element a page: mapped where, with what
 * rights.  Beside it runs a translation cache as a processor may have one: it
 * keeps what it has seen until an invalidation is asked for.  After each
 * random operation the cache must not give more than the model does.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#include "mmu/ept_fault.h"

#define MODEL_PAGES 4096 /* eight 2 MiB blocks */
#define MODEL_BASE (BIT(39) - 4 * EPT_LARGE_SIZE) /* across two PML4 entries */
#define ROUNDS 300
#define OPERATIONS 12 /* in each round */

/** What one page is mapped to; no rights: not mapped. */
struct page {
	u64 hpa;
	u64 rights;
};

struct fixture {
	struct arena arena;
	struct ept ept;
	struct page model[MODEL_PAGES];
	struct page cache[MODEL_PAGES];
	u64 invalidations; /* seen by the cache */
	u64 seed;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	arena_create(&f->arena);
	arena_create_ept(&f->arena, &f->ept);
	f->seed = 7;
}

static void teardown(struct fixture *f)
{
	ept_destroy(&f->ept);
	arena_destroy(&f->arena);
}

static gpa_t page_gpa(u64 page)
{
	return gpa(MODEL_BASE + (page << PAGE_SHIFT));
}

/** The translation of a page by the lab's walk. */
static struct page look_up(struct fixture *f, u64 page)
{
	struct ept_walk walk = ept_fault_walk(&f->ept, page_gpa(page));
	struct page found = { 0, walk.rights };
	u64 size = ept_level_size(walk.level);

	assert_true(walk.value == *walk.entry);
	if (walk.rights) {
		assert_true(ept_entry_leaf(walk.value, walk.level));
		assert_false(ept_entry_misconfigured(walk.value, walk.level,
						     f->ept.phys_bits));
		found.hpa = (ept_entry_hpa(walk.value).v & ~(size - 1)) +
			    (page_gpa(page).v & (size - 1));
	}
	return found;
}

/** Everything is as the model says, and no cached translation says more. */
static void check(struct fixture *f)
{
	if (f->invalidations != f->ept.counters.invalidations) {
		f->invalidations = f->ept.counters.invalidations;
		memset(f->cache, 0, sizeof(f->cache));
	}
	for (u64 i = 0; i < MODEL_PAGES; i++) {
		struct page found = look_up(f, i);
		struct page *cached = &f->cache[i];

		assert_int_equal(found.rights, f->model[i].rights);
		if (found.rights) {
			assert_true(found.hpa == f->model[i].hpa);
		}
		assert_int_equal(cached->rights & ~found.rights, 0);
		if (cached->rights) {
			assert_true(cached->hpa == found.hpa);
		}
		*cached = found;
	}
}

/** A request to map: so many pages from `page` on, to memory at `target`. */
struct request {
	u64 page;
	u64 pages;
	u64 target;
	u64 rights;
};

static void map_request(struct fixture *f, struct request r)
{
	struct ept_mapping range = { page_gpa(r.page), hpa(r.target), r.pages,
				     r.rights };

	assert_int_equal(ept_fault_map(&f->ept, &range), 0);
	for (u64 i = 0; i < r.pages; i++) {
		f->model[r.page + i].hpa = r.target + (i << PAGE_SHIFT);
		f->model[r.page + i].rights = r.rights;
	}
}

#define map(f, ...) map_request((f), (struct request){ __VA_ARGS__ })

/** A large leaf goes as a whole, so the model loses the whole block. */
static void unmap(struct fixture *f, u64 page, u64 pages)
{
	for (u64 i = page; i < page + pages; i++) {
		struct ept_walk walk = ept_fault_walk(&f->ept, page_gpa(i));
		bool large = walk.rights && walk.level == EPT_PDE;
		u64 first = large ? i & ~(EPT_LARGE_PAGES - 1) : i;

		for (u64 n = 0; n < (large ? EPT_LARGE_PAGES : 1); n++) {
			f->model[first + n] = (struct page){ 0, 0 };
		}
	}
	ept_fault_unmap(&f->ept, page_gpa(page), pages);
}

static void an_empty_ept_ends_at_the_root(void **state)
{
	struct fixture f;
	struct ept_walk walk;

	(void)state;
	setup(&f);
	walk = ept_fault_walk(&f.ept, gpa(0x123456789000));
	assert_int_equal(walk.level, EPT_PML4E);
	assert_int_equal(walk.rights, 0);
	assert_int_equal(walk.value, 0);
	assert_ptr_equal(walk.entry, ept_table(&f.ept, f.ept.root) +
					     ept_index(gpa(0x123456789000),
						       EPT_PML4E));
	teardown(&f);
}

static void aligned_blocks_are_large_leaves(void **state)
{
	struct fixture f;
	struct ept_walk walk;

	(void)state;
	setup(&f);
	map(&f, 512, 1024, 0x40000000, EPT_RWX);
	assert_int_equal(f.ept.counters.tables, 3);
	check(&f);
	walk = ept_fault_walk(&f.ept, page_gpa(512));
	assert_int_equal(walk.level, EPT_PDE);
	/* One page short of aligned on either side: no large leaf fits. */
	map(&f, 2049, 1022, 0x50001000, EPT_READ);
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(2300)).level,
			 EPT_PTE);
	/* Aligned in guest memory, but not in the host's. */
	map(&f, 3072, 512, 0x60001000, EPT_READ);
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(3072)).level,
			 EPT_PTE);
	check(&f);
	assert_int_equal(f.ept.counters.invalidations, 0);
	teardown(&f);
}

static void a_split_keeps_the_other_pages(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	map(&f, 512, 512, 0x40000000, EPT_READ | EPT_EXECUTE);
	check(&f);
	map(&f, 700, 1, 0x40000000 + 188 * PAGE_SIZE, EPT_RWX);
	check(&f);
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(512)).level, EPT_PTE);
	/* What has a table keeps it. */
	map(&f, 512, 512, 0x40000000, EPT_RWX);
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(512)).level, EPT_PTE);
	check(&f);
	teardown(&f);
}

static void more_rights_need_no_invalidation(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	map(&f, 3, 1, 0x5000, EPT_READ);
	map(&f, 3, 1, 0x5000, EPT_RWX);
	assert_int_equal(f.ept.counters.invalidations, 0);
	map(&f, 3, 1, 0x5000, EPT_READ);
	assert_int_equal(f.ept.counters.invalidations, 1);
	map(&f, 3, 1, 0x6000, EPT_RWX);
	assert_int_equal(f.ept.counters.invalidations, 2);
	unmap(&f, 3, 1);
	assert_int_equal(f.ept.counters.invalidations, 3);
	unmap(&f, 0, 512);
	assert_int_equal(f.ept.counters.invalidations, 3);
	teardown(&f);
}

static void every_level_counts_for_the_rights(void **state)
{
	struct fixture f;
	gpa_t addr = page_gpa(3);

	(void)state;
	setup(&f);
	for (int level = EPT_PDE; level <= EPT_PML4E; level++) {
		int at = level;
		u64 *entry;

		map(&f, 3, 1, 0x5000, EPT_RWX);
		entry = ept_find_entry(&f.ept, addr, &at);
		assert_int_equal(at, level);
		*entry &= ~EPT_WRITE;
		assert_int_equal(ept_fault_walk(&f.ept, addr).rights,
				 EPT_READ | EPT_EXECUTE);
		map(&f, 3, 1, 0x5000, EPT_RWX);
		assert_int_equal(ept_fault_walk(&f.ept, addr).rights, EPT_RWX);
	}
	teardown(&f);
}

static void empty_space_is_unmapped_quickly(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	map(&f, 0, 1, 0x5000, EPT_RWX);
	ept_fault_unmap(&f.ept, gpa(0), BIT(48 - PAGE_SHIFT));
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(0)).rights, 0);
	assert_int_equal(f.ept.counters.invalidations, 1);
	teardown(&f);
}

static void unmapping_takes_mmio_entries_silently(void **state)
{
	struct fixture f;
	int level = EPT_PTE;
	u64 *entry;

	(void)state;
	setup(&f);
	map(&f, 0, 1, 0x5000, EPT_RWX);
	entry = ept_find_entry(&f.ept, page_gpa(1), &level);
	*entry = ept_fault_mmio_make(page_gpa(1), 5);
	assert_int_equal(ept_fault_walk(&f.ept, page_gpa(1)).rights, 0);
	ept_fault_unmap(&f.ept, page_gpa(1), 1);
	assert_true(*entry == 0);
	assert_int_equal(f.ept.counters.invalidations, 0);
	teardown(&f);
}

static void without_memory_nothing_is_half_done(void **state)
{
	struct fixture f;
	struct ept_mapping range = { page_gpa(512), hpa(0x40000000), 512,
				     EPT_RWX };

	(void)state;
	setup(&f);
	for (u64 left = 0; left < 2; left++) {
		f.arena.left = left;
		assert_int_equal(ept_fault_map(&f.ept, &range), -ENOMEM);
		check(&f);
	}
	f.arena.left = 2;
	map(&f, 512, 512, 0x40000000, EPT_RWX);
	check(&f);
	/* A split that fails leaves the large leaf. */
	range.pages = 1;
	f.arena.left = 0;
	assert_int_equal(ept_fault_map(&f.ept, &range), -ENOMEM);
	check(&f);
	teardown(&f);
}

static void a_broken_table_entry_ends_the_walk(void **state)
{
	struct fixture f;
	int level = EPT_PDPTE;
	u64 *entry, good;

	(void)state;
	setup(&f);
	map(&f, 3, 1, 0x5000, EPT_RWX);
	entry = ept_find_entry(&f.ept, page_gpa(3), &level);
	good = *entry;
	*entry |= BIT(50);
	assert_ptr_equal(ept_fault_walk(&f.ept, page_gpa(3)).entry, entry);
	*entry = good & ~EPT_READ;
	assert_ptr_equal(ept_fault_walk(&f.ept, page_gpa(3)).entry, entry);
	*entry = good;
	check(&f);
	teardown(&f);
}

static void write_protection_passes_mmio_by(void **state)
{
	struct fixture f;
	int level = EPT_PTE;
	u64 *entry, mmio = ept_fault_mmio_make(page_gpa(600), 5);

	(void)state;
	setup(&f);
	map(&f, 0, 512, 0x40000000, EPT_RWX);
	map(&f, 599, 1, 0x5000, EPT_RWX);
	map(&f, 602, 1, 0x6000, EPT_RWX);
	entry = ept_find_entry(&f.ept, page_gpa(600), &level);
	*entry = mmio;
	check(&f);
	ept_write_protect(&f.ept, page_gpa(0), 600);
	for (u64 i = 0; i < 600; i++) {
		f.model[i].rights &= ~EPT_WRITE;
	}
	check(&f);
	assert_true(*entry == mmio);
	assert_int_equal(f.ept.counters.invalidations, 1);
	ept_write_protect(&f.ept, page_gpa(0), 601);
	assert_int_equal(f.ept.counters.invalidations, 1);
	assert_true(*entry == mmio);
	ept_new_generation(&f.ept, BIT(18));
	assert_true(*entry == mmio);
	ept_new_generation(&f.ept, BIT(19));
	assert_true(*entry == 0);
	check(&f);
	teardown(&f);
}

static void random_operation(struct fixture *f, bool small)
{
	static const u64 rights[] = { EPT_READ, EPT_READ | EPT_WRITE,
				      EPT_READ | EPT_EXECUTE, EPT_RWX };
	u64 pages = 1 + arena_random(&f->seed) % (small ? 20 : 2000);
	u64 page = arena_random(&f->seed) % (MODEL_PAGES - pages + 1);
	u64 target = arena_random(&f->seed) % 4 * BIT(30);

	/* Mostly the page's own place in one of a few memories. */
	target += page << PAGE_SHIFT;
	if (arena_random(&f->seed) % 8 == 0) {
		target += PAGE_SIZE;
	}
	if (arena_random(&f->seed) % 3) {
		map(f, page, pages, target,
		    rights[arena_random(&f->seed) % 4]);
	} else {
		unmap(f, page, pages);
	}
}

/** Often from the start, since tables stay and leave no place for large
 * leaves. */
static void random_operations_match_the_model(void **state)
{
	u64 seed = 7;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct fixture f;

		setup(&f);
		f.seed = seed;
		for (int n = 0; n < OPERATIONS; n++) {
			random_operation(&f, n % 2);
			check(&f);
		}
		seed = f.seed;
		teardown(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_ept_ends_at_the_root),
		cmocka_unit_test(aligned_blocks_are_large_leaves),
		cmocka_unit_test(a_split_keeps_the_other_pages),
		cmocka_unit_test(more_rights_need_no_invalidation),
		cmocka_unit_test(every_level_counts_for_the_rights),
		cmocka_unit_test(empty_space_is_unmapped_quickly),
		cmocka_unit_test(unmapping_takes_mmio_entries_silently),
		cmocka_unit_test(without_memory_nothing_is_half_done),
		cmocka_unit_test(a_broken_table_entry_ends_the_walk),
		cmocka_unit_test(write_protection_passes_mmio_by),
		cmocka_unit_test(random_operations_match_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
