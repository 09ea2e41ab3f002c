/** @file
 * Timers, a queue for each CPU.
 *
 * A CPU has one clock that can interrupt it, the local APIC's timer.  It is set
 * to the earliest of all deadlines, and what is due when it strikes is taken
 * from the front of the queue:
 *
 *	queue -> +-------+   +-------+   +-------+
 *		 | soon  |-->| later |-->| ...   |	and the watchdog's tick,
 *		 +-------+   +-------+   +-------+	which is always there
 *
 * The clock counts at a rate of its own; deadlines are compared with the TSC,
 * so that it may strike early, and is then set once more.  It is not touched
 * when a deadline goes away or is behind the one that it is set to.
 *
 * Times are in TSC ticks since the processor's reset (timer_hz() of them in a
 * second). Locks: each queue has one. It is taken with interrupts off, since
 * the interrupt takes it as well. fire() is called without it, so that it may
 * set and cancel timers.
 *
 * A timer fires on the CPU that has set it. Any CPU may cancel it. If it is
 * firing at that very moment, timer_cancel() waits until fire() has returned,
 * except on the CPU where it fires, which would wait for itself.
 */
#include "hv/lib/timer.h"

#include "bus/access.h"
#include "hv/lib/spinlock.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"

#define NANOSECONDS 1000000000u

/** Timers of one CPU; others cancel them, under the lock. */
struct queue {
	struct spinlock lock;
	struct timer *first;  /* rising deadlines */
	struct timer *firing; /* its fire() is running */
	u64 set_to;	      /* the clock strikes then; TIMER_NEVER: never */
	u64 tick_at;	      /* of this CPU alone, like the next */
	void (*tick)(struct trap_frame *frame);
};

static struct queue queues[CPU_MAX];

static struct queue *here(void)
{
	return &queues[this_cpu()->id];
}

/**
 * Interrupts are off. One tick at least: a count of 0 would stop the APIC's
 * timer, and a deadline that has just passed would be lost.
 */
static void set_clock(struct queue *queue, u64 now)
{
	u64 at = queue->tick ? queue->tick_at : TIMER_NEVER;

	if (queue->first && queue->first->deadline < at) {
		at = queue->first->deadline;
	}
	queue->set_to = at;
	if (at == TIMER_NEVER) {
		lapic_timer_stop();
	} else {
		lapic_timer_after(IRQ_VECTOR_TIMER, at > now ? at - now : 1);
	}
}

/**
 * Behind those with the same deadline: who comes first fires first. Linear, as
 * a VM has a handful of timers.
 */
static void insert(struct queue *queue, struct timer *timer)
{
	struct timer **place = &queue->first;

	while (*place && (*place)->deadline <= timer->deadline) {
		place = &(*place)->next;
	}
	timer->next = *place;
	timer->queued = true;
	*place = timer;
}

/** The timer is in this queue; else the loop would run off the end. */
static void remove(struct queue *queue, struct timer *timer)
{
	struct timer **place = &queue->first;

	while (*place != timer) {
		place = &(*place)->next;
	}
	*place = timer->next;
	timer->queued = false;
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
	*timer = (struct timer){ .fire = fire };
}

/**
 * Off its queue, if it is in one. `timer->cpu` says whose queue; it changes
 * only in timer_set(), which takes the timer off first. The own CPU is excluded
 * from "fires elsewhere", or fire() could not cancel its own timer.
 * @return whether it fires elsewhere
 */
static bool take_off(struct timer *timer)
{
	struct queue *queue = &queues[READ_ONCE(timer->cpu)];
	bool firing;

	spinlock_lock(&queue->lock);
	if (timer->queued) {
		remove(queue, timer);
	}
	firing = queue->firing == timer && queue != here();
	spinlock_unlock(&queue->lock);
	return firing;
}

void timer_cancel(struct timer *timer)
{
	while (take_off(timer)) {
		cpu_relax(); /* it may set itself again before it returns */
	}
}

/** A deadline of the past counts as now, so that no timer that sets itself
 * again and again keeps the CPU in the interrupt. */
void timer_set(struct timer *timer, u64 deadline)
{
	struct queue *queue;
	u64 flags, now;

	if (READ_ONCE(timer->queued)) {
		take_off(timer);
	}
	if (deadline == TIMER_NEVER) {
		return;
	}
	flags = irq_save();
	queue = here();
	now = rdtsc();
	spinlock_lock(&queue->lock);
	timer->deadline = deadline > now ? deadline : now + 1;
	WRITE_ONCE(timer->cpu, this_cpu()->id);
	insert(queue, timer);
	if (queue->first == timer && timer->deadline < queue->set_to) {
		set_clock(queue, now);
	}
	spinlock_unlock(&queue->lock);
	irq_restore(flags);
}

/**
 * Fire all that was due at that moment; the lock is held. `now` is fixed for
 * the whole round. A timer that sets itself again gets a deadline behind `now`
 * (see timer_set()), so the loop ends.
 */
static void fire_due(struct queue *queue, u64 now)
{
	struct timer *timer;

	while (queue->first && queue->first->deadline <= now) {
		timer = queue->first;
		remove(queue, timer);
		queue->firing = timer;
		spinlock_unlock(&queue->lock);
		timer->fire(timer);
		spinlock_lock(&queue->lock);
		queue->firing = NULL;
	}
}

/**
 * The clock has struck.  It is set again before the tick, which may leave by
 * recovery_stop(). set_to is 0 meanwhile, that is, earlier than any deadline:
 * timer_set() from a fire() then leaves the clock alone, and it is set once, at
 * the end. The tick is the watchdog's. It runs without the lock and may never
 * come back.
 */
static void strike(struct trap_frame *frame)
{
	struct queue *queue = here();
	u64 now = rdtsc();
	bool ticks;

	spinlock_lock(&queue->lock);
	queue->set_to = 0; /* whoever sets a timer leaves the clock to us */
	fire_due(queue, now);
	ticks = queue->tick && queue->tick_at <= now;
	if (ticks) {
		queue->tick_at = now + timer_hz() / LAPIC_TICK_HZ;
	}
	set_clock(queue, rdtsc());
	spinlock_unlock(&queue->lock);
	if (ticks) {
		queue->tick(frame);
	}
}

void timer_start(void)
{
	for (unsigned int i = 0; i < CPU_MAX; i++) {
		queues[i].set_to = TIMER_NEVER;
	}
	irq_set_handler(IRQ_VECTOR_TIMER, strike);
}

/** Called on each CPU for itself; `tick` NULL switches it off. */
static void set_tick(void (*tick)(struct trap_frame *frame))
{
	u64 flags = irq_save();
	struct queue *queue = here();
	u64 now = rdtsc();

	spinlock_lock(&queue->lock);
	queue->tick = tick;
	queue->tick_at = now + timer_hz() / LAPIC_TICK_HZ;
	set_clock(queue, now);
	spinlock_unlock(&queue->lock);
	irq_restore(flags);
}

void timer_tick_begin(void (*tick)(struct trap_frame *frame))
{
	set_tick(tick);
}

void timer_tick_end(void)
{
	set_tick(NULL);
}

/* The unit of time --------------------------------------------------------- */

u64 timer_hz(void)
{
	return lapic_tsc_hz();
}

/**
 * Two instructions have 128 bits in between, C would ask for a library. The
 * quotient must fit into 64 bits, or DIV raises #DE.
 */
u64 timer_scale(u64 value, u64 to, u64 from)
{
	u64 high, low;

	asm("mulq %3" : "=a"(low), "=d"(high) : "a"(value), "rm"(to) : "cc");
	asm("divq %2" : "+a"(low), "+d"(high) : "rm"(from) : "cc");
	return low;
}

u64 timer_nanoseconds(u64 ticks)
{
	return timer_scale(ticks, NANOSECONDS, timer_hz());
}

u64 timer_ticks(u64 nanoseconds)
{
	return timer_scale(nanoseconds, timer_hz(), NANOSECONDS);
}
