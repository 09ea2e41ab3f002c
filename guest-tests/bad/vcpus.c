/** @file
 * Guests of two vCPUs, of which one misbehaves: that one is to be named.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"

static u64 loop(void *argument)
{
	do {
		asm volatile("" : "+r"(argument));
	} while (!argument);
	return 0;
}

static u64 exit_for_ever(void *argument)
{
	while (!argument) {
		mmio_read4(DEVICE_COUNTER_GPA);
	}
	return 0;
}

static u64 work_for_ever(void *argument)
{
	while (!argument) {
		vmcall0(HYPERCALL_GENERATION);
	}
	return 0;
}

static u64 return_zero(void *argument)
{
	(void)argument;
	return 0;
}

static u64 fail_a_check(void *argument)
{
	(void)argument;
	CHECK_EQ(0x49, 49, "a check may fail on any vCPU");
	return 0;
}

static u64 fault_three_times(void *argument)
{
	(void)argument;
	trap_load_idt(PAGES_FREE_GVA);
	asm volatile("ud2");
	return 0;
}

TEST(second_vcpu_loops)
{
	second_start(loop, NULL);
	second_wait();
}

TEST(second_vcpu_exits_for_ever)
{
	second_start(exit_for_ever, NULL);
	second_wait();
}

TEST(first_vcpu_loops_and_second_has_ended)
{
	second_start(return_zero, NULL);
	second_wait();
	loop(NULL);
}

TEST(first_vcpu_loops_and_second_works)
{
	second_start(work_for_ever, NULL);
	loop(NULL);
}

TEST(second_vcpu_fails_a_check)
{
	second_start(fail_a_check, NULL);
	loop(NULL);
}

TEST(second_vcpu_faults_three_times)
{
	second_start(fault_three_times, NULL);
	loop(NULL);
}
