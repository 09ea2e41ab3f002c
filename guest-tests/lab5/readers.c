/** @file
 * Who waits for a reader, and who does not.
 *
 * The reader is vCPU 1, parked by a device in the middle of an access: as long
 * as it is there, its read section is open.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lab5/lab5.h"

#define PARK LAB5_GPA
#define OTHERS (LAB5_GPA + 0x100)

static struct meeting meeting;

/** Those that are registered while somebody is inside of a section. */
static void add_others(u32 count)
{
	for (u32 i = 0; i < count; i++) {
		lab5_add(10 + i, OTHERS + 8 * i, 8);
	}
}

TEST(unregister_waits_for_an_access_under_way)
{
	struct hypercall_bus b = { .number = 1 };

	lab5_park(1, PARK, BUS_PARKS_REMOVED);
	CHECK_DONE(lab5_call(&b, BUS_REMOVE));
	CHECK_FALSE(b.inside,
		    "unregistering a device comes back only when no access to "
		    "it is under way (spec 6.7-14)");
	CHECK_COUNT(second_wait(), lab5_value(1, 4),
		    "the access that was under way ends as if nothing had "
		    "happened");
	CHECK_EQ(mmio_read4(PARK), NOBODYS_4, "the next one finds nobody");
}

TEST(registration_does_not_wait_for_readers)
{
	struct hypercall_bus b = { 0 };

	lab5_park(1, PARK, BUS_PARKS);
	add_others(100);
	CHECK_DONE(lab5_call(&b, BUS_PARKED));
	CHECK_TRUE(b.parked, "registering waits for no reader: the vCPU that "
			     "was inside of a section still is (spec 6.7-18)");
	CHECK_EQ(mmio_read4(OTHERS + 8 * 99), lab5_value(109, 4),
		 "what was registered meanwhile is found at once (spec 6.5)");
	lab5_release();
	CHECK_DONE(lab5_call(&b, BUS_PARKED));
	CHECK_COUNT(b.gave_up, 0, "nobody has had to wait");
}

TEST(tables_stay_while_a_reader_may_see_them)
{
	u64 pages;

	lab5_park(1, PARK, BUS_PARKS);
	pages = lab5_pages();
	add_others(10);
	CHECK_COUNT(lab5_pages(), pages + 10,
		    "a table that a reader may see is not freed, however often "
		    "it is replaced (spec 6.7-24)");
	lab5_release();
	lab5_add(30, OTHERS + 0x400, 8);
	CHECK_COUNT(lab5_pages(), pages,
		    "when the readers are gone the old tables go with the next "
		    "change (spec 6.3)");
}

static u64 read_always(void *argument)
{
	u64 wrong = 0;

	(void)argument;
	second_be_open();
	do {
		wrong += mmio_read4(PARK) != lab5_value(1, 4);
	} while (second_goes_on(&meeting));
	return wrong;
}

/** Nothing else, and never in the guest. */
static u64 turn_emulated(void *argument)
{
	(void)argument;
	CHECK_DONE(vmcall1(HYPERCALL_EMULATE_ALL, 1));
	while (second_goes_on(&meeting)) {
	}
	return 0;
}

/** A turn is at least four instructions: in so many a section has ended. */
#define TURNS_OF_A_SECTION (2 * 130 / 4)

TEST(old_tables_go_while_a_vcpu_is_emulated)
{
	u64 pages = lab5_pages();

	second_start(turn_emulated, NULL);
	second_turn(&meeting);
	for (u32 i = 0; i < 10; i++) {
		lab5_add(10 + i, OTHERS + 8 * i, 8);
		second_wake();
		lab5_turns(&meeting, TURNS_OF_A_SECTION);
	}
	/* The last ones wait for the change after theirs. */
	CHECK_TRUE(lab5_pages() <= pages + 4,
		    "the emulation loop ends its read section again and again: "
		    "old tables are freed although its vCPU never enters the "
		    "guest (spec 9-16)");
	meeting.stop = 1;
	CHECK_COUNT(second_wait(), 0, "the vCPU is emulated to its end");
}

/** From section to section without a pause: one of them is nearly always open,
 * but never the same one. */
TEST(a_change_of_slots_ends_among_readers)
{
	lab5_add(1, PARK, 8);
	second_start(read_always, NULL);
	for (u32 i = 0; i < 20; i++) {
		second_wake();
		second_turn(&meeting);
		lab5_add(10 + i, OTHERS + 8 * i, 8);
		slots_add(1, gpa(SLOTS_GPA), 1, 0);
		slots_delete(1);
	}
	meeting.stop = 1;
	CHECK_COUNT(second_wait(), 0,
		    "while devices and slots are added a reader finds its "
		    "device each time (spec 6.7-19)");
	CHECK_EQ(mmio_read4(OTHERS), lab5_value(10, 4),
		 "a change of slots right after a registration comes to its "
		 "end (spec 6.7-19)");
}

/** Devices beside the one that is read: to its left, so that it moves. */
TEST(a_device_is_found_while_others_come_and_go)
{
	lab5_add(1, PARK, 8);
	second_start(read_always, NULL);
	for (u32 i = 0; i < 200; i++) {
		if (i % 16 == 0) {
			second_wake();
		}
		lab5_add(10, PARK - 8, 8);
		lab5_add(11, PARK + 8, 8);
		lab5_remove(10);
		lab5_remove(11);
	}
	second_turn(&meeting);
	meeting.stop = 1;
	CHECK_COUNT(second_wait(), 0,
		    "a reader sees one consistent table, whatever changes "
		    "(spec 6.7-24)");
}
