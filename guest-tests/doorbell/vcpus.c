/** @file
 * Two vCPUs and a doorbell: no ring is lost, and nobody waits for ever.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/doorbell/doorbell.h"

#define RINGS 10000
#define FEW 1000
#define ROUNDS 50
#define ZONE_GPA (BELL_GPA + (16ull << 20))

static struct meeting meeting;
static u64 rings = RINGS;

static u64 ring_often(void *argument)
{
	second_meet(&meeting, 1);
	for (u64 i = 0; i < rings; i++) {
		doorbell_store4((u64)argument, (u32)i);
		if (i % 512 == 0) {
			vmcall0(HYPERCALL_GENERATION); /* for the watchdog */
		}
	}
	return vmcall_counter(COUNTER_MMIO_EXITS);
}

static void ring_together(u64 mine, u64 others)
{
	second_start(ring_often, (void *)others);
	CHECK_COUNT(ring_often((void *)mine), 0, "no store leaves ...");
	CHECK_COUNT(second_wait(), 0, "... on either vCPU");
}

TEST(no_ring_of_two_vcpus_is_lost)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	ring_together(BELL_GPA, BELL_GPA);
	CHECK_COUNT(doorbell_take(bell), 2 * RINGS,
		    "each store of two vCPUs to one doorbell rings once");
}

TEST(each_vcpu_rings_its_own)
{
	u64 mine = doorbell_make(BELL_GPA, 0);
	u64 others = doorbell_make(BELL_GPA + 4, 4);

	rings = FEW;
	ring_together(BELL_GPA, BELL_GPA + 4);
	CHECK_COUNT(doorbell_take(mine), FEW, "one doorbell for each ...");
	CHECK_COUNT(doorbell_take(others), FEW, "... is rung by that one");
}

/** Without an end, and without an exit to the VMM while there is a doorbell. */
static u64 ring_always(void *argument)
{
	u64 stores = 0;

	second_be_open();
	do {
		doorbell_store4((u64)argument, 0);
		stores++;
	} while (second_goes_on(&meeting));
	return stores;
}

static u64 stop_second(void)
{
	meeting.stop = 1;
	return second_wait();
}

TEST(kick_brings_back_a_vcpu_that_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores;

	second_start(ring_always, (void *)BELL_GPA);
	second_turn(&meeting);
	for (u64 i = 1; i <= ROUNDS; i++) {
		CHECK_COUNT(vmcall1(HYPERCALL_VCPU_KICK, 1), i,
			    "a signal makes vcpu_run() return -EINTR once, "
			    "though the guest does nothing but ring");
		second_turn(&meeting);
	}
	stores = stop_second();
	CHECK_COUNT(doorbell_take(bell), stores,
		    "and no ring is lost or doubled by it");
}

TEST(nobody_rings_what_was_taken_down)
{
	u64 rung = 0, exits;

	device_clear_exits();
	second_start(ring_always, (void *)BELL_GPA);
	for (u64 i = 0; i < ROUNDS; i++) {
		u64 bell = doorbell_make(BELL_GPA, 0);

		second_wake();
		second_turn(&meeting);
		CHECK_TRUE(doorbell_count(bell) > 0,
			   "from its return a doorbell is rung");
		rung += doorbell_take(bell);
		doorbell_remove(bell);
		bell = doorbell_make(BELL_GPA + 4, 0);
		second_turn(&meeting);
		CHECK_COUNT(doorbell_count(bell), 0,
			    "once it was taken down nobody rings in its place");
		doorbell_remove(bell);
	}
	stop_second();
	exits = device_clear_exits();
	CHECK_TRUE(rung > 0 && exits > 0, "some rang, and some left");
}

TEST(slots_change_while_a_vcpu_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores;

	second_start(ring_always, (void *)BELL_GPA);
	for (u64 i = 0; i < ROUNDS; i++) {
		second_wake();
		second_turn(&meeting);
		slots_add(1, gpa(SLOTS_GPA), 1, 0);
		second_turn(&meeting);
		slots_delete(1);
	}
	stores = stop_second();
	CHECK_COUNT(doorbell_take(bell), stores,
		    "each store rings once, whatever happens to slots");
	CHECK_COUNT(device_clear_exits(), 0, "and none leaves");
}

TEST(slot_over_the_doorbell_of_another_vcpu)
{
	u64 bell = doorbell_make(SLOTS_GPA, 0);

	second_start(ring_always, (void *)SLOTS_GPA);
	for (u64 i = 0; i < ROUNDS; i++) {
		u64 before;

		second_wake();
		slots_add(1, gpa(SLOTS_GPA), 1, 0);
		before = doorbell_count(bell);
		second_turn(&meeting);
		CHECK_COUNT(doorbell_count(bell), before,
			    "once a slot has been added over a doorbell no "
			    "vCPU rings it");
		slots_delete(1);
		second_turn(&meeting);
		CHECK_TRUE(doorbell_count(bell) > before,
			   "once it was deleted it rings again");
	}
	stop_second();
}

static u64 ring_one_later(void *argument)
{
	second_meet(&meeting, 1);
	for (u64 i = 0; i < 1000; i++) {
		asm volatile("pause");
	}
	doorbell_store4((u64)argument, 1);
	return 0;
}

TEST(vmm_can_wait_for_a_ring)
{
	u64 bell = doorbell_make(BELL_GPA, 4);

	second_start(ring_one_later, (void *)BELL_GPA);
	second_meet(&meeting, 1);
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_WAIT, bell), 1,
		    "who waits for a doorbell sees the ring of a vCPU on "
		    "another CPU");
	CHECK_COUNT(second_wait(), 0, "... and that one goes on");
	CHECK_COUNT(doorbell_take(bell), 0, "... the ring has been taken");
}

static void coalesce(u32 action)
{
	struct hypercall_coalesced zone = { .action = action, .gpa = ZONE_GPA,
					    .length = 64 };

	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&zone)));
}

static u32 coalesced_last(void)
{
	struct hypercall_coalesced zone = { .action = COALESCED_PEEK };

	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&zone)));
	return zone.last;
}

/** spec 4.5-23; each exit to the VMM empties the ring, so that it has room. */
TEST(zone_goes_while_another_vcpu_stores_to_it)
{
	second_start(ring_always, (void *)ZONE_GPA);
	for (u64 i = 0; i < ROUNDS; i++) {
		u32 last;

		second_wake();
		coalesce(COALESCED_ADD);
		second_turn(&meeting);
		coalesce(COALESCED_REMOVE);
		last = coalesced_last();
		second_turn(&meeting);
		CHECK_COUNT(coalesced_last(), last,
			    "once a zone was removed nobody writes to its ring "
			    "(spec 4.5-23)");
	}
	stop_second();
}
