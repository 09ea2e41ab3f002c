/** @file
 * Mapping memory: large leaves where they fit, and no right too many or few.
 *
 * How a range is mapped is invisible to a guest but for the exits it costs: a
 * 2 MiB leaf is one exit where 4 KiB leaves are 512 (spec 1.4).
 */
#include "guest-tests/lab1/lab1.h"

/** Not 2 MiB-aligned: its slots get 4 KiB leaves. */
#define SMALL_GPA (SLOTS_GPA + 8 * SLOTS_LARGE * PAGE_SIZE + PAGE_SIZE)
#define SMALL_PAGES 16ull

/** A byte of the n-th page from an address on. */
static u64 page(u64 base, u64 n)
{
	return base + n * PAGE_SIZE;
}

static void touch_pages(u64 base, u64 pages)
{
	for (u64 i = 0; i < pages; i++) {
		mmio_write1(page(base, i), (u8)i);
	}
}

/** Nothing but the slot is mapped: its end is where memory ends. */
static void check_end(u64 end)
{
	CHECK_EQ(slots_entry(gpa(end)).entry, 0,
		 "mapping stops where the range to be mapped ends (lab 1.2)");
	CHECK_EQ(mmio_read4(end), 0xffffffff,
		 "behind the end of a slot there is no memory (spec 1.4)");
}

/** 2 MiB-aligned, but too short for a large leaf. */
static void map_a_short_slot(void)
{
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE / 2, 0);
	mmio_write1(SLOTS_GPA, 1);
	CHECK_COUNT(slots_entry(gpa(SLOTS_GPA)).level, 1,
		    "a slot that ends within 2 MiB gets no large leaf (lab "
		    "1.6)");
	check_end(page(SLOTS_GPA, SLOTS_LARGE / 2));
	slots_delete(1);
}

/** Long enough, but its memory is aligned in another way. */
static void map_shifted_memory(void)
{
	const u64 base = SLOTS_GPA + 4 * SLOTS_LARGE * PAGE_SIZE;
	const struct hypercall_slot add = {
		.kind = SLOT_ADD, .slot = 1, .gpa = base,
		.pages = SLOTS_LARGE, .backing = PAGE_SIZE,
	};

	slots_poke(1, PAGE_SIZE, 0x49);
	slots_change(&add);
	CHECK_EQ(mmio_read8(base), 0x49,
		 "the first page of a slot is the first of its memory (lab "
		 "1.2)");
	CHECK_COUNT(slots_entry(gpa(base)).level, 1,
		    "memory that is not aligned like its address gets no large "
		    "leaf (lab 1.6)");
	slots_delete(1);
}

/**
 * Where a large leaf fits, and the three ways in which it does not: the slot
 * is too short, its memory is aligned in another way, it begins in the
 * middle.
 */
TEST(ram_maps_with_2m_leaves)
{
	struct tally t;

	map_shifted_memory();
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	tally_start(&t);
	mmio_write1(page(SLOTS_GPA, 300), 1);
	touch_pages(SLOTS_GPA, SLOTS_LARGE);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "2 MiB of memory, aligned alike, are mapped by one EPT "
		    "violation (lab 1.6)");
	CHECK_COUNT(slots_entry(gpa(SLOTS_GPA)).level, 2,
		    "2 MiB of memory, aligned alike, are mapped by a 2 MiB "
		    "leaf (lab 1.2)");
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 0,
		    "an access to memory is never emulated (spec 1.4)");
	check_end(page(SLOTS_GPA, SLOTS_LARGE));
	slots_delete(1);
	map_a_short_slot();

	slots_add(2, gpa(SMALL_GPA), SMALL_PAGES, 0);
	tally_start(&t);
	touch_pages(SMALL_GPA, SMALL_PAGES);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], SMALL_PAGES,
		    "a slot smaller than 2 MiB is mapped page by page, each by "
		    "one EPT violation (lab 1.6)");
	CHECK_COUNT(slots_entry(gpa(SMALL_GPA)).level, 1,
		    "a slot smaller than 2 MiB is mapped by 4 KiB leaves "
		    "(lab 1.2)");
	CHECK_EQ(slots_peek(2, page(0, 3)) & 0xff, 3,
		 "each page is mapped to its own memory (lab 1.2)");
}

/** Which memory is behind which page after all this? */
static void check_contents(u64 pages)
{
	for (u64 i = 0; i < pages; i++) {
		CHECK_EQ(mmio_read8(page(SLOTS_GPA, i)), 0x4900 + i,
			 "splitting a large leaf keeps the memory of each page "
			 "(lab 1.2)");
	}
}

/**
 * A large leaf becomes a table of 512 small ones in the moment in which a
 * single page needs another right.  Each page has a number of its own in it,
 * so that two pages which were mixed up are noticed.
 */
TEST(large_leaf_split_keeps_other_pages)
{
	const u64 stored = 5;
	struct tally t;

	for (u64 i = 0; i < SLOTS_LARGE; i++) {
		slots_poke(1, page(0, i), 0x4900 + i);
	}
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, SLOT_LOG_DIRTY);
	slots_set_flags(1, 0);
	mmio_read8(SLOTS_GPA);
	CHECK_COUNT(slots_entry(gpa(SLOTS_GPA)).level, 2,
		    "2 MiB of memory are mapped by a 2 MiB leaf (lab 1.2)");
	slots_set_flags(1, SLOT_LOG_DIRTY);

	tally_start(&t);
	mmio_write8(page(SLOTS_GPA, stored), 0x4900 + stored);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "the first store to a page whose slot logs is one EPT "
		    "violation (spec 1.4)");
	CHECK_TRUE(t.count[COUNTER_INVALIDATIONS] >= 1,
		   "replacing a large leaf by a table asks for an "
		   "invalidation (lab 1.2)");
	CHECK_COUNT(slots_entry(gpa(page(SLOTS_GPA, stored))).level, 1,
		    "while a slot logs, a store splits its large leaf (spec "
		    "1.4)");
	CHECK_EQ(slots_entry(gpa(page(SLOTS_GPA, stored))).entry & 7, 7,
		 "the page that was stored to is writable (lab 1.6)");
	/* Shadow paging forgets the others, as a TLB does. */
	CHECK_EQ(slots_entry(gpa(page(SLOTS_GPA, stored + 1))).entry & 7,
		 cache_is_shadow() ? 0 : 5,
		 "the other pages of a split leaf keep their rights (lab 1.2)");

	tally_start(&t);
	check_contents(SLOTS_LARGE);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS],
		    cache_is_shadow() ? SLOTS_LARGE - 1 : 0,
		    "splitting a large leaf unmaps none of its pages (lab "
		    "1.2)");
}

/** A large leaf goes as a whole, whichever of its pages is unmapped. */
static void unmap_a_large_leaf(void)
{
	struct tally t;

	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	mmio_write1(SLOTS_GPA, 1);
	tally_start(&t);
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, page(SLOTS_GPA, 3), 1));
	CHECK_EQ(slots_entry(gpa(SLOTS_GPA)).entry, 0,
		 "a large leaf that overlaps what is unmapped goes as a whole "
		 "(lab 1.3)");
	CHECK_COUNT(mmio_read1(SLOTS_GPA), 1, "unmapping keeps memory");
	tally_stop(&t);
	CHECK_COUNT(t.count[COUNTER_INVALIDATIONS], 1,
		    "taking a large leaf away asks for one invalidation (lab "
		    "1.3)");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "a large leaf that was unmapped faults at the very next "
		    "access (lab 1.3)");
}

/**
 * Writing 0 into an entry changes memory, not the processor: until it is told
 * to forget, it goes on with what it has cached.  Only the next access shows.
 */
TEST(unmapped_page_is_gone_at_once)
{
	const u64 gone = 7;
	struct tally t;

	slots_add(2, gpa(SMALL_GPA), SMALL_PAGES, 0);
	touch_pages(SMALL_GPA, SMALL_PAGES);
	tally_start(&t);
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, page(SMALL_GPA, gone), 1));
	tally_stop(&t);
	CHECK_COUNT(t.count[COUNTER_INVALIDATIONS], 1,
		    "taking a mapping away asks for one invalidation (lab "
		    "1.3)");
	CHECK_EQ(slots_entry(gpa(page(SMALL_GPA, gone))).entry, 0,
		 "an unmapped page has no entry (lab 1.3)");

	tally_start(&t);
	for (u64 i = 0; i < SMALL_PAGES; i++) {
		CHECK_COUNT(mmio_read1(page(SMALL_GPA, i)), i,
			    "unmapping does not change memory");
	}
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "an unmapped page faults at the very next access, and no "
		    "other page does (lab 1.3)");

	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, SMALL_GPA, SMALL_PAGES));
	tally_start(&t);
	touch_pages(SMALL_GPA, SMALL_PAGES);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], SMALL_PAGES,
		    "an unmapped range faults at each of its pages (lab 1.3)");
	unmap_a_large_leaf();
}

/**
 * Write protection is a question, not an answer: "tell me of the next store".
 * When that has come the right goes back, for all of the leaf.
 */
TEST(write_protected_page_regains_write)
{
	struct tally t;

	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	mmio_write8(SLOTS_GPA, 1);
	CHECK_DONE(vmcall2(HYPERCALL_EPT_PROTECT, SLOTS_GPA, SLOTS_LARGE));
	tally_start(&t);
	CHECK_COUNT(mmio_read8(SLOTS_GPA), 1,
		    "a write-protected page can be read");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 0,
		    "a load from a write-protected page costs no exit");

	tally_start(&t);
	mmio_write8(SLOTS_GPA, 2);
	mmio_write8(page(SLOTS_GPA, 100), 3);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "a store to a write-protected page of memory is one EPT "
		    "violation which gives the right back (lab 1.6)");
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 0,
		    "a store to memory is never emulated (spec 1.4)");
	CHECK_EQ(slots_entry(gpa(SLOTS_GPA)).entry & 7, 7,
		 "memory that is not read-only gets all rights (lab 1.6)");
	CHECK_COUNT(slots_peek(1, 0), 2, "the store reaches the memory");
}
