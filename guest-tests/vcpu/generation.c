/** @file
 * Generations that come round.
 *
 * An MMIO entry has 19 bits of its generation.  When they come round to 0 all
 * of them are dropped, or one would match that was made long ago (spec 1.3).
 * With genbits=3 that is every eighth change of the slots, and can be waited
 * for; without, this is just a guest whose slots change.
 */
#include "guest-tests/lib/test.h"

#define PAGE DEVICE_COUNTER_GPA
#define BUMPS 64
#define ROUND BIT(19)

/** How often the 19 bits have come round. */
static u64 rounds(void)
{
	return (u64)vmcall0(HYPERCALL_GENERATION) / ROUND;
}

/** A change of the slots, then a load, which finds an entry or none. */
static void change_and_load(u32 n)
{
	u64 before = rounds();
	struct tally t;

	CHECK_DONE(vmcall1(HYPERCALL_SLOT_BUMP, 1));
	tally_start(&t);
	CHECK_COUNT(mmio_read4(PAGE), n, "each load asks the device once");
	tally_stop(&t);
	CHECK_COUNT(t.count[COUNTER_SLOW_PATHS], 1,
		    "after a change of the slots one load asks them (spec "
		    "1.5-4)");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], rounds() != before,
		    "MMIO entries are gone exactly when the 19 bits of the "
		    "generation come round (spec 1.5-7)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], rounds() == before,
		    "a stale MMIO entry is there until it is written anew "
		    "(spec 1.3)");
}

TEST(entries_go_when_the_generation_comes_round)
{
	u64 first = (u64)vmcall0(HYPERCALL_GENERATION), step;

	CHECK_COUNT(mmio_read4(PAGE), 1, "each load asks the device once");
	CHECK_DONE(vmcall1(HYPERCALL_SLOT_BUMP, 1));
	CHECK_COUNT(mmio_read4(PAGE), 2, "each load asks the device once");
	step = (u64)vmcall0(HYPERCALL_GENERATION) - first;
	for (u32 i = 0; i < BUMPS; i++) {
		change_and_load(3 + i);
	}
	CHECK_TRUE(rounds() >= step * BUMPS / ROUND,
		   "genbits= makes the generation come round soon");
}
