/** @file
 * The clock that runs while the PC is off, and its CMOS memory (MC146818).
 *
 * A byte of the index port selects one of 128 registers: ten of time and
 * alarm, four that control, and memory in which firmware notes what it found.
 * Linux reads the time here once, and never again.
 *
 *	0x70 index (bit 7 masks NMIs, without effect here)   0x71 data
 *
 *	0  2  4  seconds, minutes, hours    1  3  5  the alarm's
 *	6  7  8  9  day of week, day, month, year    0x32 century
 *	0xa  update in progress, rate    0xb  modes and enables
 *	0xc  what has happened, until read    0xd  the battery is good
 *
 * Time passes as the TSC does.  Whenever the clock is looked at, it first
 * catches up with the seconds that have gone by; rtc_deadline() says when it
 * has to be looked at because it would interrupt.
 *
 * Motorola MC146818 data sheet; the memory's bytes as PCs use them.
 */
#ifndef HV_PLATFORM_RTC_H
#define HV_PLATFORM_RTC_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/clock.h"
#include "hv/platform/irq_line.h"

#define RTC_PORT 0x70 /* and 0x71 */
#define RTC_HZ 32768
#define RTC_SIZE 128
#define RTC_CENTURY 0x32

struct rtc {
	struct spinlock lock;
	/* Under lock. */
	u8 index;
	u8 cmos[RTC_SIZE]; /* the registers, as they read but for UIP */
	u64 ticks;	   /* its divider has counted so far, at 32768 Hz */
	u64 lead;	   /* by so much more than the clock's */
	/* Fixed. */
	struct clock clock;
	struct irq_line line;
};

/** What it begins with. */
struct rtc_plan {
	u64 tsc_hz; /* frequency of now's unit, 1 MHz to 100 GHz */
	u64 now;    /* the guest's TSC */
	u64 time;   /* seconds since 1970, up to the year 9999 */
	u64 memory; /* bytes of RAM from 0, for the CMOS; at least 1 MiB */
	u8 cpus;
};

/** BCD, 24 hours, no interrupt enabled, as firmware leaves it. */
void rtc_init(struct rtc *rtc, const struct rtc_plan *plan,
	      struct irq_line line);

/**
 * An access to either port, by access->address.  Takes the lock.
 * @param now the guest's TSC
 * Ask for the deadline afterwards: it may have changed.
 */
void rtc_access(struct rtc *rtc, struct bus_access *access, u64 now);

/** @return the TSC at which rtc_advance() has something to do, or
 * CLOCK_NEVER; takes the lock */
u64 rtc_deadline(struct rtc *rtc);

/** Time has come to now.  Takes the lock.
 * @return rtc_deadline() from now on */
u64 rtc_advance(struct rtc *rtc, u64 now);

#endif
