/** @file
 * The loop while another vCPU changes what it runs on.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"
#include "guest-tests/real/code16.h"

#define DEVICE 0xd2000000u
#define ROUNDS 200

static struct hypercall_real r;

static u64 run(void *argument)
{
	(void)argument;
	real_run(&r);
	return r.gpr[5];
}

/** A device that the loop finds in the instruction behind the one that has
 * seen the flag, and a table that goes although the loop never ends. */
static void play_rounds(u16 flags)
{
	struct hypercall_bus b = {
		.action = BUS_ROUNDS,
		.number = 1,
		.bus = BUS_OF_MEMORY,
		.base = DEVICE,
		.length = 4,
		.widths = 4,
		.behaviour = BUS_ANSWERS,
		.rounds = ROUNDS,
		.meeting = REAL_DATA,
	};
	struct hypercall_bus_meeting *meeting = (void *)(u64)REAL_DATA;
	u64 pages;

	memset(meeting, 0, sizeof(*meeting));
	*(u64 *)(meeting + 1) = HYPERCALL_GENERATION;
	CODE16_PREPARE(&r, code16_rounds);
	r.flags = flags | REAL_BIG;
	r.gpr[1] = ROUNDS;
	r.gpr[6] = DEVICE - REAL_DATA;
	second_start(run, NULL);
	CHECK_DONE(vmcall1(HYPERCALL_BUS, vmcall_address(&b)));
	pages = b.pages;
	second_wait();
	CHECK_COUNT(b.accesses, ROUNDS,
		    "a registration that an instruction has seen binds the "
		    "next one (spec 9-6)");
	b.action = BUS_LOOK;
	CHECK_DONE(vmcall1(HYPERCALL_BUS, vmcall_address(&b)));
	CHECK_TRUE(pages <= b.pages + 2,
		   "old tables go although the vCPU never enters (spec 9-16)");
}

TEST(a_registration_is_seen_by_the_next_instruction)
{
	play_rounds(0);
	play_rounds(REAL_EMULATED);
}

/** The core's device is polled without an exit, until memory hides it. */
TEST(a_new_slot_is_seen_by_the_next_instruction)
{
	CODE16_PREPARE(&r, code16_read_again);
	r.flags = REAL_BIG | REAL_EMULATED;
	r.gpr[3] = 0x49494949;
	r.gpr[6] = DEVICE_CORE_SCRATCH_GPA - REAL_DATA;
	slots_poke(1, 0, 0x49494949);
	second_start(run, NULL);
	slots_add(1, gpa(DEVICE_CORE_SCRATCH_GPA), 1, 0);
	second_wait();
	CHECK_COUNT(r.emulations, 3 * r.gpr[2] + 3,
		    "the loop has polled until the slot was there (spec 9-10)");
	slots_delete(1);
}

static u64 spin(void *argument)
{
	(void)argument;
	real_run(&r);
	return 0;
}

/** Each wait for readers ends, and so does each kick. */
TEST(a_vcpu_in_the_loop_can_be_kicked)
{
	CODE16_PREPARE(&r, code16_read_again);
	r.flags = REAL_EMULATED;
	r.gpr[3] = 1;
	*(u32 *)(u64)(REAL_DATA) = 0;
	second_start(spin, NULL);
	for (u64 i = 0; i < 50; i++) {
		CHECK_TRUE(vmcall1(HYPERCALL_VCPU_KICK, 1) > (s64)i,
			   "the loop is left for a signal (spec 9-3)");
		vmcall1(HYPERCALL_SLOT_BUMP, 1);
	}
	__atomic_store_n((u32 *)(u64)(REAL_DATA), 1, __ATOMIC_SEQ_CST);
	second_wait();
	CHECK_EQ(r.gpr[3], 1, "and goes on behind it");
}
