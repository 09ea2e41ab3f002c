/** @file
 * Slots change under the feet of another vCPU.
 *
 * What a processor has cached of a mapping, its own CPU can forget at once;
 * here it is cached on the other one.  When a change has returned, none of that
 * may be in use (spec 1.3).  The second vCPU makes its accesses in a loop
 * without an end and counts its turns, so that "from now on" can be waited for.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"

#define ROUNDS 50
#define OTHER_GPA (SLOTS_GPA + (64ull << 20))
#define PAGES 64ull
#define OLD 0x0101010101010101ull

static struct meeting meeting;
static u64 wrong;

/** Stores its turn, by one instruction which may also be emulated. */
static u64 store_always(void *argument)
{
	u64 address = (u64)argument;
	u64 turn = 0;

	second_be_open();
	do {
		mmio_write8(address, ++turn);
	} while (second_goes_on(&meeting));
	return turn;
}

static void stop_second(void)
{
	meeting.stop = 1;
	second_wait();
}

TEST(no_store_lands_in_a_slot_that_was_deleted)
{
	second_start(store_always, (void *)SLOTS_GPA);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 last;

		second_wake();
		slots_add(1, gpa(SLOTS_GPA), 1, 0);
		second_turn(&meeting);
		CHECK_TRUE(slots_peek(1, 0) != OLD,
			   "while a slot is there stores go to its memory");
		slots_delete(1);
		last = slots_peek(1, 0);
		second_turn(&meeting);
		CHECK_EQ(slots_peek(1, 0), last,
			 "once a slot has been deleted no vCPU's store lands "
			 "in its memory (spec 1.3)");
		slots_poke(1, 0, OLD);
	}
	stop_second();
}

TEST(no_store_lands_where_a_slot_was_moved_from)
{
	struct hypercall_slot move = { .kind = SLOT_MOVE, .slot = 1 };

	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	second_start(store_always, (void *)SLOTS_GPA);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 last;

		second_wake();
		second_turn(&meeting);
		move.gpa = OTHER_GPA;
		slots_change(&move);
		last = slots_peek(1, 0);
		second_turn(&meeting);
		CHECK_EQ(slots_peek(1, 0), last,
			 "once a slot has been moved no store to its old place "
			 "lands in its memory (spec 1.3)");
		move.gpa = SLOTS_GPA;
		slots_change(&move);
	}
	stop_second();
}

/** Loads; what is neither memory's nor the device's is wrong. */
static u64 load_always(void *argument)
{
	u64 device = hypercall_pattern(DEVICE_CORE_PATTERN_GPA);

	(void)argument;
	second_be_open();
	do {
		u8 value = mmio_read1(DEVICE_CORE_PATTERN_GPA);

		if (value != device && value != (u8)OLD) {
			wrong = 0x100 | value;
		}
	} while (second_goes_on(&meeting));
	return 0;
}

TEST(a_load_is_the_devices_or_memorys)
{
	slots_poke(1, 0, OLD);
	second_start(load_always, NULL);
	for (unsigned int i = 0; i < 10 * ROUNDS; i++) {
		if (i % 16 == 0) {
			second_wake();
		}
		slots_add(1, gpa(DEVICE_CORE_PATTERN_GPA), 1, 0);
		slots_delete(1);
	}
	second_turn(&meeting);
	stop_second();
	CHECK_EQ(wrong, 0, "while a slot comes and goes each load of the other "
			   "vCPU is the device's or memory's (spec 1.5-11)");
}

TEST(each_change_is_seen_by_the_next_load)
{
	u8 device = hypercall_pattern(DEVICE_CORE_PATTERN_GPA);

	slots_poke(1, 0, OLD);
	second_start(load_always, NULL);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		second_wake();
		slots_add(1, gpa(DEVICE_CORE_PATTERN_GPA), 1, 0);
		CHECK_EQ(mmio_read1(DEVICE_CORE_PATTERN_GPA), (u8)OLD,
			 "after a slot was added a load is memory's, while "
			 "another vCPU loads, too (spec 1.5-2)");
		slots_delete(1);
		CHECK_EQ(mmio_read1(DEVICE_CORE_PATTERN_GPA), device,
			 "after a slot was deleted a load is the device's, "
			 "while another vCPU loads, too (spec 1.5-3)");
	}
	stop_second();
	CHECK_EQ(wrong, 0, "no load is a mixture (spec 1.5-11)");
}

static bool is_dirty(void)
{
	u64 bitmap = 0;

	vmcall3(HYPERCALL_DIRTY_LOG, 1, vmcall_address(&bitmap),
		sizeof(bitmap));
	return bitmap & 1;
}

TEST(a_store_after_the_dirty_log_was_read_is_logged)
{
	slots_add(1, gpa(SLOTS_GPA), 1, SLOT_LOG_DIRTY);
	second_start(store_always, (void *)SLOTS_GPA);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		second_wake();
		second_turn(&meeting);
		CHECK_TRUE(is_dirty(), "a store is logged");
		second_turn(&meeting);
		CHECK_TRUE(is_dirty(),
			   "each vCPU's store after the log was read is logged "
			   "anew: no processor keeps the right to store");
	}
	stop_second();
}

TEST_WITH(an_unmapped_page_is_gone_on_all_processors,
	  TEST_NEEDS_CPUS | TEST_NEEDS_EPT)
{
	slots_add(1, gpa(SLOTS_GPA), 1, 0);
	second_start(store_always, (void *)SLOTS_GPA);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		second_wake();
		second_turn(&meeting);
		CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, SLOTS_GPA, 1));
		second_turn(&meeting);
		CHECK_TRUE(slots_entry(gpa(SLOTS_GPA)).entry,
			   "a page that was unmapped faults on the other CPU, "
			   "and is mapped again");
	}
	stop_second();
}

/** Touch pages one after the other, both vCPUs at the same time. */
static u64 touch_all(void *argument)
{
	u64 before = vmcall_counter(COUNTER_VIOLATIONS);
	u64 spurious = vmcall_counter(COUNTER_SPURIOUS);

	(void)argument;
	second_be_open();
	for (u64 i = 0; i < PAGES; i++) {
		second_meet(&meeting, i + 1);
		mmio_write8(SLOTS_GPA + i * PAGE_SIZE, i);
	}
	return vmcall_counter(COUNTER_VIOLATIONS) - before -
	       (vmcall_counter(COUNTER_SPURIOUS) - spurious);
}

TEST_WITH(two_faults_at_once_make_one_mapping,
	  TEST_NEEDS_CPUS | TEST_NEEDS_EPT)
{
	u64 maps;

	/* Logging: pages of 4 KiB. */
	slots_add(1, gpa(SLOTS_GPA), PAGES, SLOT_LOG_DIRTY);
	second_start(touch_all, NULL);
	maps = touch_all(NULL);
	maps += second_wait();
	CHECK_COUNT(maps, PAGES,
		    "when two vCPUs fault at the same page at once, one of "
		    "them maps it and the other finds it mapped (spec 1.4)");
}
