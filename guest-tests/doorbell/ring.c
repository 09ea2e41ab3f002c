/** @file
 * What rings a doorbell and what does not.
 */
#include "guest-tests/lib/test.h"

#define BELL_GPA DEVICE_FREE_GPA
#define ROUNDS 100

TEST(each_store_rings_once)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	mmio_write4(BELL_GPA, 1);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "the first store to a doorbell of any length rings it once "
		    "(spec 6.7-23)");
	for (u64 i = 1; i < ROUNDS; i++) {
		mmio_write4(BELL_GPA, (u32)i);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - 1,
		    "and so does each store after it");
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_EXITS), 0,
		    "who rings a doorbell never leaves to the VMM");
	CHECK_COUNT(vmcall_counter(COUNTER_QUICK_RINGS), ROUNDS - 2,
		    "from the third store on a doorbell of any length is rung "
		    "without emulation");
}

TEST(removed_doorbell_does_not_ring)
{
	u64 other = doorbell_make(BELL_GPA + 8, 0);
	u64 bell = doorbell_make(BELL_GPA, 0);

	for (u64 i = 0; i < 3 * ROUNDS; i++) {
		if (i == ROUNDS) {
			CHECK_COUNT(doorbell_take(bell), ROUNDS,
				    "each store rings");
			doorbell_remove(bell);
		} else if (i == 2 * ROUNDS) {
			bell = doorbell_make(BELL_GPA, 0);
		}
		mmio_write4(BELL_GPA, (u32)i);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_WRITES), ROUNDS,
		    "a store goes to the VMM where a doorbell was taken down, "
		    "until there is one again");
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "a doorbell that was hung up again rings");
	CHECK_COUNT(doorbell_take(other), 0, "its neighbour was never rung");
}
