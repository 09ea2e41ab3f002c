/** @file
 * The local APIC's timer (SDM 3A 11.5.4).
 *
 * Nothing counts here.  When the initial count is written we note the moment,
 * and the current count follows from what has gone by since; when it will reach
 * zero is told to ops->arm().  Three modes, by the LVT entry:
 *
 *	one-shot      down to 0, once
 *	periodic      down to 0 and again from the initial count, for ever
 *	TSC-deadline  no counting: at the moment that IA32_TSC_DEADLINE says
 *
 * Its clock is the TSC's, divided by 1 to 128.  Of a period that nobody could
 * serve the interrupts that meet one that still waits are one with it; and
 * after each one's EOI there is a pause, twice as long as it has taken, so that
 * even then some time is left for the rest of the guest.
 */
#include "hv/platform/vlapic.h"

#define LVT_MASKED BIT(16)

enum mode { ONE_SHOT, PERIODIC, TSC_DEADLINE };

/**
 * Bits 18 and 17 of the entry.  The fourth value is reserved and is treated
 * like TSC-deadline: nothing counts.
 */
static enum mode mode_of(u32 entry)
{
	return entry & BIT(18) ? TSC_DEADLINE : bits(entry, 17, 17);
}

static enum mode mode(const struct vlapic *apic)
{
	return mode_of(apic->lvt[VLAPIC_LVT_TIMER]);
}

/** Bits 3, 1 and 0: 0 is by 2, 1 by 4, ... 6 by 128, 7 by 1. */
static unsigned int shift(const struct vlapic *apic)
{
	u32 code = (apic->timer_divide & 3) | (apic->timer_divide & 8) >> 1;

	return (code + 1) & 7;
}

/** In ticks of the TSC: up to 2^32 - 1 counts of 128 ticks. */
static u64 period(const struct vlapic *apic)
{
	return (u64)apic->timer_initial << shift(apic);
}

/**
 * Nobody needs to be told of the end of a count that is masked, nor of a period
 * while the last one's interrupt still waits: the two would be one.
 */
static void arm(struct vlapic *apic)
{
	u32 entry = apic->lvt[VLAPIC_LVT_TIMER];
	bool idle = (entry & LVT_MASKED) ||
		    (mode(apic) == PERIODIC && vlapic_waits(apic, entry));

	apic->ops->arm(apic, idle ? VLAPIC_NEVER : apic->timer_due);
}

/*
 * The interrupt that arm() was waiting for has left IRR: now the next one would
 * be seen, and the period is armed again.
 */
void vlapic_timer_taken(struct vlapic *apic, u8 vector)
{
	if (mode(apic) == PERIODIC &&
	    vector == (u8)apic->lvt[VLAPIC_LVT_TIMER]) {
		arm(apic);
	}
}

/*
 * From the strike to the EOI it has taken so long; twice that is left to the
 * rest of the guest before the next strike.  A guest whose period is longer
 * than three times its handler never notices.
 */
void vlapic_timer_ended(struct vlapic *apic, u8 vector, u64 now)
{
	u64 pause = 2 * (now - apic->timer_struck);

	if (mode(apic) == PERIODIC &&
	    vector == (u8)apic->lvt[VLAPIC_LVT_TIMER] &&
	    apic->timer_due < now + pause) {
		apic->timer_due = now + pause;
		arm(apic);
	}
}

static void stop(struct vlapic *apic)
{
	apic->timer_due = VLAPIC_NEVER;
	apic->deadline = 0;
}

/*
 * Writing the count is what starts it, in both counting modes, and 0 is how a
 * kernel stops it.  In TSC-deadline mode the register is ignored.
 */
void vlapic_timer_write_initial(struct vlapic *apic, u32 value, u64 now)
{
	if (mode(apic) == TSC_DEADLINE) {
		return;
	}
	apic->timer_initial = value;
	apic->timer_begin = now;
	apic->timer_due = value ? now + period(apic) : VLAPIC_NEVER;
	arm(apic);
}

/** A periodic one that was masked may have gone round since. */
u32 vlapic_timer_current(const struct vlapic *apic, u64 now)
{
	u64 whole = period(apic), gone = now - apic->timer_begin;

	if (mode(apic) == TSC_DEADLINE || !whole) {
		return 0;
	}
	if (mode(apic) == ONE_SHOT) {
		return gone >= whole ? 0 : (whole - gone) >> shift(apic);
	}
	return (whole - gone % whole) >> shift(apic);
}

/*
 * What is left to count stays the same number, but each of it takes another
 * time.  So we place the beginning where it would have been, had the new
 * divider been there from the start.
 */
void vlapic_timer_write_divide(struct vlapic *apic, u32 value, u64 now)
{
	u32 left = vlapic_timer_current(apic, now);
	u64 gone;

	apic->timer_divide = value;
	if (!left || mode(apic) == TSC_DEADLINE) {
		return;
	}
	gone = (u64)(apic->timer_initial - left) << shift(apic);
	apic->timer_begin = now - gone;
	apic->timer_due = apic->timer_begin + period(apic);
	arm(apic);
}

/** Passed periods count once; the next is a whole one from the first, so that
 * the rate stays true. */
static void next_period(struct vlapic *apic, u64 now)
{
	u64 whole = period(apic);
	u64 rounds = (now - apic->timer_begin) / whole;

	apic->timer_begin += rounds * whole;
	apic->timer_due = apic->timer_begin + whole;
	if (apic->timer_due < now + apic->period_min) {
		apic->timer_due = now + apic->period_min;
	}
}

/** It has struck. */
static void go_on(struct vlapic *apic, u64 now)
{
	if (mode(apic) == PERIODIC && apic->timer_initial) {
		next_period(apic, now);
	} else {
		stop(apic);
	}
}

/** To and from TSC-deadline mode the timer is disarmed; between the other two
 * it counts on.  What it has reached while it was masked is lost. */
void vlapic_timer_mode_changed(struct vlapic *apic, u32 old, u64 now)
{
	if ((mode_of(old) == TSC_DEADLINE) != (mode(apic) == TSC_DEADLINE)) {
		apic->timer_initial = 0;
		stop(apic);
	} else if (now >= apic->timer_due && (old & LVT_MASKED)) {
		go_on(apic, now);
	} else if (mode(apic) == PERIODIC && apic->timer_initial &&
		   apic->timer_due == VLAPIC_NEVER) {
		next_period(apic, now); /* a one-shot that had ended */
	}
	arm(apic);
}

/*
 * Called when the moment has come that arm() has asked for, or just in case:
 * what is not due yet is not touched.  The order matters: the interrupt goes
 * into IRR first, and arm() sees it waiting there.
 */
void vlapic_timer_check(struct vlapic *apic, u64 now)
{
	if (now < apic->timer_due) {
		return;
	}
	apic->timer_struck = now;
	vlapic_raise(apic, VLAPIC_LVT_TIMER);
	go_on(apic, now);
	arm(apic);
}

/*
 * A deadline that has passed already strikes at once: `when` lies in the past,
 * and arm() is asked for a moment that is now.
 */
void vlapic_timer_set_deadline(struct vlapic *apic, u64 value, u64 when)
{
	if (mode(apic) != TSC_DEADLINE) {
		return;
	}
	apic->deadline = value;
	apic->timer_due = value ? when : VLAPIC_NEVER;
	arm(apic);
}

u64 vlapic_timer_get_deadline(const struct vlapic *apic, u64 now)
{
	return now >= apic->timer_due ? 0 : apic->deadline;
}
