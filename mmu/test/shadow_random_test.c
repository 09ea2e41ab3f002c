/** @file
 * Host tests of shadow paging: does the guest see what its own walk says?
 *
 * Guests are random, as in guest_walk_test.c: pages full of entries that lead
 * anywhere among themselves, to ROM and to nowhere, all bits set by chance.
 * Each access is made twice: through the shadow tables, and by
 * guest_walk_translate() in a twin of the guest.  The outcome must be the same
 * to the bit, and so must be the memory of the two, accessed and dirty bits
 * included.  Paging modes and their options change in between; addresses come
 * back, with other kinds of access, so that leaves are used again.
 *
 * links: mmu/test/arena.c mmu/test/shadow_bed.c
 */
#include "mmu/test/shadow_bed.h"

#define GUEST_PAGES 16
#define ROM_PAGE 14  /* pages 14 and 15 are a read-only slot */
#define FRAMES 20    /* entries lead to these; from 16 on no slot */
#define WALK_BITS 36 /* the guest's MAXPHYADDR */
#define ADDRESSES 24
#define GUESTS 160
#define OPTIONS 24  /* how often the options change in a guest */
#define ACCESSES 48 /* ... and how many accesses then follow */

#define P BIT(0)
#define RW BIT(1)
#define US BIT(2)
#define A BIT(5)
#define D BIT(6)
#define PS BIT(7)
#define NX BIT(63)

struct fixture {
	struct bed bed;
	u8 *twin;
	struct memslots twin_slots;
	struct guest_paging paging;
	u64 addresses[ADDRESSES];
	u64 seed;
	u64 ends[BED_STOP + 1];
};

static void nothing(void *ctx)
{
	(void)ctx;
}

static void no_range(void *ctx, gpa_t base, u64 pages)
{
	(void)ctx;
	(void)base;
	(void)pages;
}

static void no_generation(void *ctx, u64 generation)
{
	(void)ctx;
	(void)generation;
}

static const struct memslot_ops no_ops = { nothing, no_range, no_range,
					   no_generation };

static u64 random_number(struct fixture *f)
{
	return arena_random(&f->seed);
}

static void add_slots(struct fixture *f)
{
	struct memslot slots[] = {
		{ .id = 0, .pages = ROM_PAGE },
		{ .id = 1,
		  .base = gpa(ROM_PAGE * PAGE_SIZE),
		  .pages = GUEST_PAGES - ROM_PAGE,
		  .flags = MEMSLOT_READONLY },
	};

	memslot_init(&f->twin_slots, &no_ops, NULL);
	for (int i = 0; i < 2; i++) {
		bed_add(&f->bed, &slots[i], gpa_frame(slots[i].base));
		slots[i].mem = f->twin + slots[i].base.v;
		assert_int_equal(memslot_add(&f->twin_slots, &slots[i]), 0);
	}
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	bed_create(&f->bed);
	f->twin = test_malloc(BED_SIZE);
	memset(f->twin, 0, BED_SIZE);
	add_slots(f);
	f->paging.phys_bits = WALK_BITS;
	f->seed = 11;
}

static void teardown(struct fixture *f)
{
	bed_destroy(&f->bed);
	test_free(f->twin);
}

/** Each bit with a chance of one in eight. */
static u64 rare_bits(struct fixture *f)
{
	return random_number(f) & random_number(f) & random_number(f);
}

static u64 random_entry(struct fixture *f)
{
	u64 e = (random_number(f) % FRAMES) << PAGE_SHIFT;

	if (e >= GUEST_PAGES * PAGE_SIZE && random_number(f) % 4) {
		e = (random_number(f) % GUEST_PAGES) << PAGE_SHIFT;
	}
	e |= P | RW | US | (random_number(f) & (A | D));
	e ^= rare_bits(f) & (P | RW | US | NX);
	e |= rare_bits(f) & rare_bits(f) & PS;
	if (random_number(f) % 64 == 0) {
		e |= BIT(random_number(f) % 64);
	}
	return e;
}

static void random_guest(struct fixture *f)
{
	for (u64 i = 0; i < GUEST_PAGES * PAGE_SIZE / 8; i++) {
		u64 e = random_entry(f);

		if (f->paging.mode == GUEST_WALK_2_LEVEL) {
			e = (u32)e | random_entry(f) << 32;
		}
		*bed_table(&f->bed, 0, i) = e;
	}
	memcpy(f->twin, f->bed.memory, BED_SIZE);
	for (int i = 0; i < 4; i++) {
		u64 table = random_number(f) % GUEST_PAGES << PAGE_SHIFT;

		f->paging.pdptes[i] = table | (i != 3);
	}
	f->paging.root = gpa(random_number(f) % GUEST_PAGES << PAGE_SHIFT);
	for (int i = 0; i < ADDRESSES; i++) {
		u64 addr = (u64)((s64)(random_number(f) << 16) >> 16);

		/* Some are neighbours: large pages are to be used twice. */
		if (i % 4 == 3) {
			addr = f->addresses[i - 1] ^ random_number(f) % BIT(22);
		}
		f->addresses[i] =
			f->paging.mode == GUEST_WALK_4_LEVEL ? addr : (u32)addr;
	}
}

static u32 random_access(struct fixture *f)
{
	static const u32 kinds[] = { 0, GUEST_WALK_WRITE, GUEST_WALK_FETCH };
	u32 access = kinds[random_number(f) % 3];

	access |= random_number(f) & (GUEST_WALK_USER | GUEST_WALK_AC);
	if (access & GUEST_WALK_USER) {
		access &= ~(u32)GUEST_WALK_AC;
	}
	return access;
}

/** The walk allows it: what lies there, and how must it have ended? */
static void check_touch(struct fixture *f, const struct bed_outcome *out,
			const struct guest_walk *walk)
{
	const struct memslot *slot =
		memslot_find(memslot_read(&f->twin_slots), walk->gpa);
	bool store = walk->access & GUEST_WALK_WRITE;

	assert_true(out->gpa.v == walk->gpa.v);
	if (!slot || (store && (slot->flags & MEMSLOT_READONLY))) {
		assert_int_equal(out->end, BED_MMIO);
		return;
	}
	if (out->end == BED_RAM) {
		/* Memory is emulated in one case only. */
		assert_true(store && (f->paging.flags & GUEST_WALK_SMAP));
		assert_false(f->paging.flags & GUEST_WALK_WP);
		return;
	}
	assert_int_equal(out->end, BED_MEMORY);
}

static void access_twice(struct fixture *f)
{
	gva_t addr = gva(f->addresses[random_number(f) % ADDRESSES]);
	u32 access = random_access(f);
	struct guest_walk walk = { .addr = addr, .access = access };
	struct bed_outcome out = bed_access(&f->bed, addr, access);

	f->ends[out.end]++;
	switch (guest_walk_translate(&f->paging, memslot_read(&f->twin_slots),
				     &walk)) {
	case GUEST_WALK_OK:
		check_touch(f, &out, &walk);
		break;
	case GUEST_WALK_FAULT:
		assert_int_equal(out.end, BED_FAULT);
		assert_int_equal(out.error_code, walk.error_code);
		break;
	case GUEST_WALK_NO_RAM:
		assert_int_equal(out.end, BED_NO_RAM);
		assert_true(out.gpa.v == walk.gpa.v);
		break;
	}
}

static void random_guests_see_what_their_walk_says(void **state)
{
	static struct fixture f;

	(void)state;
	setup(&f);
	for (int guest = 0; guest < GUESTS; guest++) {
		f.paging.mode = guest % 4;
		random_guest(&f);
		for (int i = 0; i < OPTIONS; i++) {
			f.paging.flags = random_number(&f) % 64;
			shadow_new_mode(&f.bed.shadow, &f.paging, 0);
			for (int j = 0; j < ACCESSES; j++) {
				access_twice(&f);
			}
			assert_memory_equal(f.bed.memory, f.twin,
					    GUEST_PAGES * PAGE_SIZE);
		}
	}
	for (int end = BED_MEMORY; end < BED_STOP; end++) {
		assert_true(f.ends[end] > 100);
	}
	assert_true(f.bed.shadow.counters.kept > 100);
	teardown(&f);
}

/* ---- Every combination --------------------------------------------------- */

/** Four levels over pages 1 to 4, mapping address 0 to a frame. */
static void map_four_levels(struct fixture *f, u64 last)
{
	f->paging.mode = GUEST_WALK_4_LEVEL;
	f->paging.root = gpa(1 * PAGE_SIZE);
	for (u64 page = 1; page <= 3; page++) {
		*bed_table(&f->bed, page, 0) =
			((page + 1) << PAGE_SHIFT) | P | RW | US;
	}
	*bed_table(&f->bed, 4, 0) = last;
	memcpy(f->twin, f->bed.memory, BED_SIZE);
}

/** All that may be asked of one page under one set of options, each twice. */
static void ask_all(struct fixture *f)
{
	static const u32 kinds[] = { 0, GUEST_WALK_WRITE, GUEST_WALK_FETCH };
	static const u32 who[] = { 0, GUEST_WALK_AC, GUEST_WALK_USER };

	for (int i = 0; i < 81; i++) {
		u32 access[2] = { kinds[i % 3] | who[i / 3 % 3],
				  kinds[i / 9 % 3] | who[i / 27] };

		for (int j = 0; j < 2; j++) {
			struct guest_walk walk = { .access = access[j] };
			struct bed_outcome out =
				bed_access(&f->bed, gva(0), access[j]);
			bool ok = guest_walk_translate(
					  &f->paging,
					  memslot_read(&f->twin_slots),
					  &walk) == GUEST_WALK_OK;

			if (ok) {
				check_touch(f, &out, &walk);
			} else {
				assert_int_equal(out.end, BED_FAULT);
				assert_int_equal(out.error_code,
						 walk.error_code);
			}
		}
	}
}

static void every_permission_in_every_mode_for_every_access(void **state)
{
	static struct fixture f;
	/* a page of RAM, of ROM, and none */
	static const u64 frames[] = { 5, ROM_PAGE, GUEST_PAGES };

	(void)state;
	setup(&f);
	for (u32 i = 0; i < 16 * 8 * 3; i++) {
		u64 last = frames[i / 128] << PAGE_SHIFT | P;

		last |= (i & 16 ? RW : 0) | (i & 32 ? US : 0);
		f.paging.flags = i % 16;
		if (i & 64 && (f.paging.flags & GUEST_WALK_NX)) {
			last |= NX;
		}
		map_four_levels(&f, last);
		shadow_new_mode(&f.bed.shadow, &f.paging, 0);
		ask_all(&f);
		assert_memory_equal(f.bed.memory, f.twin, BED_SIZE);
	}
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_permission_in_every_mode_for_every_access),
		cmocka_unit_test(random_guests_see_what_their_walk_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
