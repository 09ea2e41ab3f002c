/** @file
 * The local APIC's timer, in its three modes, and HLT that it ends.
 *
 * How long something takes on a busy computer says nothing, so there is no
 * upper bound of time here: what must not come too early is compared with the
 * TSC, and what must come at all is waited for.
 */
#include "guest-tests/apic/apic.h"

#define PERIODS 20

/** Of a count that the machine can serve: so many VM exits' time. */
#define EXITS 50

/**
 * Counts at divide-by-1, where the timer's clock is the TSC's: enough for some
 * exits, of which a machine with the VMX unit in software makes fewer.
 */
static u32 count_of_machine(void)
{
	u64 begin = apic_tsc(), least = ~0ull;

	for (unsigned int i = 0; i < 10; i++) {
		begin = apic_tsc();
		vmcall0(HYPERCALL_IS_SHADOW);
		least = apic_tsc() - begin < least ? apic_tsc() - begin : least;
	}
	return (u32)(EXITS * least);
}

#define COUNT \
	(machine_count ? machine_count : (machine_count = count_of_machine()))
static u32 machine_count;

static void set_timer(u32 mode, u32 divide, u32 count)
{
	apic_write(APIC_TIMER_DIVIDE, divide);
	apic_write(APIC_LVT_TIMER, mode | APIC_VECTOR);
	apic_write(APIC_TIMER_INITIAL, count);
}

TEST(one_shot_comes_once)
{
	struct apic_seen *seen = apic_begin();
	u64 begin = apic_tsc();

	set_timer(0, APIC_DIVIDE_BY_1, COUNT);
	apic_halt();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "a one-shot timer ends HLT");
	CHECK_TRUE(apic_tsc() - begin >= COUNT, "not before its time");
	CHECK_EQ(apic_read(APIC_TIMER_CURRENT), 0, "it has counted down");
	begin = apic_tsc();
	while (apic_tsc() - begin < 5 * COUNT) {
		apic_open();
	}
	CHECK_COUNT(seen->total, 1, "and does not begin again");
}

TEST(periodic_comes_again_and_again)
{
	struct apic_seen *seen = apic_begin();
	u64 begin = apic_tsc();

	set_timer(APIC_LVT_PERIODIC, APIC_DIVIDE_BY_1, COUNT);
	while (apic_count(seen, APIC_VECTOR) < PERIODS) {
		apic_halt();
	}
	CHECK_TRUE(apic_tsc() - begin >= PERIODS * (u64)COUNT,
		   "a periodic timer is not faster than its period");
	CHECK_TRUE(apic_read(APIC_TIMER_CURRENT) <= COUNT,
		   "the count begins anew from the initial one");
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_open();
	CHECK_EQ(apic_read(APIC_TIMER_CURRENT), 0, "0 stops it");
}

TEST(divider_slows_the_count)
{
	u64 begin, ticks;
	u32 left;

	apic_begin();
	set_timer(APIC_LVT_MASKED, 0x3, ~0u); /* by 16 */
	begin = apic_tsc();
	left = apic_read(APIC_TIMER_CURRENT);
	while (left - apic_read(APIC_TIMER_CURRENT) < 5000) {
	}
	ticks = apic_tsc() - begin;
	CHECK_TRUE(ticks >= 16 * 4999,
		   "divided by 16 it counts once in 16 ticks (SDM 3A 11.5.4)");
	left = apic_read(APIC_TIMER_CURRENT);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	CHECK_TRUE(apic_read(APIC_TIMER_CURRENT) <= left,
		   "another divider leaves the count where it is");
}

TEST(masked_timer_counts_in_silence)
{
	struct apic_seen *seen = apic_begin();

	set_timer(APIC_LVT_MASKED, APIC_DIVIDE_BY_1, COUNT);
	while (apic_read(APIC_TIMER_CURRENT)) {
		apic_open();
	}
	apic_open();
	apic_write(APIC_LVT_TIMER, APIC_VECTOR);
	apic_open();
	CHECK_COUNT(seen->total, 0,
		    "what a masked timer has reached is not made up for");
}

TEST(deadline_comes_at_its_time)
{
	struct apic_seen *seen = apic_begin();
	u64 when;

	apic_write(APIC_LVT_TIMER, APIC_LVT_DEADLINE | APIC_VECTOR);
	for (u64 i = 1; i <= PERIODS; i++) {
		when = apic_tsc() + COUNT;
		apic_wrmsr(APIC_MSR_DEADLINE, when);
		apic_halt();
		CHECK_COUNT(apic_count(seen, APIC_VECTOR), i,
			    "the TSC deadline ends HLT");
		CHECK_TRUE(apic_tsc() >= when, "not before its time");
		CHECK_EQ(apic_rdmsr(APIC_MSR_DEADLINE), 0,
			 "one that has passed reads 0 (SDM 3A 11.5.4.1)");
	}
	apic_write(APIC_TIMER_INITIAL, COUNT);
	CHECK_EQ(apic_read(APIC_TIMER_CURRENT), 0,
		 "the counts are not used in this mode");
}

TEST(deadline_of_the_past_comes_at_once)
{
	struct apic_seen *seen = apic_begin();

	apic_wrmsr(APIC_MSR_DEADLINE, apic_tsc() + 5);
	CHECK_EQ(apic_rdmsr(APIC_MSR_DEADLINE), 0,
		 "in another mode the MSR takes nothing");
	apic_write(APIC_LVT_TIMER, APIC_LVT_DEADLINE | APIC_VECTOR);
	apic_wrmsr(APIC_MSR_DEADLINE, 1);
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "a deadline that has passed already comes at once");
	apic_wrmsr(APIC_MSR_DEADLINE, ~0ull >> 1);
	apic_wrmsr(APIC_MSR_DEADLINE, 0);
	CHECK_EQ(apic_rdmsr(APIC_MSR_DEADLINE), 0, "0 disarms");
	apic_open();
	CHECK_COUNT(seen->total, 1, "and nothing comes");
}

TEST(deadline_follows_the_tsc)
{
	struct apic_seen *seen = apic_begin();
	u64 when = apic_tsc() + (1ull << 40);

	apic_write(APIC_LVT_TIMER, APIC_LVT_DEADLINE | APIC_VECTOR);
	apic_wrmsr(APIC_MSR_DEADLINE, when);
	apic_wrmsr(0x10, when - COUNT);
	apic_halt();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "a TSC that is set forward brings the deadline nearer");
	CHECK_TRUE(apic_tsc() >= when, "not before its time");
}

/** A period nobody can serve: the guest must get on nevertheless. */
TEST(period_of_one_leaves_time_for_the_guest)
{
	struct apic_seen *seen = apic_begin();

	set_timer(APIC_LVT_PERIODIC, APIC_DIVIDE_BY_1, 1);
	for (unsigned int i = 0; i < 100; i++) {
		apic_halt();
	}
	asm volatile("sti");
	for (volatile u64 i = 0; i < 5000; i++) {
	}
	asm volatile("cli");
	CHECK_TRUE(seen->total > 0, "interrupts come as often as they can");
}

TEST(hlt_returns_for_what_is_pending)
{
	struct apic_seen *seen = apic_begin();

	apic_write(APIC_ICR_LOW, APIC_SELF | APIC_ASSERT | APIC_VECTOR);
	apic_halt();
	CHECK_COUNT(seen->total, 1,
		    "what waits when HLT is executed ends it at once");
	set_timer(0, APIC_DIVIDE_BY_1, COUNT);
	apic_write(APIC_TPR, 0xf0);
	apic_write(APIC_ICR_LOW, APIC_SELF | APIC_ASSERT | APIC_VECTOR_HIGH);
	apic_send(0, APIC_NMI);
	apic_write(APIC_TPR, APIC_VECTOR & 0xf0);
	apic_halt();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_HIGH), 1,
		    "one above the task's priority ends it");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "one that is held back does not come");
}
