/** @file
 * A second vCPU started as systems do it, and interrupts between the two.
 */
#define TEST_FLAGS (TEST_NEEDS_APIC | TEST_NEEDS_CPUS)
#include "guest-tests/apic/apic.h"

#define SECOND 1
#define ROUNDS 100

static u64 return_argument(void *argument)
{
	return (u64)argument;
}

TEST(init_and_sipi_start_a_vcpu)
{
	apic_begin();
	apic_second_start(return_argument, (void *)0x49ull);
	CHECK_EQ(second_wait(), 0x49,
		 "INIT and SIPI start a vCPU in real mode, from where it "
		 "finds its way to 64-bit code");
}

/** Takes interrupts until the first says that it is enough. */
static struct meeting meeting;

static u64 take_interrupts(void *argument)
{
	(void)argument;
	apic_set(&meeting.turns, 1);
	while (!apic_get(&meeting.stop)) {
		apic_open();
	}
	return apic_mine()->total;
}

static void start_taking(void)
{
	apic_begin();
	apic_second_start(take_interrupts, NULL);
	apic_wait_for(&meeting.turns, 1);
}

TEST(fixed_ipi_reaches_the_other_vcpu)
{
	start_taking();
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_send(SECOND, APIC_VECTOR);
		apic_wait(apic_second(), APIC_VECTOR, i);
	}
	apic_set(&meeting.stop, 1);
	CHECK_COUNT(second_wait(), ROUNDS,
		    "each fixed IPI comes, once, with its own vector "
		    "(SDM 3A 11.6.1)");
}
