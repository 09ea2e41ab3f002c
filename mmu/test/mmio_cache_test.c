/** @file
 * Host tests of lab 2, the MMIO cache, step by step (2.1 to 2.6).
 *
 * What it is worth in the middle of shadow paging is judged by the model test;
 * here each sentence of its contract is.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#include "mmu/mmio_cache.h"
#include "mmu/mmio_known.h"

#define PAGE_GVA 0x7000123456000ull
#define PAGE_GPA 0xd0000000ull
#define RIGHTS (GUEST_WALK_WRITE | GUEST_WALK_USER)
#define GENERATION 77

/** A vCPU's cache in one mode. */
struct fixture {
	struct guest_paging paging;
	struct mmio_known known;
};

static void setup(struct fixture *f, bool ept, enum guest_walk_mode mode)
{
	f->paging = (struct guest_paging){ .mode = mode,
					   .flags = GUEST_WALK_WP,
					   .phys_bits = 40 };
	mmio_known_init(&f->known, ept, &f->paging);
}

static void fill_at(struct fixture *f, u64 gva_at, u64 gpa_at, u64 generation)
{
	struct mmio_cache_page page = { .gva = gva(gva_at),
					.gpa = gpa(gpa_at),
					.rights = RIGHTS,
					.generation = generation };

	mmio_known_fill(&f->known, &page);
}

static void fill(struct fixture *f)
{
	fill_at(f, PAGE_GVA + 0x123, PAGE_GPA + 0x123, GENERATION);
}

/** A hit of the gva half, and what it says is right. */
static bool hits_gva(struct fixture *f, u64 addr, u32 access, u64 generation)
{
	struct mmio_cache_query query = { gva(addr), access, generation };
	gpa_t out = gpa(~0ull);
	bool hit = mmio_known_gva(&f->known, &query, &out);

	assert_true(out.v == (hit ? PAGE_GPA + addr % PAGE_SIZE : ~0ull));
	return hit;
}

static bool hits_fault(struct fixture *f, u64 addr, u32 access, u64 generation)
{
	struct mmio_cache_query query = { gva(addr), access, generation };
	gpa_t out = gpa(~0ull);
	bool hit = mmio_known_fault(&f->known, &query, &out);

	assert_true(out.v == (hit ? PAGE_GPA + addr % PAGE_SIZE : ~0ull));
	return hit;
}

static bool hits_gpa(struct fixture *f, u64 addr, u64 generation)
{
	return mmio_known_gpa(&f->known, gpa(addr), generation);
}

/* 2.1 */

static void gvas_are_for_shadow_paging_with_paging_on(void **state)
{
	struct fixture f;

	(void)state;
	for (int ept = 0; ept < 2; ept++) {
		for (int mode = 0; mode < 4; mode++) {
			setup(&f, ept, mode);
			assert_int_equal(mmio_cache_gva_allowed(&f.known.mode),
					 !ept && mode != GUEST_WALK_FLAT);
		}
	}
	/* Under EPT nobody need say how the guest translates. */
	mmio_known_init(&f.known, true, NULL);
	assert_false(mmio_cache_gva_allowed(&f.known.mode));
}

/* 2.2 */

static void a_fill_asks_whether_gvas_are_allowed(void **state)
{
	struct fixture f;

	(void)state;
	for (int ept = 0; ept < 2; ept++) {
		for (int mode = 0; mode < 4; mode++) {
			setup(&f, ept, mode);
			fill(&f);
			assert_int_equal(f.known.cache.gva.v != 0,
					 !ept && mode != GUEST_WALK_FLAT);
			assert_true(f.known.cache.gfn ==
				    PAGE_GPA >> PAGE_SHIFT);
		}
	}
}

static void a_fill_replaces_everything(void **state)
{
	struct fixture f;
	struct mmio_cache_page other = { .gva = gva(0x5fff),
					 .gpa = gpa(0xe0000fff),
					 .rights = GUEST_WALK_USER,
					 .generation = GENERATION + 1 };

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	mmio_known_fill(&f.known, &other);
	assert_true(f.known.cache.gva.v == 0x5000);
	assert_true(f.known.cache.gfn == 0xe0000);
	assert_int_equal(f.known.cache.rights, GUEST_WALK_USER);
	assert_true(f.known.cache.generation == GENERATION + 1);
	f.paging.mode = GUEST_WALK_FLAT;
	fill(&f);
	assert_true(f.known.cache.gva.v == 0);
	assert_int_equal(f.known.count.fills, 3);
	assert_int_equal(f.known.count.gva_fills, 2);
}

static void a_fill_inside_a_swap_changes_nothing(void **state)
{
	struct fixture f;
	struct mmio_cache before;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	for (int i = 0; i < 2; i++) {
		before = f.known.cache;
		fill_at(&f, 0x9000, 0xe0000000,
			GENERATION | MEMSLOT_GEN_IN_PROGRESS);
		assert_memory_equal(&before, &f.known.cache, sizeof(before));
		fill(&f);
	}
	assert_int_equal(f.known.count.fills_in_progress, 2);
	assert_int_equal(f.known.count.fills, 2);
}

/* 2.3 */

static void a_frame_matches_in_its_generation_only(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, GUEST_WALK_FLAT);
	fill(&f);
	for (int bit = 0; bit < 64; bit++) {
		assert_false(hits_gpa(&f, PAGE_GPA, GENERATION ^ BIT(bit)));
	}
	assert_true(hits_gpa(&f, PAGE_GPA, GENERATION));
}

static void a_frame_matches_and_its_neighbours_do_not(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, GUEST_WALK_FLAT);
	assert_false(hits_gpa(&f, 0, 0));
	fill(&f);
	for (u64 offset = 0; offset < PAGE_SIZE; offset += 0x111) {
		assert_true(hits_gpa(&f, PAGE_GPA + offset, GENERATION));
	}
	for (int bit = PAGE_SHIFT; bit < 64; bit++) {
		assert_false(hits_gpa(&f, PAGE_GPA ^ BIT(bit), GENERATION));
	}
}

static void frame_0_never_matches(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, GUEST_WALK_FLAT);
	fill_at(&f, 0x10, 0x10, GENERATION);
	assert_false(hits_gpa(&f, 0x10, GENERATION));
}

/* 2.4 */

static void an_address_matches_in_its_generation_only(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	for (int bit = 0; bit < 64; bit++) {
		assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION ^ BIT(bit)));
	}
	assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
}

static void an_address_matches_and_its_neighbours_do_not(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	assert_false(hits_gva(&f, 0, 0, 0));
	fill(&f);
	for (u64 offset = 0; offset < PAGE_SIZE; offset += 0x111) {
		assert_true(hits_gva(&f, PAGE_GVA + offset, 0, GENERATION));
	}
	for (int bit = PAGE_SHIFT; bit < 64; bit++) {
		assert_false(hits_gva(&f, PAGE_GVA ^ BIT(bit), 0, GENERATION));
	}
}

static void page_0_never_matches(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill_at(&f, 0x10, PAGE_GPA, GENERATION);
	assert_false(hits_gva(&f, 0x10, 0, GENERATION));
}

static void a_mode_that_changes_after_the_fill_forbids_the_hit(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	f.paging.mode = GUEST_WALK_FLAT;
	assert_true(f.known.cache.gva.v != 0);
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	f.paging.mode = GUEST_WALK_PAE;
	assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	f.known.mode.ept = true;
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
}

/** Give the entry, and the guest, each rights there can be. */
static u32 set_rights(struct fixture *f, u32 i)
{
	static const u32 kinds[] = { 0, GUEST_WALK_WRITE, GUEST_WALK_FETCH };

	fill(f);
	f->known.cache.rights = (i / 12 % 4) * GUEST_WALK_WRITE |
				(i / 48 % 2 ? GUEST_WALK_FETCH : 0);
	f->paging.flags = i / 96;
	return kinds[i % 3] | (i / 3 % 2 ? GUEST_WALK_USER : 0) |
	       (i / 6 % 2 ? GUEST_WALK_AC : 0);
}

#define RIGHTS_CASES (8 * 32 * 12)

static void a_hit_needs_the_rights(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	for (u32 i = 0; i < RIGHTS_CASES; i++) {
		u32 access = set_rights(&f, i);

		assert_int_equal(hits_gva(&f, PAGE_GVA, access, GENERATION),
				 guest_walk_reuse(&f.paging, access,
						  f.known.cache.rights));
		/* The frame is no secret: nobody asks for rights. */
		assert_true(hits_gpa(&f, PAGE_GPA, GENERATION));
	}
}

/* 2.5 */

static void the_fault_path_asks_for_the_address_it_has(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	assert_true(hits_fault(&f, PAGE_GVA + 5, 0, GENERATION));
	assert_false(hits_fault(&f, PAGE_GPA, 0, GENERATION));
	setup(&f, false, GUEST_WALK_FLAT);
	fill(&f);
	assert_true(hits_fault(&f, PAGE_GPA + 5, 0, GENERATION));
	assert_false(hits_fault(&f, PAGE_GVA, 0, GENERATION));
	setup(&f, true, GUEST_WALK_4_LEVEL);
	fill(&f);
	assert_true(hits_fault(&f, PAGE_GPA + 5, 0, GENERATION));
	assert_false(hits_fault(&f, PAGE_GVA, 0, GENERATION));
	assert_int_equal(f.known.count.fault_hits, 1);
	assert_int_equal(f.known.count.fault_misses, 1);
}

static void a_hit_in_the_fault_path_needs_the_same(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	for (u32 i = 0; i < RIGHTS_CASES; i++) {
		u32 access = set_rights(&f, i);

		assert_int_equal(hits_fault(&f, PAGE_GVA, access, GENERATION),
				 guest_walk_reuse(&f.paging, access,
						  f.known.cache.rights));
	}
	setup(&f, false, GUEST_WALK_4_LEVEL);
	assert_false(hits_fault(&f, 0, 0, 0));
	fill(&f);
	for (int bit = 0; bit < 64; bit++) {
		assert_false(
			hits_fault(&f, PAGE_GVA, 0, GENERATION ^ BIT(bit)));
	}
	f.paging.mode = GUEST_WALK_FLAT;
	assert_false(hits_fault(&f, PAGE_GVA, 0, GENERATION));
	setup(&f, true, GUEST_WALK_FLAT);
	fill_at(&f, 0, 0x10, GENERATION);
	assert_false(hits_fault(&f, 0x10, 0, GENERATION));
}

static void nested_addresses_never_hit(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, true, GUEST_WALK_4_LEVEL);
	fill(&f);
	f.known.mode.nested = true;
	assert_false(hits_fault(&f, PAGE_GPA, 0, GENERATION));
	assert_false(hits_fault(&f, PAGE_GVA, 0, GENERATION));
	f.known.mode.nested = false;
	assert_true(hits_fault(&f, PAGE_GPA, 0, GENERATION));
}

/* 2.6 */

static void events_clear_the_gva_half_and_no_more(void **state)
{
	static const enum mmio_cache_event clearing[] = {
		MMIO_CACHE_CR3_FAST,   MMIO_CACHE_CR3_SLOW,
		MMIO_CACHE_FLUSH,      MMIO_CACHE_MODE,
		MMIO_CACHE_ROOT_BUILT, MMIO_CACHE_ROOT_SYNCED,
	};
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	for (size_t i = 0; i < ARRAY_SIZE(clearing); i++) {
		fill(&f);
		mmio_known_event(&f.known, clearing[i], gva(0));
		mmio_known_event(&f.known, clearing[i], gva(0));
		assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
		assert_true(hits_gpa(&f, PAGE_GPA, GENERATION));
		assert_int_equal(f.known.count.events[clearing[i]], 2);
		assert_int_equal(f.known.count.clears[clearing[i]], 1);
	}
}

static void invlpg_is_about_one_page(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	for (int bit = PAGE_SHIFT; bit < 64; bit++) {
		mmio_known_event(&f.known, MMIO_CACHE_INVLPG,
				 gva(PAGE_GVA ^ BIT(bit)));
		assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	}
	mmio_known_event(&f.known, MMIO_CACHE_INVLPG, gva(PAGE_GVA + 0xfff));
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	assert_true(hits_gpa(&f, PAGE_GPA, GENERATION));
	assert_int_equal(f.known.count.clears[MMIO_CACHE_INVLPG], 1);
	/* So is a page fault. */
	fill(&f);
	mmio_known_event(&f.known, MMIO_CACHE_PAGE_FAULT,
			 gva(PAGE_GVA + PAGE_SIZE));
	assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	mmio_known_event(&f.known, MMIO_CACHE_PAGE_FAULT, gva(PAGE_GVA));
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
}

static void slots_take_care_of_themselves_and_reset_of_all(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, GUEST_WALK_4_LEVEL);
	fill(&f);
	mmio_known_event(&f.known, MMIO_CACHE_SLOTS, gva(0));
	assert_true(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION + 1));
	mmio_known_event(&f.known, MMIO_CACHE_RESET, gva(0));
	assert_false(hits_gva(&f, PAGE_GVA, 0, GENERATION));
	assert_false(hits_gpa(&f, PAGE_GPA, GENERATION));
	assert_int_equal(f.known.count.gpa_misses, 1);
	assert_int_equal(f.known.count.gva_hits, 1);
	assert_int_equal(f.known.count.gva_misses, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gvas_are_for_shadow_paging_with_paging_on),
		cmocka_unit_test(a_fill_asks_whether_gvas_are_allowed),
		cmocka_unit_test(a_fill_replaces_everything),
		cmocka_unit_test(a_fill_inside_a_swap_changes_nothing),
		cmocka_unit_test(a_frame_matches_in_its_generation_only),
		cmocka_unit_test(a_frame_matches_and_its_neighbours_do_not),
		cmocka_unit_test(frame_0_never_matches),
		cmocka_unit_test(an_address_matches_in_its_generation_only),
		cmocka_unit_test(an_address_matches_and_its_neighbours_do_not),
		cmocka_unit_test(page_0_never_matches),
		cmocka_unit_test(
			a_mode_that_changes_after_the_fill_forbids_the_hit),
		cmocka_unit_test(a_hit_needs_the_rights),
		cmocka_unit_test(the_fault_path_asks_for_the_address_it_has),
		cmocka_unit_test(a_hit_in_the_fault_path_needs_the_same),
		cmocka_unit_test(nested_addresses_never_hit),
		cmocka_unit_test(events_clear_the_gva_half_and_no_more),
		cmocka_unit_test(invlpg_is_about_one_page),
		cmocka_unit_test(
			slots_take_care_of_themselves_and_reset_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
