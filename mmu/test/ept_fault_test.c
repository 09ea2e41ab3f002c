/** @file
 * Host tests of lab 1's decisions: what a fault means and what is done (1.4,
 * 1.6, 1.7).
 *
 * A small VM: RAM at 0 that can have large leaves, a ROM, a slot that logs, and
 * nothing anywhere else.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#include "mmu/ept_fault.h"

#define RAM 0x0ull
#define RAM_PAGES 1100
#define RAM_HPA 0x40000000ull
#define ROM 0x8000000ull
#define ROM_HPA 0x50000000ull
#define LOG 0x9000000ull
#define LOG_HPA 0x60000000ull
#define LOG_PAGES 512
#define NOWHERE 0xd0000000ull

enum { RAM_ID, ROM_ID, LOG_ID };

struct fixture {
	struct arena arena;
	struct ept ept;
	struct memslots slots;
	u8 backing[1];
	u64 dirty[LOG_PAGES / 64];
};

static void wait_readers(void *ctx)
{
	(void)ctx;
}

static void zap(void *ctx, gpa_t base, u64 pages)
{
	ept_fault_unmap(&((struct fixture *)ctx)->ept, base, pages);
}

static void write_protect(void *ctx, gpa_t base, u64 pages)
{
	ept_write_protect(&((struct fixture *)ctx)->ept, base, pages);
}

static void new_generation(void *ctx, u64 generation)
{
	ept_new_generation(&((struct fixture *)ctx)->ept, generation);
}

static const struct memslot_ops ops = {
	.wait_readers = wait_readers,
	.zap = zap,
	.write_protect = write_protect,
	.new_generation = new_generation,
};

static void add(struct fixture *f, struct memslot slot)
{
	slot.mem = f->backing;
	slot.dirty = slot.id == LOG_ID ? f->dirty : NULL;
	assert_int_equal(memslot_add(&f->slots, &slot), 0);
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	arena_create(&f->arena);
	arena_create_ept(&f->arena, &f->ept);
	memslot_init(&f->slots, &ops, f);
	add(f, (struct memslot){ .id = RAM_ID,
				 .base = gpa(RAM),
				 .pages = RAM_PAGES,
				 .hpa = hpa(RAM_HPA) });
	add(f, (struct memslot){ .id = ROM_ID,
				 .base = gpa(ROM),
				 .pages = 512,
				 .flags = MEMSLOT_READONLY,
				 .hpa = hpa(ROM_HPA) });
	add(f, (struct memslot){ .id = LOG_ID,
				 .base = gpa(LOG),
				 .pages = LOG_PAGES,
				 .flags = MEMSLOT_LOG_DIRTY,
				 .hpa = hpa(LOG_HPA) });
}

static void teardown(struct fixture *f)
{
	ept_destroy(&f->ept);
	arena_destroy(&f->arena);
}

static enum ept_fault_kind classify(struct fixture *f, u64 addr, u64 wanted)
{
	struct ept_access access = { .gpa = gpa(addr), .wanted = wanted };

	return ept_fault_classify(&f->ept, memslot_read(&f->slots), &access);
}

static enum ept_fault_result violate(struct fixture *f, u64 addr, u64 wanted)
{
	struct ept_access access = { .gpa = gpa(addr), .wanted = wanted };

	return ept_fault_violation(&f->ept, memslot_read(&f->slots), &access);
}

static enum ept_fault_result misconfig(struct fixture *f, u64 addr)
{
	return ept_fault_misconfig(&f->ept, memslot_read(&f->slots),
				   gpa(addr));
}

static struct ept_walk walk(struct fixture *f, u64 addr)
{
	return ept_fault_walk(&f->ept, gpa(addr));
}

static u64 generation(struct fixture *f)
{
	return memslot_generation(memslot_read(&f->slots));
}

/** A valid MMIO SPTE stands there. */
static bool marked(struct fixture *f, u64 addr)
{
	u64 value = walk(f, addr).value;

	return ept_fault_mmio_is(value) &&
	       !ept_fault_mmio_stale(value, generation(f));
}

/** Start a change and do this many of its steps. */
static void hold(struct fixture *f, enum memslot_change_kind kind, u32 id,
		 int steps)
{
	struct memslot_change change = { .kind = kind, .slot = { .id = id } };

	assert_int_equal(memslot_start(&f->slots, &change), 0);
	for (int i = 0; i < steps; i++) {
		assert_true(memslot_step(&f->slots));
	}
}

static void finish(struct fixture *f)
{
	while (memslot_step(&f->slots)) {
		/* to the end */
	}
}

static void classification_table(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(classify(&f, NOWHERE, EPT_READ), EPT_FAULT_NO_SLOT);
	assert_int_equal(classify(&f, NOWHERE, EPT_WRITE), EPT_FAULT_NO_SLOT);
	assert_int_equal(classify(&f, NOWHERE, EPT_EXECUTE),
			 EPT_FAULT_NO_SLOT);
	assert_int_equal(classify(&f, RAM_PAGES * PAGE_SIZE, EPT_READ),
			 EPT_FAULT_NO_SLOT);
	assert_int_equal(classify(&f, RAM_PAGES * PAGE_SIZE - 1, EPT_READ),
			 EPT_FAULT_RAM);
	assert_int_equal(classify(&f, RAM, EPT_WRITE), EPT_FAULT_RAM);
	assert_int_equal(classify(&f, ROM, EPT_READ), EPT_FAULT_RAM);
	assert_int_equal(classify(&f, ROM, EPT_EXECUTE), EPT_FAULT_RAM);
	assert_int_equal(classify(&f, ROM, EPT_WRITE),
			 EPT_FAULT_READONLY_WRITE);
	assert_int_equal(classify(&f, ROM, EPT_READ | EPT_WRITE),
			 EPT_FAULT_READONLY_WRITE);
	assert_int_equal(classify(&f, LOG, EPT_WRITE), EPT_FAULT_RAM);
	assert_int_equal(f.ept.counters.tables, 1);
	teardown(&f);
}

static void spurious_is_what_the_entries_allow_now(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, RAM + 0x1234, EPT_READ),
			 EPT_FAULT_RESUME);
	assert_int_equal(classify(&f, RAM + 0x1234, EPT_WRITE),
			 EPT_FAULT_SPURIOUS);
	assert_int_equal(violate(&f, ROM, EPT_READ), EPT_FAULT_RESUME);
	assert_int_equal(violate(&f, ROM, EPT_EXECUTE), EPT_FAULT_RESUME);
	assert_int_equal(classify(&f, ROM, EPT_EXECUTE), EPT_FAULT_SPURIOUS);
	assert_int_equal(classify(&f, ROM, EPT_WRITE),
			 EPT_FAULT_READONLY_WRITE);
	/* Half of what was wanted is not enough. */
	assert_int_equal(violate(&f, LOG, EPT_READ), EPT_FAULT_RESUME);
	assert_int_equal(classify(&f, LOG, EPT_READ), EPT_FAULT_SPURIOUS);
	assert_int_equal(classify(&f, LOG, EPT_READ | EPT_WRITE),
			 EPT_FAULT_RAM);
	teardown(&f);
}

static void a_slot_going_away_is_retried(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, ROM, EPT_READ), EPT_FAULT_RESUME);
	for (int steps = 1; steps <= 4; steps++) {
		hold(&f, MEMSLOT_DELETE, ROM_ID, steps);
		assert_int_equal(classify(&f, ROM, EPT_READ),
				 EPT_FAULT_GOING_AWAY);
		assert_int_equal(violate(&f, ROM, EPT_WRITE), EPT_FAULT_RETRY);
		assert_false(ept_fault_mmio_is(walk(&f, ROM).value));
		finish(&f);
		assert_int_equal(violate(&f, ROM, EPT_WRITE),
				 EPT_FAULT_EMULATE);
		assert_true(marked(&f, ROM));
		add(&f, (struct memslot){ .id = ROM_ID,
					  .base = gpa(ROM),
					  .pages = 512,
					  .hpa = hpa(ROM_HPA) });
		assert_int_equal(misconfig(&f, ROM), EPT_FAULT_RESUME);
	}
	teardown(&f);
}

static void ram_is_mapped_by_the_block(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, RAM + 0x345678, EPT_WRITE),
			 EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, RAM + 0x200000).level, EPT_PDE);
	assert_int_equal(walk(&f, RAM + 0x200000).rights, EPT_RWX);
	assert_int_equal(ept_entry_hpa(walk(&f, RAM + 0x345678).value).v,
			 RAM_HPA + 0x200000);
	/* The last block is not whole. */
	assert_int_equal(violate(&f, RAM + 0x400123, EPT_READ),
			 EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, RAM + 0x400000).level, EPT_PTE);
	assert_int_equal(walk(&f, RAM + 0x400000).rights, EPT_RWX);
	assert_int_equal(walk(&f, RAM + 0x401000).rights, 0);
	/* A ROM: large, too, and not writable. */
	assert_int_equal(violate(&f, ROM + 0x1000, EPT_EXECUTE),
			 EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, ROM).level, EPT_PDE);
	assert_int_equal(walk(&f, ROM).rights, EPT_READ | EPT_EXECUTE);
	teardown(&f);
}

static void unaligned_backing_gets_small_leaves(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	add(&f, (struct memslot){ .id = 77,
				  .base = gpa(0x20000000),
				  .pages = 2048,
				  .hpa = hpa(0x70001000) });
	assert_int_equal(violate(&f, 0x20200000, EPT_READ), EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, 0x20200000).level, EPT_PTE);
	assert_int_equal(ept_entry_hpa(walk(&f, 0x20200000).value).v,
			 0x70201000);
	assert_int_equal(walk(&f, 0x20201000).rights, 0);
	teardown(&f);
}

static void a_readonly_store_leaves_no_trace(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, ROM + 8, EPT_WRITE), EPT_FAULT_EMULATE);
	assert_int_equal(f.ept.counters.tables, 1);
	assert_int_equal(violate(&f, ROM + 8, EPT_READ), EPT_FAULT_RESUME);
	assert_int_equal(violate(&f, ROM + 8, EPT_WRITE), EPT_FAULT_EMULATE);
	assert_int_equal(walk(&f, ROM + 8).rights, EPT_READ | EPT_EXECUTE);
	teardown(&f);
}

static void no_slot_is_marked_once(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, NOWHERE + 0x10, EPT_WRITE),
			 EPT_FAULT_EMULATE);
	assert_true(marked(&f, NOWHERE));
	assert_int_equal(walk(&f, NOWHERE).level, EPT_PTE);
	assert_int_equal(ept_fault_mmio_gpa(walk(&f, NOWHERE).value).v,
			 NOWHERE);
	for (int i = 0; i < 10; i++) {
		u64 before = walk(&f, NOWHERE).value;

		assert_int_equal(misconfig(&f, NOWHERE + 4),
				 EPT_FAULT_EMULATE);
		assert_true(walk(&f, NOWHERE).value == before);
	}
	assert_int_equal(f.ept.counters.invalidations, 0);
	teardown(&f);
}

static void a_stale_mark_is_renewed(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_EMULATE);
	assert_int_equal(memslot_delete(&f.slots, ROM_ID), 0);
	assert_false(marked(&f, NOWHERE));
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_EMULATE);
	assert_true(marked(&f, NOWHERE));
	/* All the way round: 2^19 changes later nothing old may match. */
	memslot_skip_generations(&f.slots, BIT(19));
	assert_false(marked(&f, NOWHERE));
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_EMULATE);
	assert_true(marked(&f, NOWHERE));
	teardown(&f);
}

static void a_new_slot_replaces_the_mark(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_EMULATE);
	add(&f, (struct memslot){ .id = 77,
				  .base = gpa(NOWHERE),
				  .pages = 1,
				  .hpa = hpa(0x70000000) });
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, NOWHERE).rights, EPT_RWX);
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_RETRY);
	assert_int_equal(memslot_delete(&f.slots, 77), 0);
	assert_true(walk(&f, NOWHERE).value == 0);
	assert_int_equal(f.ept.counters.invalidations, 1);
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_RETRY);
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_EMULATE);
	teardown(&f);
}

static void nothing_is_marked_inside_a_swap(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_EMULATE);
	hold(&f, MEMSLOT_SET_FLAGS, LOG_ID, 1);
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_EMULATE);
	assert_int_equal(violate(&f, NOWHERE + 0x1000, EPT_READ),
			 EPT_FAULT_EMULATE);
	assert_false(marked(&f, NOWHERE));
	assert_false(marked(&f, NOWHERE + 0x1000));
	finish(&f);
	assert_false(marked(&f, NOWHERE));
	assert_false(marked(&f, NOWHERE + 0x1000));
	assert_int_equal(misconfig(&f, NOWHERE), EPT_FAULT_EMULATE);
	assert_true(marked(&f, NOWHERE));
	teardown(&f);
}

static void logging_maps_single_pages(void **state)
{
	struct fixture f;
	u64 page = LOG + 7 * PAGE_SIZE;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, page, EPT_READ), EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, page).level, EPT_PTE);
	assert_int_equal(walk(&f, page).rights, EPT_READ | EPT_EXECUTE);
	assert_true(f.dirty[0] == 0);
	assert_int_equal(violate(&f, page + 5, EPT_WRITE), EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, page).rights, EPT_RWX);
	assert_true(f.dirty[0] == BIT(7));
	assert_int_equal(f.ept.counters.invalidations, 0);
	teardown(&f);
}

static void logging_splits_a_large_leaf(void **state)
{
	struct fixture f;
	u64 page = LOG + 7 * PAGE_SIZE;

	(void)state;
	setup(&f);
	assert_int_equal(memslot_set_flags(&f.slots, LOG_ID, 0), 0);
	assert_int_equal(violate(&f, page, EPT_WRITE), EPT_FAULT_RESUME);
	assert_int_equal(walk(&f, page).level, EPT_PDE);
	assert_int_equal(
		memslot_set_flags(&f.slots, LOG_ID, MEMSLOT_LOG_DIRTY), 0);
	assert_int_equal(walk(&f, page).rights, EPT_READ | EPT_EXECUTE);
	assert_int_equal(violate(&f, page, EPT_WRITE), EPT_FAULT_RESUME);
	for (u64 i = 0; i < LOG_PAGES; i++) {
		struct ept_walk w = walk(&f, LOG + i * PAGE_SIZE);

		assert_int_equal(w.level, EPT_PTE);
		assert_int_equal(w.rights, i == 7 ? EPT_RWX :
						    EPT_READ | EPT_EXECUTE);
		assert_int_equal(ept_entry_hpa(w.value).v,
				 LOG_HPA + i * PAGE_SIZE);
	}
	assert_true(f.dirty[0] == BIT(7));
	teardown(&f);
}

static void addresses_too_wide_are_not_marked(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.ept.phys_bits = 36;
	assert_int_equal(violate(&f, BIT(36), EPT_READ), EPT_FAULT_EMULATE);
	assert_int_equal(violate(&f, BIT(47), EPT_READ), EPT_FAULT_EMULATE);
	assert_int_equal(f.ept.counters.tables, 1);
	assert_int_equal(violate(&f, BIT(36) - 1, EPT_READ),
			 EPT_FAULT_EMULATE);
	assert_true(marked(&f, BIT(36) - 1));
	teardown(&f);
}

static void broken_entries_are_errors(void **state)
{
	struct fixture f;
	u64 *entry;
	u64 good;

	(void)state;
	setup(&f);
	assert_int_equal(violate(&f, RAM + 0x400000, EPT_READ),
			 EPT_FAULT_RESUME);
	entry = walk(&f, RAM + 0x400000).entry;
	good = *entry;
	*entry = good & ~EPT_READ;
	assert_int_equal(misconfig(&f, RAM + 0x400000), EPT_FAULT_ERROR);
	*entry = good | BIT(45);
	assert_int_equal(misconfig(&f, RAM + 0x400000), EPT_FAULT_ERROR);
	*entry = good | BIT(3);
	assert_int_equal(misconfig(&f, RAM + 0x400000), EPT_FAULT_ERROR);
	*entry = good;
	assert_int_equal(misconfig(&f, RAM + 0x400000), EPT_FAULT_RETRY);
	for (int level = EPT_PDE; level <= EPT_PML4E; level++) {
		int at = level;

		entry = ept_find_entry(&f.ept, gpa(RAM + 0x400000), &at);
		*entry ^= EPT_READ;
		assert_int_equal(misconfig(&f, RAM + 0x400000),
				 EPT_FAULT_ERROR);
		*entry ^= EPT_READ;
	}
	teardown(&f);
}

static void without_tables_the_fault_says_so(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.arena.left = 0;
	assert_int_equal(violate(&f, RAM, EPT_READ), EPT_FAULT_NO_MEMORY);
	assert_int_equal(violate(&f, NOWHERE, EPT_READ), EPT_FAULT_NO_MEMORY);
	f.arena.left = 2;
	assert_int_equal(violate(&f, RAM, EPT_READ), EPT_FAULT_RESUME);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classification_table),
		cmocka_unit_test(spurious_is_what_the_entries_allow_now),
		cmocka_unit_test(a_slot_going_away_is_retried),
		cmocka_unit_test(ram_is_mapped_by_the_block),
		cmocka_unit_test(unaligned_backing_gets_small_leaves),
		cmocka_unit_test(a_readonly_store_leaves_no_trace),
		cmocka_unit_test(no_slot_is_marked_once),
		cmocka_unit_test(a_stale_mark_is_renewed),
		cmocka_unit_test(a_new_slot_replaces_the_mark),
		cmocka_unit_test(nothing_is_marked_inside_a_swap),
		cmocka_unit_test(logging_maps_single_pages),
		cmocka_unit_test(logging_splits_a_large_leaf),
		cmocka_unit_test(addresses_too_wide_are_not_marked),
		cmocka_unit_test(broken_entries_are_errors),
		cmocka_unit_test(without_tables_the_fault_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
