/** @file
 * Host tests of the guest's page walk, against an oracle.
 *
 * The oracle is the manual read aloud: one function a mode, one `if` a rule,
 * in no hurry.  Guests are random: a handful of pages whose entries point at
 * each other, with all permission, reserved and size bits set at random.  The
 * whole memory is compared afterwards, so that each accessed and dirty bit
 * counts.  The cases which chance would miss stand before.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#include "mmu/guest_walk.h"

#define GUEST_PAGES 16
#define GUEST_SIZE (GUEST_PAGES * PAGE_SIZE)
#define ROM_PAGE 14 /* pages 14 and 15 are a read-only slot */
#define PHYS_BITS 36
#define ROUNDS 300000

#define P BIT(0)
#define RW BIT(1)
#define US BIT(2)
#define A BIT(5)
#define D BIT(6)
#define PS BIT(7)
#define NX BIT(63)

struct fixture {
	_Alignas(4096) u8 memory[GUEST_SIZE];
	u8 expected[GUEST_SIZE];
	u64 dirty[1];
	struct memslots slots;
	struct guest_paging paging;
	u64 seed;
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

static const struct memslot_ops ops = { nothing, no_range, no_range,
					no_generation };

static void setup(struct fixture *f)
{
	struct memslot ram = { .pages = ROM_PAGE,
			       .mem = f->memory,
			       .dirty = f->dirty,
			       .flags = MEMSLOT_LOG_DIRTY };
	struct memslot rom = { .id = 1,
			       .base = gpa(ROM_PAGE * PAGE_SIZE),
			       .pages = GUEST_PAGES - ROM_PAGE,
			       .mem = f->memory + ROM_PAGE * PAGE_SIZE,
			       .flags = MEMSLOT_READONLY };

	memset(f, 0, sizeof(*f));
	memslot_init(&f->slots, &ops, NULL);
	assert_int_equal(memslot_add(&f->slots, &ram), 0);
	assert_int_equal(memslot_add(&f->slots, &rom), 0);
	f->paging.phys_bits = PHYS_BITS;
	f->seed = 3;
}

static u64 *entry_at(struct fixture *f, u64 page, u64 index)
{
	return (u64 *)(void *)(f->memory + page * PAGE_SIZE) + index;
}

static enum guest_walk_status translate(struct fixture *f, u64 addr, u32 access,
					struct guest_walk *walk)
{
	*walk = (struct guest_walk){ .addr = gva(addr), .access = access };
	return guest_walk_translate(&f->paging, memslot_read(&f->slots), walk);
}

/* ---- The oracle ---------------------------------------------------------- */

/** One level, as the oracle sees it. */
struct level {
	int shift;
	bool wide;
};

struct oracle {
	struct fixture *f;
	u64 addr;
	u32 access;
	bool user, write, execute; /* what all levels allow */
	u64 at[4];		   /* entries used */
	int depth;
	struct guest_walk result;
};

static u64 load(const struct oracle *o, u64 at, bool wide)
{
	u64 value = 0;

	memcpy(&value, o->f->memory + at, wide ? 8 : 4);
	return value;
}

static enum guest_walk_status page_fault(struct oracle *o, bool present,
					 bool reserved)
{
	u32 on = o->f->paging.flags;
	u32 code = present ? 1 : 0;

	if (o->access & GUEST_WALK_WRITE) {
		code |= 2;
	}
	if (o->access & GUEST_WALK_USER) {
		code |= 4;
	}
	if (reserved) {
		code |= 8;
	}
	if ((o->access & GUEST_WALK_FETCH) &&
	    ((on & GUEST_WALK_NX) || (on & GUEST_WALK_SMEP))) {
		code |= 16;
	}
	o->result.error_code = code;
	return GUEST_WALK_FAULT;
}

/** SDM 3A tables 4-4 to 4-20: is a bit set that must not be? */
static bool reserved_set(const struct oracle *o, u64 e, struct level level,
			 bool large)
{
	const struct guest_paging *paging = &o->f->paging;

	if (paging->mode == GUEST_WALK_2_LEVEL) {
		/* M = min(40, MAXPHYADDR) is 36: bits 21:17 of a 4 MiB PDE. */
		return large && (e & BITS(21, PHYS_BITS - 19));
	}
	if (e & BITS(51, PHYS_BITS)) {
		return true;
	}
	if (paging->mode == GUEST_WALK_PAE && (e & BITS(62, 52))) {
		return true;
	}
	if (!(paging->flags & GUEST_WALK_NX) && (e & NX)) {
		return true;
	}
	if (level.shift == 39 && (e & PS)) {
		return true;
	}
	if (level.shift == 30 && (e & PS) &&
	    (!(paging->flags & GUEST_WALK_1G) || (e & BITS(29, 13)))) {
		return true;
	}
	return level.shift == 21 && (e & PS) && (e & BITS(20, 13));
}

static void set_result(struct oracle *o, u64 e, struct level level)
{
	u64 low = o->addr & (BIT(level.shift) - 1);
	u64 base = e & BITS(51, 12) & ~(BIT(level.shift) - 1);

	if (level.shift == 22) {
		base |= bits(e, 20, 13) << 32;
	}
	o->result.gpa = gpa(base | low);
}

static enum guest_walk_status go_down(struct oracle *o, u64 table,
				      const struct level *levels)
{
	for (;; levels++) {
		int index_bits = levels->wide ? 9 : 10;
		u64 index = (o->addr >> levels->shift) & (BIT(index_bits) - 1);
		u64 at = table + index * (levels->wide ? 8 : 4);
		bool large;
		u64 e;

		if (at >= GUEST_SIZE) {
			o->result.gpa = gpa(at);
			return GUEST_WALK_NO_RAM;
		}
		e = load(o, at, levels->wide);
		o->at[o->depth++] = at;
		if (!(e & P)) {
			return page_fault(o, false, false);
		}
		large = levels->shift > 12 && (e & PS) &&
			(levels->wide ||
			 (o->f->paging.flags & GUEST_WALK_PSE));
		if (reserved_set(o, e, *levels, large)) {
			return page_fault(o, true, true);
		}
		o->user = o->user && (e & US);
		o->write = o->write && (e & RW);
		o->execute = o->execute && !(e & NX);
		if (large || levels->shift == 12) {
			set_result(o, e, *levels);
			return GUEST_WALK_OK;
		}
		table = e & BITS(51, 12);
	}
}

/** SDM 3A 4.6.1, paragraph by paragraph. */
static bool permitted(const struct oracle *o)
{
	u32 on = o->f->paging.flags;
	bool fetch = o->access & GUEST_WALK_FETCH;
	bool store = o->access & GUEST_WALK_WRITE;

	if (o->access & GUEST_WALK_USER) {
		return o->user && (!store || o->write) &&
		       (!fetch || o->execute);
	}
	if (fetch) {
		return o->execute && !(o->user && (on & GUEST_WALK_SMEP));
	}
	if (o->user && (on & GUEST_WALK_SMAP) && !(o->access & GUEST_WALK_AC)) {
		return false;
	}
	return !store || o->write || !(on & GUEST_WALK_WP);
}

static void mark_used(struct oracle *o)
{
	for (int i = 0; i < o->depth; i++) {
		u8 *entry = o->f->expected + o->at[i];

		if (o->at[i] >= ROM_PAGE * PAGE_SIZE) {
			continue;
		}
		*entry |= A;
		if (i == o->depth - 1 && (o->access & GUEST_WALK_WRITE)) {
			*entry |= D;
		}
	}
}

static enum guest_walk_status consult(struct oracle *o)
{
	static const struct level two[] = { { 22, false }, { 12, false } };
	static const struct level four[] = {
		{ 39, true }, { 30, true }, { 21, true }, { 12, true }
	};
	const struct guest_paging *paging = &o->f->paging;
	enum guest_walk_status status;
	u64 pdpte;

	o->user = o->write = o->execute = true;
	memcpy(o->f->expected, o->f->memory, GUEST_SIZE);
	if (paging->mode == GUEST_WALK_FLAT) {
		o->result.gpa = gpa(o->addr);
		return GUEST_WALK_OK;
	}
	if (paging->mode == GUEST_WALK_2_LEVEL) {
		status = go_down(o, paging->root.v, two);
	} else if (paging->mode == GUEST_WALK_PAE) {
		pdpte = paging->pdptes[o->addr >> 30 & 3];
		status = pdpte & P ?
				 go_down(o, pdpte & BITS(51, 12), four + 2) :
				 page_fault(o, false, false);
	} else {
		status = go_down(o, paging->root.v, four);
	}
	if (status == GUEST_WALK_OK && !permitted(o)) {
		return page_fault(o, true, false);
	}
	if (status == GUEST_WALK_OK) {
		mark_used(o);
	}
	return status;
}

/* ---- Random guests ------------------------------------------------------- */

/** Each bit with a chance of one in eight. */
static u64 rare_bits(struct fixture *f)
{
	return arena_random(&f->seed) & arena_random(&f->seed) &
	       arena_random(&f->seed);
}

static u64 random_entry(struct fixture *f)
{
	u64 e = (arena_random(&f->seed) % GUEST_PAGES) << PAGE_SHIFT;

	e |= P | RW | US | (arena_random(&f->seed) & (A | D));
	e ^= rare_bits(f) & (P | RW | US | PS | NX);
	if (arena_random(&f->seed) % 32 == 0) {
		e |= BIT(arena_random(&f->seed) % 64);
	}
	return e;
}

static void random_guest(struct fixture *f)
{
	for (u64 i = 0; i < GUEST_SIZE / 8; i++) {
		u64 e = random_entry(f);

		if (f->paging.mode == GUEST_WALK_2_LEVEL) {
			e = (u32)e | random_entry(f) << 32;
		}
		*entry_at(f, 0, i) = e;
	}
	for (int i = 0; i < 4; i++) {
		u64 table = random_entry(f) & PAGE_MASK & (GUEST_SIZE - 1);

		f->paging.pdptes[i] = table | (i != 3);
	}
	f->paging.root =
		gpa(arena_random(&f->seed) % GUEST_PAGES << PAGE_SHIFT);
}

static void random_walks_match_the_oracle(void **state)
{
	static struct fixture f;
	int ok = 0, faults = 0;

	(void)state;
	setup(&f);
	for (int i = 0; i < ROUNDS; i++) {
		struct oracle o = { .f = &f };
		struct guest_walk walk;
		enum guest_walk_status status;

		if (i % 5000 == 0) {
			f.paging.mode = arena_random(&f.seed) % 4;
			random_guest(&f);
		}
		f.paging.flags = arena_random(&f.seed) % 64;
		o.addr = arena_random(&f.seed) >> 17;
		if (f.paging.mode != GUEST_WALK_4_LEVEL) {
			o.addr = (u32)o.addr;
		}
		o.access = arena_random(&f.seed) &
			   (GUEST_WALK_USER | GUEST_WALK_AC);
		o.access |= i % 3 == 0 ? GUEST_WALK_WRITE :
			    i % 3 == 1 ? GUEST_WALK_FETCH :
					 0;
		status = consult(&o);
		assert_int_equal(translate(&f, o.addr, o.access, &walk),
				 status);
		ok += status == GUEST_WALK_OK;
		faults += status == GUEST_WALK_FAULT;
		if (status == GUEST_WALK_FAULT) {
			assert_int_equal(walk.error_code,
					 o.result.error_code);
		} else {
			assert_true(walk.gpa.v == o.result.gpa.v);
		}
		/* The memory is large: not after each round. */
		if (i % 16 == 0) {
			assert_memory_equal(f.memory, f.expected, GUEST_SIZE);
		}
	}
	assert_true(ok > ROUNDS / 8);
	assert_true(faults > ROUNDS / 8);
}

/* ---- By hand ------------------------------------------------------------- */

/** Four levels over pages 1 to 4, mapping address 0 to page 5. */
static void map_four_levels(struct fixture *f)
{
	f->paging.mode = GUEST_WALK_4_LEVEL;
	f->paging.flags = GUEST_WALK_NX | GUEST_WALK_WP;
	f->paging.root = gpa(1 * PAGE_SIZE);
	for (u64 page = 1; page <= 4; page++) {
		*entry_at(f, page, 0) = ((page + 1) << PAGE_SHIFT) | P | RW |
					US;
	}
}

static void accessed_and_dirty_are_set_once_allowed(void **state)
{
	static struct fixture f;
	struct guest_walk walk;

	(void)state;
	setup(&f);
	map_four_levels(&f);
	*entry_at(&f, 3, 0) &= ~RW;
	assert_int_equal(translate(&f, 0x123, GUEST_WALK_WRITE, &walk),
			 GUEST_WALK_FAULT);
	assert_int_equal(walk.error_code, 3);
	assert_true((*entry_at(&f, 1, 0) & A) == 0);
	assert_true(f.dirty[0] == 0);
	assert_int_equal(translate(&f, 0x123, 0, &walk), GUEST_WALK_OK);
	assert_true(walk.gpa.v == 5 * PAGE_SIZE + 0x123);
	for (u64 page = 1; page <= 4; page++) {
		assert_true((*entry_at(&f, page, 0) & (A | D)) == A);
	}
	assert_true(f.dirty[0] == BITS(4, 1));
	f.dirty[0] = 0;
	*entry_at(&f, 3, 0) |= RW;
	assert_int_equal(translate(&f, 0x123, GUEST_WALK_WRITE, &walk),
			 GUEST_WALK_OK);
	assert_true((*entry_at(&f, 3, 0) & (A | D)) == A);
	assert_true((*entry_at(&f, 4, 0) & (A | D)) == (A | D));
	assert_true(f.dirty[0] == BIT(4));
}

static void a_table_outside_of_memory_is_no_page_fault(void **state)
{
	static struct fixture f;
	struct guest_walk walk;

	(void)state;
	setup(&f);
	map_four_levels(&f);
	*entry_at(&f, 2, 0) = 0xd0000000 | P | RW | US;
	assert_int_equal(translate(&f, 0x1ff000, 0, &walk), GUEST_WALK_NO_RAM);
	assert_true(walk.gpa.v == 0xd0000000);
	f.paging.root = gpa(0xe0000000);
	assert_int_equal(translate(&f, 0, 0, &walk), GUEST_WALK_NO_RAM);
	assert_true(walk.gpa.v == 0xe0000000);
}

static void tables_in_rom_are_used_as_they_are(void **state)
{
	static struct fixture f;
	struct guest_walk walk;

	(void)state;
	setup(&f);
	map_four_levels(&f);
	*entry_at(&f, 3, 0) = (ROM_PAGE << PAGE_SHIFT) | P | RW | US;
	*entry_at(&f, ROM_PAGE, 0) = 0x7000 | P | RW | US;
	assert_int_equal(translate(&f, 0, GUEST_WALK_WRITE, &walk),
			 GUEST_WALK_OK);
	assert_true(walk.gpa.v == 0x7000);
	assert_true(*entry_at(&f, ROM_PAGE, 0) == (0x7000 | P | RW | US));
}

static void pse36_gives_eight_more_bits(void **state)
{
	static struct fixture f;
	struct guest_walk walk;

	(void)state;
	setup(&f);
	f.paging.mode = GUEST_WALK_2_LEVEL;
	f.paging.flags = GUEST_WALK_PSE;
	f.paging.root = gpa(PAGE_SIZE);
	*entry_at(&f, 1, 0) = 0x00c00000 | 0x1e000 | PS | P | RW | US;
	assert_int_equal(translate(&f, 0x123456, 0, &walk), GUEST_WALK_OK);
	assert_true(walk.gpa.v == (0xf00c00000ull | 0x123456));
	f.paging.phys_bits = 35;
	assert_int_equal(translate(&f, 0x123456, 0, &walk), GUEST_WALK_FAULT);
	assert_int_equal(walk.error_code, 9);
}

static void a_trail_ends_when_an_entry_changes(void **state)
{
	static struct fixture f;
	struct guest_walk walk = { .addr = gva(0x123456) };
	struct guest_walk_trail trail;

	(void)state;
	setup(&f);
	f.paging.root = gpa(PAGE_SIZE);
	f.paging.mode = GUEST_WALK_4_LEVEL;
	*entry_at(&f, 1, 0) = 0x2000 | P | RW | US | A;
	*entry_at(&f, 2, 0) = 0x3000 | P | RW | US | A;
	*entry_at(&f, 3, 0) = 0x200000 | PS | P | RW | US | A;
	assert_true(!guest_walk_note(&f.paging, f.slots.active, &walk, &trail));
	for (u64 page = 1; page <= 3; page++) {
		*entry_at(&f, page, 0) ^= NX;
		assert_false(guest_walk_same(&trail));
		*entry_at(&f, page, 0) ^= NX;
		assert_true(guest_walk_same(&trail));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accessed_and_dirty_are_set_once_allowed),
		cmocka_unit_test(a_table_outside_of_memory_is_no_page_fault),
		cmocka_unit_test(tables_in_rom_are_used_as_they_are),
		cmocka_unit_test(pse36_gives_eight_more_bits),
		cmocka_unit_test(a_trail_ends_when_an_entry_changes),
		cmocka_unit_test(random_walks_match_the_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
