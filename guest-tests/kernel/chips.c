/** @file
 * Do all clocks run alike?
 *
 * A clock is compared with the TSC by looking at both at two moments.  They
 * cannot be looked at in the same instant: between the two looks the emulator
 * may even have been asleep.  So each look is tried many times, the TSC is
 * read before and after it, and the try that took the least time counts.
 */
#include "guest-tests/kernel/chips.h"

#include "guest-tests/kernel/ports.h"

#define PIT_HZ 1193182u
#define PM_TIMER 0x608
#define PM_HZ 3579545u
#define RTC_EDGES 12 /* at most */
#define PRECISE 1000 /* seen within 1/1000 s */
#define TRIES 50
#define APART 5 /* two looks are 1/5 s from each other */
#define LAPIC 0xfee00000u
#define LAPIC_SVR 0xf0
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_CURRENT 0x390
#define LAPIC_DIVIDE 0x3e0
#define LAPIC_MASKED 0x10000
#define LAPIC_DIVIDE_BY_1 0xb

static volatile u32 *word(u32 address)
{
	return (volatile u32 *)address;
}

static u64 tsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/** a / b without the compiler's library, for quotients of 32 bits. */
static u32 divide(u64 a, u32 b)
{
	u32 quotient, rest;

	asm("divl %4"
	    : "=a"(quotient), "=d"(rest)
	    : "a"((u32)a), "d"((u32)(a >> 32)), "r"(b));
	return quotient;
}

/** Where a clock stood, and when; it took so long to see it. */
struct look {
	u64 when, took;
	u32 count;
};

static struct look look(u32 (*read)(void))
{
	struct look best = { .took = ~0ull };

	for (unsigned int i = 0; i < TRIES; i++) {
		u64 before = tsc();
		u32 count = read();
		u64 took = tsc() - before;

		if (took < best.took) {
			best = (struct look){ before + took / 2, took, count };
		}
	}
	return best;
}

static u32 read_pm_timer(void)
{
	return in_long(PM_TIMER);
}

static void wait(void)
{
	u32 begin = read_pm_timer();

	while (read_pm_timer() - begin < PM_HZ / APART) {
	}
}

/** Both count down. */
static u32 read_pit(void)
{
	u8 low;

	out(0x43, 0x80);
	low = in(0x42);
	return ~(u32)(in(0x42) << 8 | low);
}

static u32 read_lapic(void)
{
	return ~*word(LAPIC + LAPIC_CURRENT);
}

static void start_clocks(void)
{
	out(0x61, (in(0x61) & ~2) | 1);
	out(0x43, 0xb4); /* counter 2 goes round and round */
	out(0x42, 0);
	out(0x42, 0);
	*word(LAPIC + LAPIC_SVR) = 0x1ff;
	*word(LAPIC + LAPIC_LVT_TIMER) = LAPIC_MASKED;
	*word(LAPIC + LAPIC_DIVIDE) = LAPIC_DIVIDE_BY_1;
	*word(LAPIC + LAPIC_INITIAL) = ~0u;
}

/** How far two numbers are from each other, in thousandths of the second. */
static void tell(const struct chips_console *console, const char *name,
		 u64 measured, u64 wanted)
{
	u64 off = measured > wanted ? measured - wanted : wanted - measured;

	console->say(name);
	console->say_hex(divide(off * 1000, (u32)wanted));
}

/** Its ticks from one look to the other, of which the low 16 bits are seen. */
static u32 pit_ticks(const struct look looks[2], u32 expected)
{
	u32 seen = (looks[1].count - looks[0].count) & 0xffff;

	return expected + (u32)(s32)(s16)(seen - expected);
}

/** When the RTC shows another second. */
static struct look next_second(void)
{
	u64 before = tsc(), took;
	u8 second;

	out(0x70, 0);
	for (second = in(0x71); in(0x71) == second;) {
		before = tsc();
	}
	took = tsc() - before;
	return (struct look){ before + took / 2, took, 0 };
}

/**
 * Ticks of the TSC from one second to another, by the RTC: between those two
 * that were seen quickest, which are the first two unless the emulator has been
 * asleep.
 */
static u32 second_by_rtc(u32 hz)
{
	struct look edge[RTC_EDGES];
	unsigned int a = 0, b = 0, i = 0;

	do {
		edge[i] = next_second();
		if (edge[i].took < edge[a].took) {
			b = a;
			a = i;
		} else if (i && (b == a || edge[i].took < edge[b].took)) {
			b = i;
		}
		i++;
	} while (i < RTC_EDGES && (i < 2 || edge[b].took > hz / PRECISE));
	return b > a ? divide(edge[b].when - edge[a].when, b - a)
		     : divide(edge[a].when - edge[b].when, a - b);
}

static u8 read_cmos(u8 index)
{
	out(0x70, index);
	return in(0x71);
}

/** What a calendar shows: century, year, month, day; hour, minute, second. */
static void tell_date(const struct chips_console *console)
{
	console->say("kernel: date ");
	console->say_hex((u32)read_cmos(0x32) << 24 | (u32)read_cmos(9) << 16 |
			 (u32)read_cmos(8) << 8 | read_cmos(7));
	console->say(" time ");
	console->say_hex((u32)read_cmos(4) << 16 | (u32)read_cmos(2) << 8 |
			 read_cmos(0));
	console->say("\n");
}

/** The TSC's rate as CPUID has it, which is that of the APIC's timer, too. */
static u32 promised_khz(void)
{
	u32 khz;

	asm volatile("cpuid" : "=a"(khz) : "a"(0x40000010)
		     : "ebx", "ecx", "edx");
	return khz;
}

void chips_measure(const struct chips_console *console)
{
	struct look pm[2], pit[2], lapic[2];
	u32 hz, expected;

	tell_date(console);
	start_clocks();
	for (unsigned int i = 0; i < 2; i++) {
		pm[i] = look(read_pm_timer);
		pit[i] = look(read_pit);
		lapic[i] = look(read_lapic);
		if (i == 0) {
			wait();
		}
	}
	/* By the PM timer, in two steps that fit into 64 bits. */
	hz = divide((pm[1].when - pm[0].when) * (PM_HZ / 1000),
		    pm[1].count - pm[0].count) * 1000;
	console->say("kernel: off by");
	expected = divide((pit[1].when - pit[0].when) * (PIT_HZ / 1000),
			  hz / 1000);
	tell(console, " PIT ", pit_ticks(pit, expected), expected);
	tell(console, " APIC ", lapic[1].count - lapic[0].count,
	     lapic[1].when - lapic[0].when);
	tell(console, " RTC ", second_by_rtc(hz), hz);
	tell(console, " TSC ", hz / 1000, promised_khz());
	console->say("\n");
}
