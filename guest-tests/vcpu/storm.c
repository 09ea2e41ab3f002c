/** @file
 * A real second CPU changes the slots while the guest uses them.
 *
 * Wherever the two meet, each access is either the device's or memory's, and
 * nothing hangs (spec 1.5, statement 11).  How often it is which depends on the
 * machine, so that is not checked; that neither is ever a mixture is.  On a
 * machine with one CPU there is nobody to make the storm, and the test checks
 * that it is told so.
 */
#include "guest-tests/lib/test.h"

#define PAGE DEVICE_CORE_PATTERN_GPA
#define ROUNDS 2000
#define MEMORY 0x13579bdf02468aceull

static u64 pattern8(u64 address)
{
	u64 value = 0;

	for (int i = 7; i >= 0; i--) {
		value = value << 8 | hypercall_pattern(address + (u64)i);
	}
	return value;
}

static void check_value(u64 value)
{
	if (value != MEMORY) {
		CHECK_EQ(value, pattern8(PAGE),
			 "while a slot comes and goes a load is the device's "
			 "or memory's (spec 1.5-11)");
	}
}

TEST(slots_may_change_under_a_running_guest)
{
	const struct hypercall_slot slot = {
		.slot = 1, .gpa = PAGE, .pages = 1
	};
	s64 left = vmcall2(HYPERCALL_STORM, vmcall_address(&slot), ROUNDS);

	slots_poke(1, 0, MEMORY);
	if (left) {
		CHECK_COUNT(left, -ENODEV, "one CPU alone makes no storm");
		return;
	}
	do {
		for (unsigned int i = 0; i < 20; i++) {
			check_value(mmio_read8(PAGE));
		}
		check_value(cache_emulated_read4(PAGE) == (u32)MEMORY ?
				    MEMORY : pattern8(PAGE));
		left = vmcall0(HYPERCALL_STORM_LEFT);
	} while (left > 0);
	CHECK_COUNT(left, 0, "each change of the slots is carried out");
	CHECK_EQ(mmio_read8(PAGE), pattern8(PAGE),
		 "when the storm is over and the slot has gone, a load is the "
		 "device's (spec 1.5-3)");
	CHECK_EQ(mmio_read8(PAGE), pattern8(PAGE), "and so is the next one");
}
