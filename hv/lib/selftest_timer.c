/** @file
 * Self-tests of the timers.
 *
 * What is tested is the order and the number of what fires, and that nothing
 * fires before its time; how much later it does is the computer's affair.
 */
#include "hv/lib/selftest_cases.h"

#include "bus/access.h"
#include "hv/lib/timer.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

#define TIMERS 20
#define STEP_NS 100000

struct shot {
	struct timer timer; /* first */
	u64 when;
	u32 cpu;
	u32 left; /* so often it sets itself again */
};

static struct shot shots[TIMERS];
static u32 order[TIMERS];
static u32 fired;
static bool early, elsewhere;

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

static void wait_for(u32 count)
{
	while (smp_load_acquire(&fired) < count) {
		asm volatile("hlt" : : : "memory");
	}
}

/** Set in an order that is not theirs: 7 has no common factor with 20. */
static void set_mixed(u64 start)
{
	for (u32 i = 0; i < TIMERS; i++) {
		u32 n = i * 7 % TIMERS;

		set(&shots[n], start + n * timer_ticks(STEP_NS));
	}
}

/** A move and some cancellations. */
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

/** All of it, before the first of them is due: on a slow machine, or a busy
 * one, not the first time. */
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

/** Another CPU takes half of them over while they fire; of those, the ones that
 * have fired by then do so again. */
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
