/** @file
 * Host tests of memslots: refusals, the swap protocol, lookup.
 *
 * The last test makes random changes and compares with a plain array of pages;
 * the protocol tests look at each single step, from a reader's side.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#define ID_A 10
#define ID_B 11

/** What the ops have been told. */
struct world {
	struct memslots slots;
	u8 backing[PAGE_SIZE];
	u64 dirty[64];
	int waits;
	int zaps;
	int protects;
	u64 zap_base;
	u64 zap_pages;
	u64 told_generation;
	int wraps;		    /* new generations with 19 zero bits */
	u64 generation_when_told;   /* what readers saw then */
	const struct memslot *zapped; /* the slot as readers saw it then */
};

static void wait_readers(void *ctx)
{
	((struct world *)ctx)->waits++;
}

static void zap(void *ctx, gpa_t base, u64 pages)
{
	struct world *w = ctx;

	w->zaps++;
	w->zap_base = base.v;
	w->zap_pages = pages;
	w->zapped = memslot_find(memslot_read(&w->slots), base);
}

static void write_protect(void *ctx, gpa_t base, u64 pages)
{
	struct world *w = ctx;
	const struct memslot *slot =
		memslot_find(memslot_read(&w->slots), base);

	w->protects++;
	assert_int_equal(slot->pages, pages);
	assert_true(slot->flags & MEMSLOT_LOG_DIRTY);
}

static void new_generation(void *ctx, u64 generation)
{
	struct world *w = ctx;

	w->told_generation = generation;
	w->wraps += (generation & BITS(18, 0)) == 0;
	w->generation_when_told =
		memslot_generation(memslot_read(&w->slots));
}

static const struct memslot_ops ops = {
	.wait_readers = wait_readers,
	.zap = zap,
	.write_protect = write_protect,
	.new_generation = new_generation,
};

static void init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	memslot_init(&w->slots, &ops, w);
}

static struct memslot slot_of(struct world *w, u32 id, u64 base, u64 pages)
{
	return (struct memslot){
		.base = gpa(base),
		.pages = pages,
		.id = id,
		.hpa = hpa(0x40000000),
		.mem = w->backing,
		.dirty = w->dirty,
	};
}

static int add(struct world *w, u32 id, u64 base, u64 pages)
{
	struct memslot slot = slot_of(w, id, base, pages);

	return memslot_add(&w->slots, &slot);
}

/** A refusal: the result, and that nothing at all has changed. */
#define assert_refused(w, call, error)                                  \
	do {                                                            \
		struct memslots before = (w)->slots;                    \
		assert_int_equal((call), (error));                      \
		assert_memory_equal(&before, &(w)->slots, sizeof(before)); \
	} while (0)

static void bad_ranges_are_refused(void **state)
{
	struct world w;
	struct memslot slot;

	(void)state;
	init(&w);
	assert_refused(&w, add(&w, 1, 0x1000, 0), -EINVAL);
	assert_refused(&w, add(&w, 1, 0x1001, 1), -EINVAL);
	assert_refused(&w, add(&w, 1, 0xfffffffffffff000ull, 2), -EINVAL);
	assert_refused(&w, add(&w, 1, 0x1000, 1ull << 52), -EINVAL);
	assert_refused(&w, add(&w, 1, 0x1000, ~0ull), -EINVAL);
	assert_refused(&w, add(&w, 1, 1ull << 46, 1), -EINVAL);
	assert_refused(&w, add(&w, 1, (1ull << 46) - 0x1000, 2), -EINVAL);
	assert_int_equal(add(&w, 1, (1ull << 46) - 0x1000, 1), 0);
	slot = slot_of(&w, 2, 0, 1);
	slot.hpa = hpa(0x123);
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
	slot.hpa = hpa(BIT(52));
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
	slot = slot_of(&w, 2, 0, 1);
	slot.mem = NULL;
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
}

static void bad_flags_are_refused(void **state)
{
	struct world w;
	struct memslot slot;

	(void)state;
	init(&w);
	slot = slot_of(&w, 1, 0, 1);
	slot.flags = MEMSLOT_INVALID;
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
	slot.flags = BIT(5);
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
	slot.flags = MEMSLOT_LOG_DIRTY;
	slot.dirty = NULL;
	assert_refused(&w, memslot_add(&w.slots, &slot), -EINVAL);
	slot.flags = 0;
	assert_int_equal(memslot_add(&w.slots, &slot), 0);
	assert_refused(&w, memslot_set_flags(&w.slots, 1, MEMSLOT_LOG_DIRTY),
		       -EINVAL);
	assert_refused(&w, memslot_set_flags(&w.slots, 1, MEMSLOT_READONLY),
		       -EINVAL);
	assert_refused(&w, memslot_set_flags(&w.slots, 2, 0), -ENOENT);
}

static void overlaps_are_refused(void **state)
{
	struct world w;

	(void)state;
	init(&w);
	assert_int_equal(add(&w, ID_A, 0x10000, 16), 0);
	assert_int_equal(add(&w, ID_B, 0x40000, 16), 0);
	assert_refused(&w, add(&w, 1, 0xf000, 2), -EEXIST);
	assert_refused(&w, add(&w, 1, 0x1f000, 1), -EEXIST);
	assert_refused(&w, add(&w, 1, 0x14000, 1), -EEXIST);
	assert_refused(&w, add(&w, 1, 0x0, 256), -EEXIST);
	assert_refused(&w, add(&w, ID_A, 0x80000, 1), -EEXIST);
	assert_int_equal(add(&w, 1, 0x20000, 32), 0);
	assert_refused(&w, memslot_move(&w.slots, ID_A, gpa(0x31000)),
		       -EEXIST);
	assert_refused(&w, memslot_move(&w.slots, ID_A, gpa(0x31001)),
		       -EINVAL);
	assert_refused(&w, memslot_move(&w.slots, ID_A, gpa(BIT(46))),
		       -EINVAL);
	assert_refused(&w, memslot_move(&w.slots, 77, gpa(0)), -ENOENT);
	assert_refused(&w, memslot_delete(&w.slots, 77), -ENOENT);
	/* A slot may move over a part of where it was. */
	assert_int_equal(memslot_move(&w.slots, ID_A, gpa(0xf000)), 0);
}

static void one_slot_too_many_is_refused(void **state)
{
	struct world w;

	(void)state;
	init(&w);
	for (u32 i = 0; i < MEMSLOT_MAX; i++) {
		assert_int_equal(add(&w, i, i * 0x10000ull, 1), 0);
	}
	assert_refused(&w, add(&w, 99, 0x5000000, 1), -ENOSPC);
	assert_int_equal(memslot_delete(&w.slots, 3), 0);
	assert_int_equal(add(&w, 99, 0x5000000, 1), 0);
}

static void an_add_is_one_swap(void **state)
{
	struct world w;
	struct memslot_change change;
	struct memslot_set *old;

	(void)state;
	init(&w);
	old = memslot_read(&w.slots);
	change.kind = MEMSLOT_ADD;
	change.slot = slot_of(&w, ID_A, 0x1000, 1);
	assert_int_equal(memslot_start(&w.slots, &change), 0);
	assert_int_equal(memslot_start(&w.slots, &change), -EBUSY);
	assert_null(memslot_find(memslot_read(&w.slots), gpa(0x1000)));

	assert_true(memslot_step(&w.slots)); /* open */
	assert_ptr_not_equal(memslot_read(&w.slots), old);
	assert_int_equal(memslot_generation(old), 0);
	assert_null(memslot_find(old, gpa(0x1000)));
	assert_true(memslot_generation(memslot_read(&w.slots)) == BIT(63));
	assert_non_null(memslot_find(memslot_read(&w.slots), gpa(0x1000)));
	assert_int_equal(w.waits, 0);

	assert_true(memslot_step(&w.slots)); /* wait */
	assert_int_equal(w.waits, 1);
	assert_true(memslot_step(&w.slots)); /* close */
	assert_int_equal(memslot_generation(memslot_read(&w.slots)), 1);
	assert_int_equal(w.told_generation, 1);
	assert_true(w.generation_when_told == BIT(63));
	assert_false(memslot_step(&w.slots)); /* protect: nothing to do */
	assert_false(memslot_step(&w.slots));
	assert_int_equal(w.protects, 0);
	assert_int_equal(w.zaps, 0);
}

static void a_delete_is_two_swaps(void **state)
{
	struct world w;
	struct memslot_change change = { .kind = MEMSLOT_DELETE };
	const struct memslot *slot;
	struct memslot_set *set;

	(void)state;
	init(&w);
	assert_int_equal(add(&w, ID_A, 0x1000, 2), 0);
	w.waits = 0;
	change.slot.id = ID_A;
	assert_int_equal(memslot_start(&w.slots, &change), 0);
	assert_true(memslot_step(&w.slots)); /* open invalid */
	set = memslot_read(&w.slots);
	slot = memslot_find(set, gpa(0x2000));
	assert_true(slot->flags & MEMSLOT_INVALID);
	assert_true(memslot_generation(set) == (BIT(63) | 1));
	assert_true(memslot_step(&w.slots)); /* wait */
	assert_true(memslot_step(&w.slots)); /* close */
	assert_int_equal(memslot_generation(set), 2);
	assert_int_equal(w.zaps, 0);
	assert_true(memslot_step(&w.slots)); /* zap */
	assert_int_equal(w.zaps, 1);
	assert_int_equal(w.waits, 1);
	assert_int_equal(w.zap_base, 0x1000);
	assert_int_equal(w.zap_pages, 2);
	assert_ptr_equal(w.zapped, memslot_find(set, gpa(0x1000)));
	assert_true(memslot_step(&w.slots)); /* open */
	set = memslot_read(&w.slots);
	assert_null(memslot_find(set, gpa(0x1000)));
	assert_true(memslot_generation(set) == (BIT(63) | 2));
	while (memslot_step(&w.slots)) {
		/* to the end */
	}
	assert_int_equal(memslot_generation(set), 3);
	assert_int_equal(w.waits, 2);
}

static void a_moved_slot_is_valid_again(void **state)
{
	struct world w;
	const struct memslot *slot;

	(void)state;
	init(&w);
	assert_int_equal(add(&w, ID_A, 0x1000, 2), 0);
	assert_int_equal(memslot_move(&w.slots, ID_A, gpa(0x8000)), 0);
	slot = memslot_find(memslot_read(&w.slots), gpa(0x9000));
	assert_int_equal(slot->id, ID_A);
	assert_int_equal(slot->flags, 0);
	assert_null(memslot_find(memslot_read(&w.slots), gpa(0x1000)));
	assert_int_equal(w.zap_base, 0x1000);
	assert_int_equal(memslot_generation(memslot_read(&w.slots)), 3);
}

static void logging_protects_after_the_swap(void **state)
{
	struct world w;
	const struct memslot *slot;

	(void)state;
	init(&w);
	assert_int_equal(add(&w, ID_A, 0x1000, 70), 0);
	assert_int_equal(
		memslot_set_flags(&w.slots, ID_A, MEMSLOT_LOG_DIRTY), 0);
	assert_int_equal(w.protects, 1);
	slot = memslot_by_id(memslot_read(&w.slots), ID_A);
	memslot_mark_dirty(slot, gpa(0x1fff));
	memslot_mark_dirty(slot, gpa(0x1000 + 65 * PAGE_SIZE));
	assert_int_equal(memslot_take_dirty(slot, 0), 1);
	assert_int_equal(memslot_take_dirty(slot, 0), 0);
	assert_int_equal(memslot_take_dirty(slot, 1), 2);
	assert_int_equal(memslot_set_flags(&w.slots, ID_A, 0), 0);
	assert_int_equal(w.protects, 1);
	slot = memslot_by_id(memslot_read(&w.slots), ID_A);
	memslot_mark_dirty(slot, gpa(0x1000));
	assert_int_equal(memslot_take_dirty(slot, 0), 0);
}

static void skipped_generations_tell_each_wrap(void **state)
{
	struct world w;

	(void)state;
	init(&w);
	memslot_skip_generations(&w.slots, BIT(19) - 1);
	assert_int_equal(w.wraps, 0);
	assert_int_equal(add(&w, ID_A, 0, 1), 0);
	assert_int_equal(w.wraps, 1);
	memslot_skip_generations(&w.slots, BIT(19) + 5);
	assert_int_equal(w.wraps, 2);
	memslot_skip_generations(&w.slots, BIT(19) - 5);
	assert_int_equal(w.wraps, 3);
	assert_int_equal(memslot_generation(memslot_read(&w.slots)),
			 3 * BIT(19));
	memslot_skip_generations(&w.slots, 3);
	assert_int_equal(w.wraps, 3);
}

#define MODEL_PAGES 256
#define MODEL_IDS 40

/** Which slot owns each page, as a plain array; -1 for none. */
struct model {
	int owner[MODEL_PAGES];
	u64 base[MODEL_IDS];
	u64 pages[MODEL_IDS]; /* 0: no such slot */
	int count;
};

static bool model_free(const struct model *m, u64 base, u64 pages, int but)
{
	for (u64 i = base; i < base + pages; i++) {
		if (m->owner[i] >= 0 && m->owner[i] != but) {
			return false;
		}
	}
	return true;
}

static void model_set(struct model *m, int id, u64 base, u64 pages)
{
	for (u64 i = 0; i < MODEL_PAGES; i++) {
		if (m->owner[i] == id) {
			m->owner[i] = -1;
		}
		if (i >= base && i < base + pages) {
			m->owner[i] = id;
		}
	}
	m->base[id] = base;
	m->pages[id] = pages;
}

static void random_add(struct world *w, struct model *m, u64 *seed)
{
	int id = arena_random(seed) % MODEL_IDS;
	u64 pages = arena_random(seed) % 12;
	u64 base = arena_random(seed) % (MODEL_PAGES - 12);
	int expected = 0;

	if (pages == 0) {
		expected = -EINVAL;
	} else if (m->pages[id] || !model_free(m, base, pages, -1)) {
		expected = -EEXIST;
	} else if (m->count == MEMSLOT_MAX) {
		expected = -ENOSPC;
	}
	assert_int_equal(add(w, id, base << PAGE_SHIFT, pages), expected);
	if (expected == 0) {
		model_set(m, id, base, pages);
		m->count++;
	}
}

static void random_move_or_delete(struct world *w, struct model *m, u64 *seed)
{
	int id = arena_random(seed) % MODEL_IDS;
	u64 base = arena_random(seed) % (MODEL_PAGES - 12);
	int expected = m->pages[id] ? 0 : -ENOENT;

	if (arena_random(seed) % 2) {
		assert_int_equal(memslot_delete(&w->slots, id), expected);
		if (expected == 0) {
			model_set(m, id, 0, 0);
			m->count--;
		}
		return;
	}
	if (expected == 0 && !model_free(m, base, m->pages[id], id)) {
		expected = -EEXIST;
	}
	assert_int_equal(
		memslot_move(&w->slots, id, gpa(base << PAGE_SHIFT)),
		expected);
	if (expected == 0) {
		model_set(m, id, base, m->pages[id]);
	}
}

static void compare(struct world *w, const struct model *m, u64 *seed)
{
	struct memslot_set *set = memslot_read(&w->slots);

	for (int i = 0; i < 64; i++) {
		u64 page = arena_random(seed) % MODEL_PAGES;
		u64 offset = arena_random(seed) % PAGE_SIZE;
		gpa_t addr = gpa((page << PAGE_SHIFT) + offset);
		const struct memslot *slot = memslot_find(set, addr);

		assert_int_equal(slot ? (int)slot->id : -1, m->owner[page]);
		if (slot) {
			assert_int_equal(memslot_hpa(slot, addr).v,
					 0x40000000 + addr.v - slot->base.v);
		}
	}
	assert_null(memslot_find(set, gpa(~0ull)));
	assert_int_equal(set->count, m->count);
}

static void random_changes_match_the_model(void **state)
{
	struct world w;
	struct model m;
	u64 seed = 49;

	(void)state;
	init(&w);
	memset(&m, 0, sizeof(m));
	memset(m.owner, 0xff, sizeof(m.owner));
	for (int i = 0; i < 20000; i++) {
		if (arena_random(&seed) % 3) {
			random_add(&w, &m, &seed);
		} else {
			random_move_or_delete(&w, &m, &seed);
		}
		compare(&w, &m, &seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(bad_flags_are_refused),
		cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(one_slot_too_many_is_refused),
		cmocka_unit_test(an_add_is_one_swap),
		cmocka_unit_test(a_delete_is_two_swaps),
		cmocka_unit_test(a_moved_slot_is_valid_again),
		cmocka_unit_test(logging_protects_after_the_swap),
		cmocka_unit_test(skipped_generations_tell_each_wrap),
		cmocka_unit_test(random_changes_match_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
