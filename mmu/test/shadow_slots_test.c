/** @file
 * Host tests of shadow paging: MMIO, slots that change, and hostile guests.
 *
 * links: mmu/test/arena.c mmu/test/shadow_bed.c
 * links: mmu/test/shadow_guest.c
 */
#include "mmu/test/shadow_guest.h"

#include "mmu/shadow_table.h"

/* ---- Slots --------------------------------------------------------------- */

static void mmio_is_marked_and_known(void **state)
{
	struct fixture *f = guest_setup();
	struct bed_outcome out;

	(void)state;
	*guest_pte(f, 0) = NOWHERE | P | RW | A | D;
	assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	assert_true(shadow_mmio_is(bed_entry(&f->bed, gva(VA))));
	assert_true((bed_entry(&f->bed, gva(VA)) & SHADOW_MMIO_RIGHTS) ==
		    SHADOW_WRITE);
	for (int i = 0; i < 100; i++) {
		out = guest_touch(f, VA + i, i % 2 ? GUEST_WALK_WRITE : 0);
		assert_int_equal(out.end, BED_MMIO);
		assert_true(out.gpa.v == NOWHERE + i);
		assert_true(out.fault_hit && out.gva_hit);
	}
	assert_int_equal(guest_count(f)->slow_paths, 1);
	/* Without the cache, the entry is enough (fill site b). */
	mmio_known_event(&f->bed.known, MMIO_CACHE_RESET, gva(0));
	out = guest_touch(f, VA, GUEST_WALK_WRITE);
	assert_true(!out.fault_hit && out.gva_hit);
	assert_int_equal(guest_count(f)->slow_paths, 1);
	/* Closed to users: their fault, by the tables and not by the cache. */
	assert_int_equal(guest_touch(f, VA, GUEST_WALK_USER).error_code, 5);
	guest_teardown(f);
}

/** What the fault path has learnt, the emulator must not undo. */
static void the_emulator_sees_what_the_walk_has_seen(void **state)
{
	struct fixture *f = guest_setup();
	struct memslot rom = { .id = 3,
			       .base = gpa(NOWHERE + 0x3000),
			       .pages = 1,
			       .flags = MEMSLOT_READONLY };
	struct bed_outcome out;

	(void)state;
	bed_add(&f->bed, &rom, 33);
	*guest_pte(f, 0) = NOWHERE | ALL | A | D | SHADOW_NX;
	assert_int_equal(guest_touch(f, VA, GUEST_WALK_WRITE).end, BED_MMIO);
	/* Not flushed, but the fetch must be walked, and finds ROM. */
	*guest_pte(f, 0) = (NOWHERE + 0x3000) | ALL | A | D;
	guest_expect_exits(f, VA, GUEST_WALK_FETCH, 1);
	out = guest_touch(f, VA, GUEST_WALK_WRITE);
	assert_int_equal(out.end, BED_MMIO);
	assert_true(out.gpa.v == NOWHERE + 0x3000);
	guest_teardown(f);
}

/** A #PF flushes its page: the guest need not, when it has mapped it. */
static void a_page_fault_flushes_its_page(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	for (int emulated = 0; emulated < 2; emulated++) {
		*guest_pte(f, 0) = NOWHERE | P | A | D | SHADOW_NX;
		(void)guest_load_cr3(f, 0, 0, false);
		assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
		*guest_pte(f, 0) = 0;
		if (emulated) {
			assert_int_equal(bed_emulate(&f->bed, gva(VA),
						     GUEST_WALK_FETCH)
						 .end,
					 BED_FAULT);
		} else {
			assert_int_equal(
				guest_touch(f, VA, GUEST_WALK_FETCH).end,
				BED_FAULT);
		}
		*guest_pte(f, 0) = frame(50) | P;
		guest_expect_at(f, VA, 0, frame(50));
	}
	guest_teardown(f);
}

static void a_clean_mmio_page_gets_its_dirty_bit(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	for (int wp = 0; wp < 2; wp++) {
		f->paging.flags ^= GUEST_WALK_WP;
		shadow_new_mode(&f->bed.shadow, &f->paging, 0);
		*guest_pte(f, 0) = NOWHERE | ALL;
		assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
		assert_true(guest_touch(f, VA, 0).fault_hit);
		assert_false(guest_touch(f, VA, GUEST_WALK_WRITE).fault_hit);
		assert_true(*guest_pte(f, 0) & D);
		assert_true(guest_touch(f, VA, GUEST_WALK_WRITE).fault_hit);
	}
	guest_teardown(f);
}

static void slots_come_and_go(void **state)
{
	struct fixture *f = guest_setup();
	struct memslot extra = { .id = 3, .base = gpa(NOWHERE), .pages = 1 };
	u64 invalidations;

	(void)state;
	*guest_pte(f, 0) = NOWHERE | ALL;
	*guest_pte(f, 1) = NOWHERE | ALL;
	for (int i = 0; i < 20; i++) {
		(void)guest_load_cr3(f, i % 2, i % 2, true);
		assert_int_equal(guest_touch(f, VA, GUEST_WALK_WRITE).end,
				 BED_MMIO);
		(void)guest_load_cr3(f, (i + 1) % 2, (i + 1) % 2, true);
		bed_add(&f->bed, &extra, 33);
		assert_int_equal(bed_emulate(&f->bed, gva(VA), 0).end, BED_RAM);
		guest_expect_at(f, VA, GUEST_WALK_WRITE, frame(33));
		invalidations = guest_count(f)->invalidations;
		assert_int_equal(memslot_delete(&f->bed.slots, 3), 0);
		assert_true(guest_count(f)->invalidations > invalidations);
		assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	}
	guest_teardown(f);
}

static void nothing_is_known_inside_a_swap(void **state)
{
	struct fixture *f = guest_setup();
	struct memslot_change change = { .kind = MEMSLOT_ADD };

	(void)state;
	*guest_pte(f, 0) = NOWHERE | ALL;
	change.slot = (struct memslot){ .id = 3,
					.base = gpa(NOWHERE + PAGE_SIZE),
					.pages = 1,
					.hpa = hpa(BED_HPA),
					.mem = f->bed.memory };
	assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	assert_int_equal(memslot_start(&f->bed.slots, &change), 0);
	assert_true(memslot_step(&f->bed.slots));
	for (int i = 0; i < 3; i++) {
		struct bed_outcome out = guest_touch(f, VA, 0);

		assert_int_equal(out.end, BED_MMIO);
		assert_false(out.fault_hit || out.gva_hit);
	}
	assert_int_equal(f->bed.known.count.fills_in_progress, 3);
	/* Nor is anything marked that was not before. */
	*bed_table(&f->bed, PT(0), 6) = (NOWHERE + 2 * PAGE_SIZE) | ALL;
	assert_int_equal(guest_touch(f, VA + PAGE_SIZE, 0).end, BED_MMIO);
	assert_true(bed_entry(&f->bed, gva(VA + PAGE_SIZE)) == 0);
	while (memslot_step(&f->bed.slots)) {
		/* to the end */
	}
	assert_false(guest_touch(f, VA, 0).fault_hit);
	assert_true(guest_touch(f, VA, 0).fault_hit);
	guest_teardown(f);
}

static void narrow_generations_come_round(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	f->bed.shadow.generation_bits = 8;
	*guest_pte(f, 0) = NOWHERE | ALL;
	assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	for (int i = 0; i < 3; i++) {
		memslot_skip_generations(&f->bed.slots, BIT(8));
		assert_false(shadow_mmio_is(bed_entry(&f->bed, gva(VA))));
		assert_false(guest_touch(f, VA, 0).fault_hit);
		assert_true(shadow_mmio_is(bed_entry(&f->bed, gva(VA))));
	}
	memslot_skip_generations(&f->bed.slots, 1);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	guest_teardown(f);
}

static void readonly_and_logged_slots(void **state)
{
	struct fixture *f = guest_setup();
	struct memslot rom = { .id = 3,
			       .base = gpa(NOWHERE),
			       .pages = 1,
			       .flags = MEMSLOT_READONLY };

	(void)state;
	bed_add(&f->bed, &rom, 33);
	*guest_pte(f, 0) = NOWHERE | ALL;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_touch(f, VA, GUEST_WALK_WRITE).end,
				 BED_MMIO);
		guest_expect_exits(f, VA, 0, i == 0);
	}
	assert_int_equal(f->bed.known.count.fills, 0);
	*guest_pte(f, 1) = frame(41) | ALL | A | D;
	(void)guest_load_cr3(f, 1, 0, false);
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
	assert_int_equal(memslot_set_flags(&f->bed.slots, 0, MEMSLOT_LOG_DIRTY),
			 0);
	f->bed.dirty[0] = 0;
	guest_expect_exits(f, VA, 0, 0);
	assert_true(f->bed.dirty[0] == 0);
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
	assert_true(f->bed.dirty[0] == BIT(41));
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 0);
	shadow_write_protect(&f->bed.shadow, hpa(BED_HPA), BED_PAGES);
	guest_expect_exits(f, VA, GUEST_WALK_WRITE, 1);
	guest_teardown(f);
}

static void a_machine_without_reserved_bits_marks_nothing(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*guest_pte(f, 0) = NOWHERE | ALL;
	f->bed.shadow.phys_bits = 52;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
		assert_true(bed_entry(&f->bed, gva(VA)) == 0);
	}
	f->bed.shadow.phys_bits = 40;
	f->paging.phys_bits = 46;
	*guest_pte(f, 0) = BIT(45) | ALL;
	shadow_new_mode(&f->bed.shadow, &f->paging, 0);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_MMIO);
	assert_true(bed_entry(&f->bed, gva(VA)) == 0);
	guest_teardown(f);
}

/* ---- Bad guests ---------------------------------------------------------- */

static void hostile_tables_end_in_a_defined_way(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	*bed_table(&f->bed, PD(0), 0) = NOWHERE | ALL;
	assert_int_equal(guest_touch(f, VA, 0).end, BED_NO_RAM);
	f->paging.root = gpa(BIT(39));
	(void)shadow_new_pgd(&f->bed.shadow, &f->paging, 0, false);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_NO_RAM);
	/* A table that is its own: the entry maps the table itself. */
	(void)guest_load_cr3(f, 1, 0, false);
	*bed_table(&f->bed, PML4(1), 1) = frame(PML4(1)) | ALL;
	guest_expect_at(f, 0x8040201000ull, GUEST_WALK_WRITE, frame(PML4(1)));
	guest_expect_at(f, 0x8040200000ull, GUEST_WALK_WRITE, frame(PDPT(1)));
	guest_teardown(f);
}

static void a_spread_out_guest_does_not_use_up_memory(void **state)
{
	struct fixture *f = guest_setup();

	(void)state;
	f->bed.shadow.table_limit = 12;
	/* One page table for all: 512 GiB of the same page. */
	for (u64 i = 0; i < 512; i++) {
		*bed_table(&f->bed, PDPT(0), i) = frame(PD(0)) | ALL;
		*bed_table(&f->bed, PD(0), i) = frame(PT(0)) | ALL;
	}
	for (u64 i = 0; i < 200; i++) {
		u64 addr = (i * 7919 % 262144) << 21 | VA;

		guest_expect_at(f, addr, GUEST_WALK_WRITE, frame(40));
		assert_true(guest_count(f)->tables <= 12);
	}
	assert_true(guest_count(f)->reclaims > 10);
	f->bed.shadow.table_limit = 1;
	assert_int_equal(guest_touch(f, BIT(38) | VA, 0).end, BED_STOP);
	guest_teardown(f);
}

static void many_leaves_fit_on_the_list(void **state)
{
	struct fixture *f = guest_setup();
	u64 tables;

	(void)state;
	for (u64 i = 0; i < 4; i++) {
		*bed_table(&f->bed, PD(0), i) = frame(PT(0)) | ALL;
	}
	for (u64 i = 0; i < 512; i++) {
		*bed_table(&f->bed, PT(0), i) = frame(i % BED_PAGES) | ALL;
	}
	for (u64 round = 0; round < 10; round++) {
		for (u64 i = 0; i < 2048; i++) {
			guest_expect_at(f, i << PAGE_SHIFT, 0,
					frame(i % 512 % BED_PAGES));
		}
		shadow_invlpg(&f->bed.shadow, gva(round << PAGE_SHIFT));
		(void)guest_load_cr3(f, 0, 0, false);
		if (round == 1) {
			tables = guest_count(f)->tables;
		}
	}
	assert_int_equal(guest_count(f)->tables, tables);
	/* Nobody uses them: two syncs, and the list is short again. */
	guest_expect_at(f, VA, 0, frame(5));
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_at(f, VA, 0, frame(5));
	(void)guest_load_cr3(f, 0, 0, false);
	guest_expect_exits(f, VA, 0, 0);
	assert_true(guest_count(f)->tables < tables);
	guest_teardown(f);
}

static void a_broken_entry_is_an_error(void **state)
{
	struct fixture *f = guest_setup();
	int level = SHADOW_PTE;
	u64 *entry;

	(void)state;
	guest_expect_at(f, VA, 0, frame(40));
	entry = shadow_table_find(&f->bed.shadow, &f->bed.shadow.roots[0],
				  gva(VA), &level);
	*entry |= BIT(45);
	shadow_ask_invalidation(&f->bed.shadow);
	assert_int_equal(guest_touch(f, VA, 0).end, BED_STOP);
	*entry &= ~BIT(45);
	guest_teardown(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mmio_is_marked_and_known),
		cmocka_unit_test(the_emulator_sees_what_the_walk_has_seen),
		cmocka_unit_test(a_page_fault_flushes_its_page),
		cmocka_unit_test(a_clean_mmio_page_gets_its_dirty_bit),
		cmocka_unit_test(slots_come_and_go),
		cmocka_unit_test(nothing_is_known_inside_a_swap),
		cmocka_unit_test(narrow_generations_come_round),
		cmocka_unit_test(readonly_and_logged_slots),
		cmocka_unit_test(a_machine_without_reserved_bits_marks_nothing),
		cmocka_unit_test(hostile_tables_end_in_a_defined_way),
		cmocka_unit_test(a_spread_out_guest_does_not_use_up_memory),
		cmocka_unit_test(many_leaves_fit_on_the_list),
		cmocka_unit_test(a_broken_entry_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
