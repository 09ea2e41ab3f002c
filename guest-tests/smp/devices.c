/** @file
 * Two vCPUs at one device, in core or VMM: each access happens once.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"

#define ROUNDS 500

static struct meeting meeting;

/** Stores to a word of its own, and loads it back. @return how often it was
 * not what was stored */
static u64 work(u64 address, u64 mark)
{
	u64 wrong = 0;

	second_meet(&meeting, 1);
	for (u64 i = 0; i < ROUNDS; i++) {
		mmio_write2(address, (u16)(mark + i));
		wrong += mmio_read2(address) != (u16)(mark + i);
	}
	return wrong;
}

static u64 work_at(void *argument)
{
	return work((u64)argument, 0x8000);
}

/** Their words are neighbours: a store that takes more than its own bytes along
 * would undo the other's. */
static void share(u64 device)
{
	u64 mine;

	second_start(work_at, (void *)(device + 2));
	mine = work(device, 0x1000);
	CHECK_COUNT(second_wait(), 0, "the second vCPU reads what it stored");
	CHECK_COUNT(mine, 0, "the first vCPU reads what it stored");
	CHECK_COUNT(vmcall_device(device, DEVICE_WRITES), 2 * ROUNDS,
		    "each store of two vCPUs reaches the device once");
	CHECK_COUNT(vmcall_device(device, DEVICE_READS), 2 * ROUNDS,
		    "each load of two vCPUs reaches the device once");
}

TEST(two_vcpus_share_a_device_in_the_core)
{
	share(DEVICE_CORE_SCRATCH_GPA);
}

TEST(two_vcpus_share_a_device_of_the_vmm)
{
	share(DEVICE_SCRATCH_GPA);
}

static u64 sum_up(void *argument)
{
	u64 sum = 0;

	(void)argument;
	second_meet(&meeting, 1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		sum += mmio_read4(DEVICE_COUNTER_GPA);
	}
	return sum;
}

TEST(no_value_is_read_by_two_vcpus)
{
	u64 all = 2 * ROUNDS;
	u64 sum;

	second_start(sum_up, NULL);
	sum = sum_up(NULL);
	sum += second_wait();
	CHECK_COUNT(sum, all * (all + 1) / 2,
		    "of a register that counts its loads, two vCPUs get each "
		    "number once");
}
