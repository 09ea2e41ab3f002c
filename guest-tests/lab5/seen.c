/** @file
 * Who has seen that a device is registered finds it with the next instruction.
 *
 * The flag by which vCPU 1 learns of the device is plain memory of the guest's,
 * and the look at it is an instruction like any other.  Nothing orders it with
 * the lookup of the next one but what the bus does itself (spec 6.5).
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lab5/lab5.h"

#define ROUNDS 10000
#define ROUNDS_STALE 1000
/** Each copies the table of a thousand devices twice. */
#define ROUNDS_FULL 100
#define DEVICES_FULL 990

/** The one that comes and goes. */
static struct lab5_rounds rounds_at(u64 base, u32 kind, u64 count)
{
	struct lab5_rounds rounds = { .device = lab5_device(1, base, 4) };

	rounds.device.bus = kind;
	rounds.device.rounds = count;
	return rounds;
}

TEST(registration_is_seen_by_the_next_store)
{
	struct lab5_rounds rounds = rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS);

	CHECK_COUNT(lab5_play(&rounds), ROUNDS,
		    "a vCPU that has seen that a device is registered finds it "
		    "with its next store (spec 6.7-11)");
}

TEST(registration_is_seen_by_the_next_out)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_PORT, BUS_OF_PORTS, ROUNDS / 10);

	CHECK_COUNT(lab5_play(&rounds), ROUNDS / 10,
		    "a vCPU that has seen that a device is registered finds it "
		    "with its next OUT (spec 6.7-11)");
}

TEST(registration_is_seen_by_the_next_emulated_store)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS / 50);

	rounds.by = BY_EMULATOR;
	CHECK_COUNT(lab5_play(&rounds), ROUNDS / 50,
		    "of two instructions emulated in one read section, the "
		    "second finds the device that the first has heard of (spec "
		    "6.7-12, 9-6)");
}

TEST(doorbell_is_seen_by_the_next_store)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS / 50);

	rounds.device.behaviour = BUS_RINGS;
	rounds.device.length = 0;
	CHECK_COUNT(lab5_play(&rounds), ROUNDS / 50,
		    "a vCPU that has seen that a doorbell is there rings it "
		    "with its next store (spec 6.5)");
}

/** The same with pointers as stale as the memory model allows. */
static void play_stale(struct lab5_rounds rounds, const char *rule)
{
	const struct check_place place = { rule, __FILE__, __LINE__,
					   FORMAT_DECIMAL };

	CHECK_DONE(vmcall0(HYPERCALL_STALE));
	check_equal(&place, lab5_play(&rounds), rounds.device.rounds);
}

TEST(barrier_binds_the_lookup_of_a_store)
{
	play_stale(rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS_STALE),
		   "a lookup is ordered behind what its vCPU has seen before "
		   "the exit: the device is found although the CPU may have "
		   "read the table's pointer early (spec 6.5)");
}

TEST(barrier_binds_the_lookup_of_an_out)
{
	play_stale(rounds_at(LAB5_PORT, BUS_OF_PORTS, ROUNDS_STALE),
		   "a lookup is ordered behind what its vCPU has seen before "
		   "the exit: the port is found although the CPU may have read "
		   "the table's pointer early (spec 6.5)");
}

TEST(barrier_binds_the_lookup_of_a_doorbell)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS_STALE / 5);

	rounds.device.behaviour = BUS_RINGS;
	rounds.device.length = 0;
	play_stale(rounds,
		   "a doorbell's lookup is ordered behind what its vCPU has "
		   "seen before the exit, too (spec 6.5)");
}

TEST(barrier_stands_between_emulated_instructions)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS_STALE);

	rounds.by = BY_EMULATOR;
	play_stale(rounds,
		   "each instruction that is emulated in a read section is "
		   "ordered behind the one before: it finds the device "
		   "although the section is older (spec 6.5, 9)");
}

/** The loop's own sections end every 130 instructions, between any two. */
TEST(registration_is_seen_in_the_emulation_loop)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS_STALE / 5);

	rounds.by = BY_LOOP;
	play_stale(rounds,
		   "a vCPU in the emulation loop finds a device that it has "
		   "seen registered with its next instruction (spec 6.7-12, "
		   "9-6)");
}

TEST(registration_among_a_thousand_leaks_nothing)
{
	struct lab5_rounds rounds =
		rounds_at(LAB5_GPA, BUS_OF_MEMORY, ROUNDS_FULL);
	u64 pages;

	for (u32 i = 0; i < DEVICES_FULL; i++) {
		lab5_add(10 + i, LAB5_GPA + 0x1000 + 4 * i, 4);
	}
	pages = lab5_pages();
	CHECK_COUNT(lab5_play(&rounds), ROUNDS_FULL,
		    "among a thousand devices the new one is found with the "
		    "next store, too (spec 6.7-13)");
	CHECK_COUNT(lab5_pages(), pages,
		    "of the tables of all rounds one is left (spec 6.7-13)");
}
