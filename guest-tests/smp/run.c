/** @file
 * Two vCPUs run at the same time, and come back when they are asked to.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"

#define ROUNDS 20000
#define KICKS 50

static struct meeting meeting;
static u64 counter;

static void count_up(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		asm volatile("lock incq %0" : "+m"(counter) : : "memory");
	}
}

static u64 meet_and_count(void *argument)
{
	second_meet(&meeting, 1);
	count_up();
	return (u64)argument + 1;
}

TEST(two_vcpus_run_at_the_same_time)
{
	second_start(meet_and_count, (void *)0x49ull);
	/* Only one of them at a time, and they never meet. */
	second_meet(&meeting, 1);
	count_up();
	CHECK_EQ(second_wait(), 0x4a,
		 "a vCPU ends with the value that it says, and it was given "
		 "its argument");
	CHECK_COUNT(counter, 2 * ROUNDS,
		    "locked additions of two vCPUs to the same memory all "
		    "count");
}

static u64 return_argument(void *argument)
{
	return (u64)argument;
}

TEST(a_vcpu_can_be_started_again)
{
	for (u64 i = 1; i <= 5; i++) {
		second_start(return_argument, (void *)i);
		CHECK_COUNT(second_wait(), i,
			    "a vCPU that has ended can be started again");
	}
}

/** Without an exit. */
static void spin(void)
{
	while (!__atomic_load_n(&meeting.stop, __ATOMIC_SEQ_CST)) {
		__atomic_fetch_add(&meeting.turns, 1, __ATOMIC_SEQ_CST);
	}
}

static u64 spin_open(void *argument)
{
	(void)argument;
	second_be_open();
	spin();
	return 0;
}

/** The same, with interrupts off. */
static u64 spin_closed(void *argument)
{
	(void)argument;
	spin();
	return 0;
}

static void kick_often(u64 (*spinner)(void *argument))
{
	second_start(spinner, NULL);
	second_turn(&meeting);
	for (u64 i = 1; i <= KICKS; i++) {
		CHECK_COUNT(vmcall1(HYPERCALL_VCPU_KICK, 1), i,
			    "a signal makes vcpu_run() return -EINTR once, "
			    "though the guest does not exit by itself");
		second_turn(&meeting);
	}
	meeting.stop = 1;
	second_wait();
}

TEST(kick_brings_back_a_vcpu_that_spins)
{
	kick_often(spin_open);
}

TEST(kick_brings_back_a_vcpu_with_interrupts_off)
{
	kick_often(spin_closed);
}

static u64 kick_the_first(void *argument)
{
	(void)argument;
	second_be_open();
	for (u64 i = 1; i <= KICKS; i++) {
		CHECK_COUNT(vmcall1(HYPERCALL_VCPU_KICK, 0), i,
			    "the first vCPU is interrupted once by each "
			    "signal");
	}
	meeting.stop = 1;
	return 0;
}

TEST(either_vcpu_can_be_kicked)
{
	u64 turns = 0;

	second_start(kick_the_first, NULL);
	second_be_open();
	while (!__atomic_load_n(&meeting.stop, __ATOMIC_SEQ_CST)) {
		turns++;
	}
	CHECK_COUNT(second_wait(), 0, "the second vCPU ends after its kicks");
}

TEST(vcpus_that_cannot_be)
{
	struct hypercall_vcpu begin = { .number = 0, .rip = (u64)count_up };
	u64 at = vmcall_address(&begin);

	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_START, at), -EINVAL,
		    "vCPU 0 cannot be started: it runs");
	begin.number = HYPERCALL_VCPUS;
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_START, at), -EINVAL,
		    "there is no vCPU of that number");
	begin.number = HYPERCALL_VCPUS - 1;
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_START, at), -ENODEV,
		    "a vCPU needs a CPU");
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_START, ~0ull), -EFAULT,
		    "the record must lie in memory");
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_WAIT, 1), -ENOENT,
		    "nobody can wait for a vCPU that was not started");
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_KICK, 1), -ENOENT,
		    "... nor kick it");
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_WAIT, 0), -ENOENT,
		    "no vCPU waits for itself");
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_END, 0), -EINVAL,
		    "vCPU 0 ends with its test");
	second_start(spin_open, NULL);
	begin.number = 1;
	CHECK_COUNT(vmcall1(HYPERCALL_VCPU_START, at), -EEXIST,
		    "a vCPU that runs cannot be started");
	/* And the test may end while it runs. */
}
