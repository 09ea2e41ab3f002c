/** @file
 * A vCPU that sleeps in the core hears signals, and the others' APICs stay
 * where they are when it moves its own.
 */
#define TEST_FLAGS (TEST_NEEDS_APIC | TEST_NEEDS_CPUS)
#include "guest-tests/apic/apic.h"

#define SECOND 1
#define KICKS 20
#define ELSEWHERE 0xe0000000ull
#define BASE_EN BIT(11)

static u64 turns, stop;

static u64 halt_closed(void *argument)
{
	(void)argument;
	apic_set(&turns, 1);
	asm volatile("cli; hlt");
	return apic_mine()->total;
}

/** Signals bring vcpu_run() back, and it goes on sleeping after each. */
static void kick_often(void)
{
	for (u64 i = 1; i <= KICKS; i++) {
		CHECK_COUNT(vmcall1(HYPERCALL_VCPU_KICK, SECOND), i,
			    "a signal makes vcpu_run() of a vCPU that sleeps "
			    "return -EINTR once");
	}
}

TEST(signals_reach_a_halted_vcpu)
{
	apic_begin();
	apic_second_start(halt_closed, NULL);
	apic_wait_for(&turns, 1);
	kick_often();
	apic_send(SECOND, APIC_NMI);
	CHECK_COUNT(second_wait(), 1,
		    "it is halted still, until an NMI comes");
}

TEST(signals_reach_a_vcpu_that_awaits_a_sipi)
{
	struct hypercall_vcpu waits = { .number = SECOND,
					.rip = HYPERCALL_VCPU_WAITS };

	apic_begin();
	CHECK_DONE(vmcall1(HYPERCALL_VCPU_START, vmcall_address(&waits)));
	kick_often();
	/* And the test may end while it waits. */
}

TEST(signals_come_while_interrupts_wake)
{
	apic_begin();
	apic_second_start(halt_closed, NULL);
	apic_wait_for(&turns, 1);
	apic_send(SECOND, APIC_VECTOR);
	kick_often();
	apic_send(SECOND, APIC_NMI);
	CHECK_COUNT(second_wait(), 1,
		    "an interrupt that IF keeps out does not end HLT, "
		    "whatever else looks at it");
}

static u64 move_away(void *argument)
{
	u64 seen;

	(void)argument;
	apic_write(APIC_TPR, 0x70);
	apic_wrmsr(APIC_MSR_BASE, ELSEWHERE | BASE_EN);
	seen = mmio_read4(ELSEWHERE + APIC_TPR);
	apic_set(&turns, 1);
	apic_wait_for(&stop, 1);
	apic_wrmsr(APIC_MSR_BASE, APIC_GPA | BASE_EN);
	return seen << 8 | apic_read(APIC_ID) >> 24;
}

TEST(each_vcpu_moves_its_own_apic)
{
	apic_begin();
	apic_write(APIC_TPR, 0x20);
	apic_second_start(move_away, NULL);
	apic_wait_for(&turns, 1);
	CHECK_EQ(apic_read(APIC_TPR), 0x20,
		 "another vCPU's APIC has been moved, this one's has not");
	CHECK_EQ(mmio_read4(ELSEWHERE + APIC_TPR), 0xffffffff,
		 "where that one is, this vCPU finds nobody");
	apic_send(SECOND, APIC_VECTOR);
	apic_set(&stop, 1);
	CHECK_EQ(second_wait(), 0x7001,
		 "it answers at its new place, and at the old one again");
}
