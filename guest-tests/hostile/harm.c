/** @file
 * Is it noticed when the VM beside this one is harmed?
 *
 * Here the VMM does it on purpose, each kind of harm once.  The verdict has to
 * be `neighbour` (expected.txt): were it "passed", the other tests would prove
 * nothing.  (Of the secret two tests in places.c prove the same.)
 */
#include "guest-tests/hostile/hostile.h"

static void harm(enum hypercall_harm how)
{
	hostile_begin();
	CHECK_DONE(vmcall2(HYPERCALL_SECRET, SECRET_HARM, how));
	hostile_look(0);
	hostile_end();
}

TEST(a_neighbour_whose_memory_changes_is_noticed)
{
	harm(HARM_MEMORY);
}

TEST(a_neighbour_whose_program_changes_is_noticed)
{
	harm(HARM_PROGRAM);
}

TEST(a_neighbour_whose_register_changes_is_noticed)
{
	harm(HARM_REGISTERS);
}

TEST(a_neighbour_that_ends_is_noticed)
{
	harm(HARM_END);
}

/** It takes the watchdog's patience. */
TEST(a_neighbour_that_hangs_is_noticed)
{
	harm(hostile_is_short() ? HARM_END : HARM_HANG);
}
