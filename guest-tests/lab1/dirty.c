/** @file
 * Dirty logging: which pages has the guest written?
 *
 * A VMM that migrates a guest asks for this again and again.  Write protection
 * finds it out, and one page must not stand for the 511 others under the same
 * large leaf (spec 1.4).
 */
#include "guest-tests/lab1/lab1.h"

#define WORDS (SLOTS_LARGE / 64)

static u64 log_now[WORDS];

/** Read and clear the log. @return how many pages are in it */
static s64 read_log(void)
{
	return vmcall3(HYPERCALL_DIRTY_LOG, 1, vmcall_address(log_now),
		       sizeof(log_now));
}

static u64 page(u64 n)
{
	return SLOTS_GPA + n * PAGE_SIZE;
}

/** A slot of 2 MiB that logs, mapped by a large leaf before it did. */
static void add_logging(void)
{
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, SLOT_LOG_DIRTY);
	slots_set_flags(1, 0);
	mmio_write8(page(0), 1);
	slots_set_flags(1, SLOT_LOG_DIRTY);
	read_log();
}

/**
 * All pages of the slot can be read, and what was split is still mapped.
 * Shadow paging, which forgets as a TLB does, maps its pieces when they are
 * touched.
 * @param pieces how many of them have not been
 */
static void check_readable(u64 pieces)
{
	struct tally t;

	tally_start(&t);
	for (u64 i = 0; i < SLOTS_LARGE; i++) {
		mmio_read8(page(i));
	}
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS],
		    cache_is_shadow() ? pieces : 0,
		    "all pages of a large leaf stay readable while one is "
		    "logged (spec 1.5-14)");
}

/** Exactly these of the first 64 pages, `count` of them, are in the log. */
static void check_log(u64 pages, u64 count)
{
	CHECK_COUNT(read_log(), count,
		    "a store marks exactly one page dirty, and a load none "
		    "(spec 1.5-14)");
	CHECK_EQ(log_now[0], pages,
		 "the pages marked dirty are those that were stored to (spec "
		 "1.5-14)");
}

/** Store to a page. @return how many EPT violations that took */
static u64 store(u64 n)
{
	struct tally t;

	tally_start(&t);
	mmio_write8(page(n), n);
	mmio_write8(page(n) + 8, n);
	tally_stop(&t);
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 0,
		    "a store to a page that is logged is not emulated (spec "
		    "1.4)");
	return t.count[COUNTER_VIOLATIONS];
}

/** Stores to a slot whose large leaf was there before it logged. */
static void store_under_a_large_leaf(void)
{
	add_logging();
	CHECK_COUNT(read_log(), 0, "a log that was just read is empty");
	CHECK_EXITS(store(7), 1,
		    "the first store to a page that is logged is one EPT "
		    "violation, later ones none (spec 1.4)");
	check_readable(SLOTS_LARGE - 1);
	check_log(BIT(7), 1);
	CHECK_EXITS(store(7), 1,
		    "after the log was read, the next store is caught again "
		    "(spec 1.4)");
	CHECK_EXITS(store(8), 1,
		    "while a slot logs, a store opens its own page and no "
		    "other (spec 1.4)");
	CHECK_EXITS(store(63), 1,
		    "while a slot logs, a store opens its own page and no "
		    "other (spec 1.4)");
	check_readable(0);
	check_log(BIT(7) | BIT(8) | BIT(63), 3);
}

/** A load comes first, to a page that is not mapped. */
static void store_after_a_load(void)
{
	slots_delete(1);
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, SLOT_LOG_DIRTY);
	mmio_read8(page(9));
	CHECK_COUNT(slots_entry(gpa(page(9))).level, 1,
		    "while a slot logs, its pages are mapped one by one (lab "
		    "1.6)");
	CHECK_EXITS(store(9), 1,
		    "while a slot logs, a load maps its page without the right "
		    "to store: the store is caught (lab 1.6)");
	check_log(BIT(9), 1);
}

/**
 * With a large leaf that was there before the log, and with no leaf at all.
 */
TEST(dirty_log_marks_one_4k_page)
{
	store_under_a_large_leaf();
	store_after_a_load();
}
