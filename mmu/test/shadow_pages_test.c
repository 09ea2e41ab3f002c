/** @file
 * Host tests of shadow paging: what a leaf gives and what it takes with it:
 * accessed and dirty bits, CR0.WP = 0, large pages whole and in pieces.
 *
 * links: mmu/test/arena.c mmu/test/shadow_bed.c
 * links: mmu/test/shadow_guest.c
 */
#include "mmu/test/shadow_guest.h"

/* ---- Accessed and dirty -------------------------------------------------- */

static void accessed_and_dirty_are_set_again_after_a_flush(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	assert_true((*guest_pte(f, 0) & (A | D)) == A);
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
	assert_true((*guest_pte(f, 0) & (A | D)) == (A | D));
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 0);
	for (int sync = 0; sync < 2; sync++) {
		*guest_pte(f, 0) &= ~(A | D);
		if (sync) {
			(void)guest_load_cr3(f, 0, 0, false);
		} else {
			shadow_invlpg(&f->bed.shadow, gva(VA));
		}
		guest_expect_exits(f, VA, 0, 1);
		assert_true((*guest_pte(f, 0) & (A | D)) == A);
		guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
		assert_true((*guest_pte(f, 0) & (A | D)) == (A | D));
	}
	/* Of the tables above, too. */
	*bed_table(&f->bed, PD(0), 0) &= ~A;
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, VA, 0, 1);
	assert_true(*bed_table(&f->bed, PD(0), 0) & A);
	guest_teardown(f);
}

/* ---- CR0.WP = 0 ---------------------------------------------------------- */

static void wp_off_goes_to_and_fro(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*guest_pte(f, 0) = frame(40) | P | US;
	f->paging.flags = GUEST_WALK_NX | GUEST_WALK_SMEP;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	for (int i = 0; i < 3; i++) {
		guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
		guest_expect_exits(f, VA, GUEST_WALK_WRITE, 0);
		assert_int_equal(guest_touch(f, VA, GUEST_WALK_FETCH).end,
				 BED_FAULT);
		guest_expect_exits(f, VA, GUEST_WALK_USER, 1);
		guest_expect_exits(f, VA, GUEST_WALK_USER | GUEST_WALK_FETCH,
				   0);
		assert_int_equal(
			guest_touch(f, VA, GUEST_WALK_USER | GUEST_WALK_WRITE)
				.end,
			BED_FAULT);
	}
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
	f->paging.flags |= GUEST_WALK_WP;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	assert_int_equal(guest_touch(f, VA, GUEST_WALK_WRITE).error_code, 3);
	f->paging.flags = GUEST_WALK_SMAP;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	assert_int_equal(
		guest_touch(f, VA, GUEST_WALK_WRITE | GUEST_WALK_AC).end,
		BED_RAM);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_FAULT);
	guest_teardown(f);
}

/* ---- Large pages --------------------------------------------------------- */

/** RAM large enough, at 4 MiB, backed from 2 MiB + offset of host memory on. */
static void add_large_ram(struct fixture *f, u64 offset, u64 pages)
{
	struct memslot ram = { .id = 7,
			       .base = gpa(0x400000),
			       .pages = pages,
			       .hpa = hpa(BED_HPA + 0x200000 + offset),
			       .mem = f->bed.memory };

	assert_int_equal(memslot_add(&f->bed.slots, &ram), 0);
}

static void large_pages_have_large_leaves(void **state)
{
	struct fixture *f = guest_setup();
	u64 entry;

	(void)state;
	add_large_ram(f, 0, 1024);
	*guest_pde(f, 0) = 0x600000 | PS | ALL;
	guest_expect_at(f, LARGE_VA + 0x12345, 0, 0x412345);
	entry = bed_entry(&f->bed, gva(LARGE_VA));
	assert_true(entry & SHADOW_LARGE);
	guest_expect_exits(f, LARGE_VA + 0x1ff000, 0, 0);
	guest_expect_exits(f, LARGE_VA, GUEST_WALK_WRITE, 1);
	assert_true(*guest_pde(f, 0) & D);
	/* Any address of it flushes all of it. */
	*guest_pde(f, 0) = 0x400000 | PS | ALL;
	shadow_invlpg(&f->bed.shadow, gva(LARGE_VA + 0x100000));
	guest_expect_at(f, LARGE_VA, 0, 0x200000);
	/* Now it has small pages: the leaf goes when its place is needed. */
	*guest_pde(f, 0) = frame(60) | ALL;
	*bed_table(&f->bed, 60, 1) = frame(61) | ALL;
	shadow_invlpg(&f->bed.shadow, gva(LARGE_VA));
	guest_expect_at(f, LARGE_VA + PAGE_SIZE, 0, frame(61));
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, LARGE_VA + PAGE_SIZE, 0, 0);
	/* Half of its memory goes: all of it. */
	*guest_pde(f, 1) = 0x600000 | PS | ALL;
	(void)guest_load_cr3(f, 1, 0, false);
	guest_expect_at(f, LARGE_VA, 0, 0x400000);
	shadow_write_protect(&f->bed.shadow, hpa(BED_HPA + 0x500000), 1);
	shadow_zap(&f->bed.shadow, hpa(BED_HPA + 0x3ff000), 1);
	guest_expect_exits(f, LARGE_VA, 0, 0);
	shadow_zap(&f->bed.shadow, hpa(BED_HPA + 0x5ff000), 1);
	guest_expect_exits(f, LARGE_VA, 0, 1);
	guest_teardown(f);
}

/** A large page becomes a table, or a table a large page, at the same place. */
static void a_sync_sees_that_a_page_has_another_size(void **state)
{
	struct fixture *f = guest_setup();
	u64 neighbour = LARGE_VA + PAGE_SIZE;

	(void)state;
	add_large_ram(f, 0, 1024);
	*bed_table(&f->bed, 60, 0) = 0x600000 | ALL | A | D;
	*bed_table(&f->bed, 60, 1) = frame(61) | ALL | A | D;
	*guest_pde(f, 0) = 0x600000 | PS | ALL | A | D;
	guest_expect_at(f, neighbour, 0, 0x401000);
	*guest_pde(f, 0) = frame(60) | ALL | A;
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_at(f, neighbour, 0, frame(61));
	guest_expect_at(f, LARGE_VA, 0, 0x400000);
	/* The leaf of 4 KiB is right for the large page: now it is a piece. */
	*guest_pde(f, 0) = 0x600000 | PS | ALL | A | D;
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, LARGE_VA, 0, 0);
	*guest_pde(f, 0) = 0x400000 | PS | ALL | A | D;
	shadow_invlpg(&f->bed.shadow, gva(neighbour));
	guest_expect_at(f, LARGE_VA, 0, 0x200000);
	guest_teardown(f);
}

/** A leaf of 2 MiB is right for a page of 1 GiB: now it is a piece of that. */
static void a_sync_sees_that_a_page_has_grown(void **state)
{
	struct fixture *f = guest_setup();
	u64 *pdpte = bed_table(&f->bed, PDPT(0), 1);

	(void)state;
	add_large_ram(f, 0, 1024);
	*bed_table(&f->bed, 60, 2) = 0x400000 | PS | ALL | A | D;
	*pdpte = frame(60) | ALL | A;
	guest_expect_at(f, 0x40400000, 0, 0x200000);
	*pdpte = 0 | PS | ALL | A | D;
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, 0x40400000, 0, 0);
	*pdpte = 0x40000000 | PS | ALL | A | D;
	shadow_invlpg(&f->bed.shadow, gva(0x40000000));
	assert_int_equal(guest_touch(f, 0x40400000, 0).end, BED_MMIO);
	guest_teardown(f);
}

static void a_large_page_in_pieces_is_flushed_whole(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	add_large_ram(f, PAGE_SIZE, 100);
	*guest_pde(f, 0) = 0x400000 | PS | ALL;
	guest_expect_at(f, LARGE_VA + 0x5000, 0, 0x206000);
	assert_false(bed_entry(&f->bed, gva(LARGE_VA + 0x5000)) & SHADOW_LARGE);
	/* The second half of it is MMIO. */
	assert_int_equal(guest_touch(f, LARGE_VA + 0x100000, 0).end, BED_MMIO);
	guest_expect_at(f, VA, 0, frame(40));
	*guest_pde(f, 0) = 0x600000 | PS | ALL;
	shadow_invlpg(&f->bed.shadow, gva(LARGE_VA + 0x1ff000));
	assert_int_equal(guest_touch(f, LARGE_VA + 0x5000, 0).end, BED_MMIO);
	assert_true(guest_touch(f, LARGE_VA + 0x100000, 0).gpa.v == 0x700000);
	guest_expect_exits(f, VA, 0, 0);
	guest_teardown(f);
}

static void the_cache_loses_a_piece_of_a_flushed_page(void **state)
{
	struct fixture *f = guest_setup();
	u64 known = LARGE_VA + 0x5000;

	(void)state;
	*guest_pde(f, 0) = NOWHERE | PS | ALL;
	assert_int_equal(guest_touch(f, known, 0).end, BED_MMIO);
	shadow_invlpg(&f->bed.shadow, gva(VA));
	assert_true(guest_touch(f, known, 0).fault_hit);
	*guest_pde(f, 0) = (NOWHERE + 0x200000) | PS | ALL;
	shadow_invlpg(&f->bed.shadow, gva(LARGE_VA));
	assert_true(bed_emulate(&f->bed, gva(known), 0).gpa.v ==
		    NOWHERE + 0x205000);
	guest_teardown(f);
}

static void four_mib_and_one_gib_pages_are_flushed_whole(void **state)
{
	struct fixture *f = guest_setup();
	struct guest_paging two = { .mode = GUEST_WALK_2_LEVEL,
				    .flags = GUEST_WALK_PSE | GUEST_WALK_WP,
				    .root = gpa(frame(60)),
				    .phys_bits = 40 };
	u32 *pde32 = (u32 *)(void *)bed_table(&f->bed, 60, 0);

	(void)state;
	add_large_ram(f, 0, 1024);
	*pde32 = 0x400000 | PS | ALL;
	shadow_new_mode(&f->bed.shadow, &two, 0);
	guest_expect_at(f, 0x3000, 0, 0x203000);
	guest_expect_at(f, 0x203000, GUEST_WALK_WRITE, 0x403000);
	*pde32 = 0xc00000 | PS | ALL;
	shadow_invlpg(&f->bed.shadow, gva(0x1000));
	assert_int_equal(guest_touch(f, 0x203000, 0).end, BED_MMIO);
	assert_int_equal(guest_touch(f, 0x3000, 0).end, BED_MMIO);
	/* 1 GiB */
	*bed_table(&f->bed, PDPT(0), 1) = 0 | PS | ALL;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	guest_expect_at(f, 0x40400000, 0, 0x200000);
	guest_expect_at(f, 0x40005000, 0, 0x5000);
	*bed_table(&f->bed, PDPT(0), 1) = 0x40000000 | PS | ALL;
	shadow_invlpg(&f->bed.shadow, gva(0x7fffffff));
	assert_int_equal(guest_touch(f, 0x40400000, 0).end, BED_MMIO);
	assert_int_equal(guest_touch(f, 0x40005000, 0).end, BED_MMIO);
	guest_teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			accessed_and_dirty_are_set_again_after_a_flush),
		cmocka_unit_test(wp_off_goes_to_and_fro),
		cmocka_unit_test(large_pages_have_large_leaves),
		cmocka_unit_test(a_sync_sees_that_a_page_has_another_size),
		cmocka_unit_test(a_sync_sees_that_a_page_has_grown),
		cmocka_unit_test(a_large_page_in_pieces_is_flushed_whole),
		cmocka_unit_test(the_cache_loses_a_piece_of_a_flushed_page),
		cmocka_unit_test(four_mib_and_one_gib_pages_are_flushed_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
