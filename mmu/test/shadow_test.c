/** @file
 * Host tests of shadow paging: entries, roots, and what a flush flushes.
 *
 * The rule behind each: what a guest has not flushed may be as it was, what it
 * has flushed must be as it is now, and nothing is built that is still there.
 *
 * links: mmu/test/arena.c mmu/test/shadow_bed.c
 * links: mmu/test/shadow_guest.c
 */
#include "mmu/test/shadow_guest.h"

/* ---- Format -------------------------------------------------------------- */

static void mmio_spte_round_trip(void **state)
{
	u64 seed = 5;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		u64 addr = arena_random(&seed) & BITS(50, 0);
		u64 generation = arena_random(&seed);
		u64 rights = arena_random(&seed) & SHADOW_MMIO_RIGHTS;
		u64 entry = shadow_mmio_make(gpa(addr), rights, generation);

		assert_true(shadow_mmio_is(entry));
		assert_false(shadow_entry_present(entry));
		assert_false(shadow_entry_table(entry, SHADOW_PDE));
		assert_true(shadow_entry_reserved(entry, 51));
		assert_true(shadow_mmio_gpa(entry).v == (addr & PAGE_MASK));
		assert_true(shadow_mmio_generation(entry) ==
			    (generation & BITS(18, 0)));
		assert_true((entry & SHADOW_MMIO_RIGHTS) == rights);
		assert_true((entry & SHADOW_NX) == 0);
	}
	assert_false(shadow_mmio_is(0));
	assert_false(shadow_mmio_is(SHADOW_EMPTY));
	assert_false(shadow_mmio_is(
		shadow_make_leaf(hpa(0x1000), SHADOW_WRITE, SHADOW_PTE)));
}

static void create_checks_its_input(void **state)
{
	struct fixture *f = guest_setup();
	struct shadow s = f->bed.shadow;

	(void)state;
	s.phys_bits = 53;
	assert_int_equal(shadow_create(&s), -EINVAL);
	s.phys_bits = 40;
	s.generation_bits = 20;
	assert_int_equal(shadow_create(&s), -EINVAL);
	s.generation_bits = 0;
	s.known = NULL;
	assert_int_equal(shadow_create(&s), -EINVAL);
	guest_teardown(f);
}

/* ---- Roots --------------------------------------------------------------- */

static void a_kept_root_is_not_built_again(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	assert_false(guest_load_cr3(f, 1, 0, false));
	guest_expect_at(f, VA, 0, frame(41));
	for (int i = 0; i < 10; i++) {
		assert_true(guest_load_cr3(f, i % 2, 0, false));
		guest_expect_exits(f, VA, 0, 0);
	}
	assert_int_equal(guest_count(f)->builds, 2);
	assert_int_equal(guest_count(f)->fast_switches, 10);
	assert_int_equal(guest_count(f)->slow_switches, 1);
	assert_int_equal(guest_count(f)->syncs, 10);
	guest_teardown(f);
}

static void more_spaces_than_roots_switch_slowly(void **state)
{
	struct fixture *f = guest_setup();
	u64 tables;

	(void)state;
	for (u64 i = 0; i < 10 * (SHADOW_ROOTS + 1); i++) {
		u64 space = i % (SHADOW_ROOTS + 1);

		assert_false(guest_load_cr3(f, space, 0, false));
		guest_expect_at(f, VA, 0, frame(40 + space));
		if (i == 2 * SHADOW_ROOTS) {
			tables = guest_count(f)->tables;
		}
	}
	assert_int_equal(guest_count(f)->tables, tables);
	/* The last three and the current one are kept, in order of use. */
	assert_true(guest_load_cr3(f, 1, 0, false));
	assert_true(guest_load_cr3(f, 2, 0, false));
	assert_false(guest_load_cr3(f, 0, 0, false));
	assert_true(guest_load_cr3(f, 1, 0, false));
	assert_true(guest_load_cr3(f, 2, 0, false));
	guest_teardown(f);
}

static void what_was_not_used_does_not_outlive_a_sync(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*bed_table(&f->bed, PT(0), 6) = frame(50) | ALL;
	guest_expect_at(f, VA, 0, frame(40));
	guest_expect_at(f, VA + PAGE_SIZE, 0, frame(50));
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, VA, 0, 0);
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, VA, 0, 0);
	guest_expect_exits(f, VA + PAGE_SIZE, 0, 1);
	guest_teardown(f);
}

static void paging_off_and_on_finds_both_roots(void **state)
{
	struct fixture *f = guest_setup();
	struct guest_paging flat = { .mode = GUEST_WALK_FLAT };

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	shadow_new_mode(&f->bed.shadow, &flat, 0);
	guest_expect_at(f, VA, GUEST_WALK_WRITE, VA);
	guest_expect_at(f, VA, GUEST_WALK_USER | GUEST_WALK_FETCH, VA);
	assert_int_equal(f->bed.shadow.roots[0].level, SHADOW_PDPTE);
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	assert_int_equal(f->bed.shadow.roots[0].level, SHADOW_PML4E);
	guest_expect_exits(f, VA, 0, 0);
	shadow_new_mode(&f->bed.shadow, &flat, 0);
	guest_expect_exits(f, VA, 0, 0);
	assert_int_equal(guest_count(f)->builds, 2);
	guest_teardown(f);
}

/* ---- Flushes ------------------------------------------------------------- */

static void a_change_is_seen_after_a_flush(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	*guest_pte(f, 0) = frame(50) | ALL;
	guest_expect_at(f, VA, 0, frame(40)); /* as a TLB would */
	shadow_invlpg(&f->bed.shadow, gva(VA + PAGE_SIZE));
	guest_expect_at(f, VA, 0, frame(40));
	shadow_invlpg(&f->bed.shadow, gva(VA + 0xfff));
	guest_expect_at(f, VA, 0, frame(50));
	*guest_pte(f, 0) = frame(51) | ALL;
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_at(f, VA, 0, frame(51));
	*guest_pte(f, 0) = 0;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_FAULT);
	guest_teardown(f);
}

static void a_right_that_is_added_needs_no_flush(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*guest_pte(f, 0) = frame(40) | P;
	guest_expect_at(f, VA, 0, frame(40));
	assert_int_equal(guest_touch(f, VA, GUEST_WALK_WRITE).error_code, 3);
	*guest_pte(f, 0) = frame(40) | ALL;
	guest_expect_at(f, VA, GUEST_WALK_WRITE | GUEST_WALK_USER, frame(40));
	guest_teardown(f);
}

static void pcids_keep_apart_what_no_flush_keeps(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	(void)guest_load_cr3(f, 0, 1, false);
	guest_expect_at(f, VA, 0, frame(40));
	(void)guest_load_cr3(f, 1, 2, false);
	guest_expect_at(f, VA, 0, frame(41));
	*guest_pte(f, 0) = frame(50) | ALL;
	/* No flush: what is stale may stay, and the root is there. */
	assert_true(guest_load_cr3(f, 0, 1, true));
	guest_expect_exits(f, VA, 0, 0);
	/* The flush of another PCID is none of ours. */
	(void)guest_load_cr3(f, 1, 2, false);
	assert_true(guest_load_cr3(f, 0, 1, true));
	guest_expect_at(f, VA, 0, frame(40));
	/* Our own flush, made while another table was in this PCID. */
	(void)guest_load_cr3(f, 2, 1, false);
	assert_true(guest_load_cr3(f, 0, 1, true));
	guest_expect_at(f, VA, 0, frame(50));
	guest_teardown(f);
}

static void invlpg_takes_global_pages_from_all_pcids(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*guest_pte(f, 0) = frame(40) | ALL | G;
	(void)guest_load_cr3(f, 0, 1, false);
	guest_expect_at(f, VA, 0, frame(40));
	(void)guest_load_cr3(f, 1, 2, false);
	*guest_pte(f, 0) = frame(50) | ALL | G;
	shadow_invlpg(&f->bed.shadow, gva(VA));
	assert_true(guest_load_cr3(f, 0, 1, true));
	guest_expect_at(f, VA, 0, frame(50));
	guest_teardown(f);
}

static void invpcid(struct fixture *f, u64 type, u64 pcid, u64 addr)
{
	u64 descriptor[2] = { pcid, addr };

	assert_int_equal(shadow_invpcid(&f->bed.shadow, type, descriptor, true),
			 0);
}

/** PCIDs 1 and 2 know the page, then both tables change; back to PCID 2. */
static void know_and_change(struct fixture *f)
{
	*guest_pte(f, 0) = frame(40) | ALL;
	*guest_pte(f, 1) = frame(41) | ALL;
	(void)guest_load_cr3(f, 0, 1, false);
	guest_expect_at(f, VA, 0, frame(40));
	(void)guest_load_cr3(f, 1, 2, false);
	guest_expect_at(f, VA, 0, frame(41));
	*guest_pte(f, 0) = frame(50) | ALL;
	*guest_pte(f, 1) = frame(51) | ALL;
}

/** What the page is now in PCIDs 1 and 2. */
static void expect_both(struct fixture *f, u64 in_1, u64 in_2)
{
	guest_expect_at(f, VA, 0, frame(in_2));
	(void)guest_load_cr3(f, 0, 1, true);
	guest_expect_at(f, VA, 0, frame(in_1));
}

static void invpcid_does_what_its_type_says(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	know_and_change(f);
	invpcid(f, 0, 1, VA + PAGE_SIZE);
	expect_both(f, 40, 41);
	know_and_change(f);
	invpcid(f, 0, 1, VA);
	expect_both(f, 50, 41);
	know_and_change(f);
	invpcid(f, 0, 2, VA);
	expect_both(f, 40, 51);
	know_and_change(f);
	invpcid(f, 1, 1, 0);
	expect_both(f, 50, 41);
	know_and_change(f);
	invpcid(f, 1, 2, 0);
	expect_both(f, 40, 51);
	know_and_change(f);
	invpcid(f, 2, 0, 0);
	expect_both(f, 50, 51);
	know_and_change(f);
	invpcid(f, 3, 0, 0);
	expect_both(f, 50, 51);
	guest_teardown(f);
}

static void invpcid_refuses_what_the_processor_refuses(void **state)
{
	struct fixture *f = guest_setup();
	static const struct {
		u64 type, first, second;
		bool pcide;
	} bad[] = {
		{ 4, 0, 0, true },	 { ~0ull, 0, 0, true },
		{ 0, 0x1000, 0, true },	 { 3, BIT(63), 0, true },
		{ 0, 1, 0, false },	 { 1, 1, 0, false },
		{ 0, 0, BIT(47), true },
	};

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	*guest_pte(f, 0) = frame(50) | ALL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 descriptor[2] = { bad[i].first, bad[i].second };

		assert_int_equal(shadow_invpcid(&f->bed.shadow, bad[i].type,
						descriptor, bad[i].pcide),
				 -EINVAL);
	}
	guest_expect_at(f, VA, 0, frame(40));
	guest_teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mmio_spte_round_trip),
		cmocka_unit_test(create_checks_its_input),
		cmocka_unit_test(a_kept_root_is_not_built_again),
		cmocka_unit_test(more_spaces_than_roots_switch_slowly),
		cmocka_unit_test(what_was_not_used_does_not_outlive_a_sync),
		cmocka_unit_test(paging_off_and_on_finds_both_roots),
		cmocka_unit_test(a_change_is_seen_after_a_flush),
		cmocka_unit_test(a_right_that_is_added_needs_no_flush),
		cmocka_unit_test(pcids_keep_apart_what_no_flush_keeps),
		cmocka_unit_test(invlpg_takes_global_pages_from_all_pcids),
		cmocka_unit_test(invpcid_does_what_its_type_says),
		cmocka_unit_test(invpcid_refuses_what_the_processor_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
