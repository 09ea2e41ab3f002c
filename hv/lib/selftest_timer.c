/** @file
 * Self-tests of the timers.
 *
 * What is tested is the order and the number of what fires, and that nothing
 * fires before its time; how much later it does is the computer's affair.
 *
 * Twenty shots, a step of 0.1 ms from each to the next. Each one notes in
 * `order` that it has fired, and checks two things that must hold always: that
 * its time has come, and that it fires on the CPU where it was set.
 *
 * "Not before" is checked exactly, by the TSC. "Not much later" is not checked
 * at all: on an emulator a millisecond of ours may be any time of the host.
 */
#include "hv/lib/selftest_cases.h"

#include "bus/access.h"
#include "hv/lib/timer.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

#define TIMERS 20
#define STEP_NS 100000

/**
 * The timer stands first, so that fire() may take a pointer to it for one to
 * the shot.
 */
struct shot {
	struct timer timer; /* first */
	u64 when;
	u32 cpu;
	u32 left; /* so often it sets itself again */
};

static struct shot shots[TIMERS];
static u32 order[TIMERS];
static u32 fired;
/**
 * Only ever set, never cleared by a shot: one wrong firing among many is
 * enough.
 */
static bool early, elsewhere;

/**
 * Runs in the timer interrupt. A shot that has turns left sets itself again, by
 * its own old time and not by now: so it shows whether a timer may set itself
 * from within its own fire(). The release makes `order` visible to a test that
 * waits on another CPU.
 */
static void fire(struct timer *timer)
{
	struct shot *shot = (struct shot *)timer;

	early |= rdtsc() < shot->when;
	elsewhere |= shot->cpu != this_cpu()->id;
	if (shot->left) {
		shot->left--;
		shot->when += timer_ticks(STEP_NS);
		timer_set(timer, shot->when);
		return;
	}
	order[fired % TIMERS] = shot - shots;
	smp_store_release(&fired, fired + 1);
}

static void reset(void)
{
	fired = 0;
	early = elsewhere = false;
	for (u32 i = 0; i < TIMERS; i++) {
		shots[i] = (struct shot){ 0 };
		timer_init(&shots[i].timer, fire);
	}
}

/** Also for shots that have fired: to cancel one of those must do no harm. */
static void cancel_all(void)
{
	for (u32 i = 0; i < TIMERS; i++) {
		timer_cancel(&shots[i].timer);
	}
}

static void set(struct shot *shot, u64 when)
{
	shot->when = when;
	shot->cpu = this_cpu()->id;
	timer_set(&shot->timer, when);
}

/**
 * HLT sleeps until the next interrupt. The tick of the watchdog is always
 * there, so one that comes between the look and the HLT delays the end by a
 * tick at most.
 */
static void wait_for(u32 count)
{
	while (smp_load_acquire(&fired) < count) {
		asm volatile("hlt" : : : "memory");
	}
}

/**
 * Set in an order that is not theirs: 7 has no common factor with 20. Shot n is
 * due n steps after the start, whatever its turn in the loop was.
 */
static void set_mixed(u64 start)
{
	for (u32 i = 0; i < TIMERS; i++) {
		u32 n = i * 7 % TIMERS;

		set(&shots[n], start + n * timer_ticks(STEP_NS));
	}
}

/**
 * A move and some cancellations. Half of the shots are left, the even ones.
 * Shot 6 is moved to the front. Shot 0 sets itself ten times and is noted only
 * after that, in the midst of the others.
 */
static void set_some(u64 start)
{
	set_mixed(start);
	set(&shots[6], start);
	for (u32 i = 1; i < TIMERS; i += 2) {
		timer_cancel(&shots[i].timer);
	}
	timer_cancel(&shots[1].timer); /* that is not set any more */
	shots[0].left = 10;
}

/**
 * All of it, before the first of them is due: on a slow machine, or a busy one,
 * not the first time. With interrupts off nothing fires while the list is made.
 * If that took so long that the first one is due already, all of it is done
 * again with twice the time in hand: the test is about the order, and a list
 * that is late from the beginning shows none.
 */
static void set_in_time(void (*fn)(u64 start))
{
	u64 start, lead = timer_ticks(STEP_NS);
	u64 flags = irq_save();

	do {
		cancel_all();
		reset();
		lead *= 2;
		start = rdtsc() + lead;
		fn(start);
	} while (rdtsc() >= start);
	irq_restore(flags);
}

/** They were set in the order 0, 7, 14, 1 ... and must fire as 0, 1, 2 ... */
const char *selftest_timers_order(void)
{
	set_in_time(set_mixed);
	wait_for(TIMERS);
	for (u32 i = 0; i < TIMERS; i++) {
		if (order[i] != i) {
			return "timers fire in another order than they are due";
		}
	}
	return early ? "a timer fires before its time" : NULL;
}

const char *selftest_timers_cancel(void)
{
	set_in_time(set_some);
	wait_for(TIMERS / 2);
	for (u32 i = 0; i < TIMERS / 2; i++) {
		if (order[i] % 2) {
			return "a timer that was cancelled fires";
		}
	}
	return order[0] == 6 ? NULL : "one that was moved keeps its place";
}

/** A parked CPU's timers, to fire there. */
static void set_all(void *start)
{
	for (u32 i = 0; i < TIMERS; i++) {
		set(&shots[i], *(u64 *)start + i * timer_ticks(STEP_NS));
	}
}

/**
 * Another CPU takes half of them over while they fire; of those, the ones that
 * have fired by then do so again. Run with one CPU as well: then "the last one"
 * is this one. A timer is cancelled from elsewhere while it may be firing:
 * timer_cancel() must not come back before that fire() has returned, or the
 * shot would be set twice.
 */
const char *selftest_timers_of_cpus(void)
{
	u32 last = cpu_count() - 1;
	u64 start;

	reset();
	start = rdtsc() + timer_ticks(STEP_NS);
	if (cpu_run_on(last, set_all, &start)) {
		return "a CPU takes no function";
	}
	wait_for(1);
	for (u32 i = 1; i < TIMERS; i += 2) {
		timer_cancel(&shots[i].timer);
		set(&shots[i], shots[i].when);
	}
	wait_for(TIMERS);
	cancel_all();
	if (early || elsewhere) {
		return "a timer fires on another CPU, or before its time";
	}
	return NULL;
}

/**
 * Ticks times 10^9 have more than 64 bits after a few seconds. A conversion
 * that cuts them off is right in a short test and wrong after a minute, so
 * hours are tried here.
 */
const char *selftest_timers_scale(void)
{
	u64 second = timer_ticks(1000000000);

	if (second / 1000 != timer_hz() / 1000) {
		return "a second is not a second's ticks";
	}
	if (timer_nanoseconds(second * 3600) / 1000000000 < 3599 ||
	    timer_scale(1ull << 62, 12, 4) != (3ull << 62)) {
		return "bits are lost between ticks and time";
	}
	return NULL;
}
