/** @file
 * Entries that change while somebody looks at them.
 *
 * Between an exit and our look at the tables another CPU may have been there.
 * What counts is the entry as it is now, read once (spec 1.4); and walks over
 * the tables for other reasons pass MMIO entries by.
 */
#include "guest-tests/lab1/lab1.h"

#define PAGE DEVICE_COUNTER_GPA
/** One page table with the devices: 512 pages from here on. */
#define TABLE_GPA (DEVICE_FIFO_GPA & ~(SLOTS_LARGE * PAGE_SIZE - 1))
#define SMALL_GPA (SLOTS_GPA + PAGE_SIZE)
#define EPT_WRITE BIT(1)

static void hook(const struct hypercall_hook *hook)
{
	CHECK_DONE(vmcall1(HYPERCALL_HOOK, vmcall_address(hook)));
}

/**
 * Neighbours in the same page table: one page marked as MMIO, walks left and
 * right of it and over it.  Only a walk that unmaps this very page may touch
 * it.
 */
TEST(mmio_entries_survive_dirty_log_and_zap_walks)
{
	struct hypercall_ept before, after;
	struct tally t;

	mmio_read4(PAGE);
	before = slots_entry(gpa(PAGE));
	CHECK_TRUE(before.is_mmio, "the first touch makes an MMIO entry");
	CHECK_EQ(before.entry & BIT(11), 0,
		 "an MMIO entry lacks the present bit (spec 1.5-13)");
	CHECK_DONE(vmcall2(HYPERCALL_EPT_PROTECT, TABLE_GPA, SLOTS_LARGE));
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, PAGE - PAGE_SIZE, 1));
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, PAGE + PAGE_SIZE, 4));
	after = slots_entry(gpa(PAGE));
	CHECK_EQ(after.entry, before.entry,
		 "walks that protect pages, or unmap others, pass an MMIO "
		 "entry by (spec 1.5-13)");

	tally_start(&t);
	CHECK_COUNT(mmio_read4(PAGE), 2, "a load asks the device once");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "an MMIO entry still counts after such walks (spec "
		    "1.5-13)");

	tally_start(&t);
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, TABLE_GPA, SLOTS_LARGE));
	tally_stop(&t);
	CHECK_EQ(slots_entry(gpa(PAGE)).entry, 0,
		 "unmapping a range removes its MMIO entries (lab 1.3)");
	CHECK_COUNT(t.count[COUNTER_INVALIDATIONS], 0,
		    "MMIO entries are in no cache: removing them asks for no "
		    "invalidation (lab 1.3)");
}

/**
 * The exit said "misconfigured", and when we look there is nothing at all.
 * That is no error: somebody was faster, and the guest will tell us again.
 */
TEST(entry_zapped_between_exit_and_walk)
{
	const struct hypercall_hook zap = {
		.action = HOOK_POKE, .nth = 1,
		.poke = { .gpa = PAGE, .level = 1 }
	};
	struct tally t;

	mmio_read4(PAGE);
	hook(&zap);
	tally_start(&t);
	CHECK_COUNT(mmio_read4(PAGE), 2,
		    "an access whose entry was zapped meanwhile reaches the "
		    "device exactly once (spec 1.5-16)");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "the exit before the zap is a misconfiguration");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "an entry that is not illegal any more is retried: the "
		    "guest faults once more (spec 1.5-16)");
	CHECK_COUNT(t.count[COUNTER_RETRIES], 1,
		    "an entry that is not illegal any more ends in a retry "
		    "(spec 1.4)");
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 1,
		    "the instruction is emulated once");
}

/**
 * The exit said "not writable", and when we look it is.  Emulating the store
 * now would write memory behind the processor's back; the guest can do it
 * itself.
 */
TEST(spurious_violation_is_not_emulated)
{
	const struct hypercall_hook grant = {
		.action = HOOK_POKE, .nth = 1,
		.poke = { .gpa = SLOTS_GPA, .and = ~0ull, .or = EPT_WRITE,
			  .level = 2 }
	};
	struct tally t;

	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	mmio_write8(SLOTS_GPA, 1);
	CHECK_DONE(vmcall2(HYPERCALL_EPT_PROTECT, SLOTS_GPA, SLOTS_LARGE));
	hook(&grant);
	tally_start(&t);
	mmio_write8(SLOTS_GPA, 2);
	tally_stop(&t);
	CHECK_COUNT(t.count[COUNTER_HOOKS], 1,
		    "the store to the protected page exits");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "a spurious violation is one exit");
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 0,
		    "a spurious violation is never emulated (spec 1.5-20)");
	CHECK_COUNT(t.count[COUNTER_SPURIOUS], 1,
		    "when the entry allows the access by now, the violation is "
		    "spurious (spec 1.4)");
	CHECK_COUNT(slots_peek(1, 0), 2, "the store reaches the memory");
}

/**
 * The leaf says writable, the table entry above it does not, and the
 * processor takes the smaller.  A walk that looks at leaves only finds
 * nothing wrong, for ever.
 */
TEST_WITH(rights_of_upper_entries_count, TEST_FLAGS | TEST_NEEDS_EPT)
{
	const struct hypercall_poke take = {
		.gpa = SMALL_GPA, .and = ~EPT_WRITE, .level = 2
	};
	struct tally t;

	slots_add(2, gpa(SMALL_GPA), 4, 0);
	mmio_write8(SMALL_GPA, 1);
	CHECK_DONE(vmcall1(HYPERCALL_EPT_POKE, vmcall_address(&take)));
	tally_start(&t);
	mmio_write8(SMALL_GPA, 2);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "a right that an upper entry lacks is given back by one "
		    "EPT violation (lab 1.2)");
	CHECK_COUNT(t.count[COUNTER_SPURIOUS], 0,
		    "a right counts only if each entry on the way has it (lab "
		    "1.1)");
	CHECK_COUNT(slots_peek(2, 0), 2, "the store reaches the memory");
}
