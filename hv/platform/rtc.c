/** @file
 * Registers and interrupts of the clock.
 *
 *	catch_up()  ticks up to now --> periodic flag
 *	                            --> seconds --> time, alarm, update flags
 *	            flags and enables --> the interrupt line
 *
 * Flags are set whether or not they may interrupt.  Only enabled ones make
 * deadlines: nobody waits for the others but by looking, which catches up.
 *
 * The chip is a divider and a calendar.  The divider counts 32768 ticks a
 * second; a tap of it makes the periodic flag, its end the update of the
 * calendar.  Here the calendar is the ten bytes themselves, in the guest's own
 * format: nothing else knows what time it is.  A guest that writes nonsense
 * there has a clock that counts on from nonsense.
 *
 *	A   UIP | divider: 010 runs, 11x reset | rate of the period
 *	B   SET | PIE AIE UIE | - | binary | 24 hours | -
 *	C   IRQ | PF AF UF		all cleared by reading it
 *
 * A guest that sets the time does: SET, the bytes, SET off.  Between, the
 * calendar stands still, or an update could come between two bytes.
 */
#include "hv/platform/rtc.h"

#include "hv/platform/rtc_date.h"

enum rtc_register {
	SECONDS = 0,
	SECONDS_ALARM = 1,
	MINUTES = 2,
	MINUTES_ALARM = 3,
	HOURS = 4,
	HOURS_ALARM = 5,
	WEEKDAY = 6,
	DAY = 7,
	MONTH = 8,
	YEAR = 9,
	A = 10,
	B = 11,
	C = 12,
	D = 13,
};

#define A_UIP BIT(7)
#define A_DIVIDER_OFF BITS(6, 5) /* 11x: the divider is held in reset */
#define B_SET BIT(7)
#define B_24 BIT(1)
#define B_BINARY BIT(2)
#define FLAG_IRQ BIT(7)
#define FLAG_PERIODIC BIT(6) /* as bit 6 of B enables it, and so on */
#define FLAG_ALARM BIT(5)
#define FLAG_UPDATE BIT(4)
#define FLAGS (FLAG_PERIODIC | FLAG_ALARM | FLAG_UPDATE)
#define D_GOOD BIT(7)

#define ALARM_ANY 0xc0 /* both bits: every hour, minute or second will do */
#define PM BIT(7)
#define UIP_TICKS 8 /* 244 microseconds before an update */
#define DAY_SECONDS 86400

/* Numbers as the guest wants them ------------------------------------------ */

/** BCD has a decimal digit in each half: 0x59 is fifty-nine. */
static u8 encode(const struct rtc *rtc, u32 n)
{
	return (u8)(rtc->cmos[B] & B_BINARY ? n : n / 10 << 4 | n % 10);
}

static u32 decode(const struct rtc *rtc, u8 byte)
{
	return rtc->cmos[B] & B_BINARY ? byte
				       : (byte >> 4) * 10u + (byte & 15);
}

/** 12-hour clocks count 12, 1, 2, ... 11; the second half has bit 7 set. */
static u8 encode_hour(const struct rtc *rtc, u32 hour)
{
	if (rtc->cmos[B] & B_24) {
		return encode(rtc, hour);
	}
	return encode(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static u32 decode_hour(const struct rtc *rtc, u8 byte)
{
	if (rtc->cmos[B] & B_24) {
		return decode(rtc, byte);
	}
	return decode(rtc, byte & ~PM) % 12 + (byte & PM ? 12 : 0);
}

/**
 * The weekday does not take part: it follows from the date when the next second
 * is written.
 */
static u64 get_time(const struct rtc *rtc)
{
	const u8 *cmos = rtc->cmos;
	struct rtc_date date = {
		.year = decode(rtc, cmos[RTC_CENTURY]) * 100 +
			decode(rtc, cmos[YEAR]),
		.month = decode(rtc, cmos[MONTH]),
		.day = decode(rtc, cmos[DAY]),
		.hour = decode_hour(rtc, cmos[HOURS]),
		.minute = decode(rtc, cmos[MINUTES]),
		.second = decode(rtc, cmos[SECONDS]),
	};

	return rtc_date_to(&date);
}

static void set_time(struct rtc *rtc, u64 time)
{
	struct rtc_date date = rtc_date_from(time);
	u8 *cmos = rtc->cmos;

	cmos[SECONDS] = encode(rtc, date.second);
	cmos[MINUTES] = encode(rtc, date.minute);
	cmos[HOURS] = encode_hour(rtc, date.hour);
	cmos[WEEKDAY] = encode(rtc, date.weekday);
	cmos[DAY] = encode(rtc, date.day);
	cmos[MONTH] = encode(rtc, date.month);
	cmos[YEAR] = encode(rtc, date.year % 100);
	cmos[RTC_CENTURY] = encode(rtc, date.year / 100);
}

/* Time passes -------------------------------------------------------------- */

/** Compared as bytes, in whatever format: the chip does not decode them. */
static bool matches(u8 alarm, u8 now)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == now;
}

/** Does the alarm go off now? */
static bool is_alarm(const struct rtc *rtc)
{
	const u8 *cmos = rtc->cmos;

	return matches(cmos[SECONDS_ALARM], cmos[SECONDS]) &&
	       matches(cmos[MINUTES_ALARM], cmos[MINUTES]) &&
	       matches(cmos[HOURS_ALARM], cmos[HOURS]);
}

/**
 * So many updates, each of which may set off the alarm.
 *
 * Whoever has not looked for an hour pays for 3600 of them at once.  The loop
 * has a bound, however long nobody has looked: alarms know no date, so that the
 * last day's seconds are all there are.
 */
static void update(struct rtc *rtc, u64 seconds)
{
	u64 time = get_time(rtc);
	u64 end = time + seconds;

	/* The alarm is the same each day. */
	if (seconds > DAY_SECONDS) {
		time = end - DAY_SECONDS;
	}
	while (time < end) {
		set_time(rtc, ++time);
		if (is_alarm(rtc)) {
			rtc->cmos[C] |= FLAG_ALARM;
			set_time(rtc, end);
			break;
		}
	}
	rtc->cmos[C] |= FLAG_UPDATE;
}

/**
 * Rate n is 2^(n-1) ticks: 3 is 122 microseconds, 15 is half a second.
 * @return ticks of a period, 0: none
 */
static u64 period(const struct rtc *rtc)
{
	unsigned int rate = rtc->cmos[A] & 15;

	/* The two fastest are missing, and two slow ones there twice. */
	return rate == 0 ? 0 : 1ull << (rate < 3 ? rate + 6 : rate - 1);
}

/** A kernel may hold the divider to start the clock on a second's beginning. */
static bool is_running(const struct rtc *rtc)
{
	return (rtc->cmos[A] & A_DIVIDER_OFF) != A_DIVIDER_OFF;
}

/**
 * IRQ in register C is no flag of its own but "some flag and its enable bit";
 * the three have the same places in B and C.
 */
static void set_line(struct rtc *rtc)
{
	bool high = rtc->cmos[B] & rtc->cmos[C] & FLAGS;

	rtc->cmos[C] = (rtc->cmos[C] & FLAGS) | (high ? FLAG_IRQ : 0);
	irq_line_set(&rtc->line, high);
}

/**
 * The first thing in every access.  "Has something happened between was and
 * now?" is asked by dividing both by the period: another quotient, another
 * period.  Several periods are one flag, as on the chip.
 *
 * Ticks go on while the divider is held; only their consequences do not.
 */
static void catch_up(struct rtc *rtc, u64 now)
{
	u64 ticks = clock_ticks(&rtc->clock, now) + rtc->lead;
	u64 was = rtc->ticks;

	if (ticks <= was) {
		return;
	}
	rtc->ticks = ticks;
	if (!is_running(rtc)) {
		return;
	}
	if (period(rtc) && ticks / period(rtc) != was / period(rtc)) {
		rtc->cmos[C] |= FLAG_PERIODIC;
	}
	if (ticks / RTC_HZ != was / RTC_HZ && !(rtc->cmos[B] & B_SET)) {
		update(rtc, ticks / RTC_HZ - was / RTC_HZ);
	}
	set_line(rtc);
}

/** The end of the period that ticks lies in. */
static u64 next_multiple(u64 ticks, u64 of)
{
	return (ticks / of + 1) * of;
}

/**
 * An alarm is looked for each second, though it may be hours away: that costs
 * a timer a second and spares us computing the next match.
 */
static u64 deadline(const struct rtc *rtc)
{
	/* A flag that is set already holds the line high. */
	u8 waits = rtc->cmos[B] & ~rtc->cmos[C] & FLAGS;
	u64 ticks = CLOCK_NEVER;

	if (is_running(rtc) && (waits & (FLAG_ALARM | FLAG_UPDATE)) &&
	    !(rtc->cmos[B] & B_SET)) {
		ticks = next_multiple(rtc->ticks, RTC_HZ);
	}
	if (is_running(rtc) && (waits & FLAG_PERIODIC) && period(rtc)) {
		u64 next = next_multiple(rtc->ticks, period(rtc));

		ticks = next < ticks ? next : ticks;
	}
	return ticks == CLOCK_NEVER
		       ? ticks
		       : clock_when(&rtc->clock, ticks - rtc->lead);
}

u64 rtc_deadline(struct rtc *rtc)
{
	u64 when;

	spinlock_lock(&rtc->lock);
	when = deadline(rtc);
	spinlock_unlock(&rtc->lock);
	return when;
}

u64 rtc_advance(struct rtc *rtc, u64 now)
{
	u64 when;

	spinlock_lock(&rtc->lock);
	catch_up(rtc, now);
	when = deadline(rtc);
	spinlock_unlock(&rtc->lock);
	return when;
}

/* Ports -------------------------------------------------------------------- */

/**
 * Two registers are more than memory.  A has UIP, "do not read the time now":
 * it rises 244 microseconds before the update, so that who sees it clear has
 * that long.  C is cleared by being read, which lets the line fall: an RTC
 * whose handler does not read C never interrupts again.
 */
static u8 read(struct rtc *rtc)
{
	u8 value = rtc->cmos[rtc->index];
	u64 left = RTC_HZ - rtc->ticks % RTC_HZ;

	if (rtc->index == A && is_running(rtc) &&
	    !(rtc->cmos[B] & B_SET) && left <= UIP_TICKS) {
		value |= A_UIP;
	}
	if (rtc->index == C) {
		rtc->cmos[C] = 0;
		set_line(rtc);
	}
	return value;
}

/** Out of its reset the divider makes the first update half a second later. */
static void write_a(struct rtc *rtc, u8 value)
{
	bool ran = is_running(rtc);
	u64 half = RTC_HZ / 2, more;

	rtc->cmos[A] = value & ~A_UIP;
	if (!ran && is_running(rtc)) {
		more = (RTC_HZ + half - rtc->ticks % RTC_HZ) % RTC_HZ;
		rtc->ticks += more;
		rtc->lead += more;
	}
}

/**
 * BCD or binary, 12 or 24 hours: the bytes of the time stay as they are, and
 * are read in the new way.  The data sheet asks software to write all of them
 * anew after it has changed the format.
 */
static void write_b(struct rtc *rtc, u8 value)
{
	rtc->cmos[B] = value;
	/* Setting the time ends an update that was to be told. */
	if (value & B_SET) {
		rtc->cmos[B] &= ~FLAG_UPDATE;
	}
	set_line(rtc);
}

/** Flags and the battery cannot be written; the rest is memory. */
static void write(struct rtc *rtc, u8 value)
{
	switch (rtc->index) {
	case A:
		write_a(rtc, value);
		break;
	case B:
		write_b(rtc, value);
		break;
	case C:
	case D: /* read-only */
		break;
	default:
		rtc->cmos[rtc->index] = value;
		break;
	}
}

void rtc_access(struct rtc *rtc, struct bus_access *access, u64 now)
{
	bool is_index = access->address.v == RTC_PORT;

	spinlock_lock(&rtc->lock);
	catch_up(rtc, now);
	if (is_index) {
		/* The index cannot be read back. */
		if (access->is_write) {
			rtc->index = access->value & (RTC_SIZE - 1);
		} else {
			access->value = 0xff;
		}
	} else if (access->is_write) {
		write(rtc, (u8)access->value);
	} else {
		access->value = read(rtc);
	}
	spinlock_unlock(&rtc->lock);
}

/* What firmware has found -------------------------------------------------- */

/** Two bytes, low one first; what is too much for them is "at least that". */
static void put16(struct rtc *rtc, unsigned int low, u64 value)
{
	value = value < 0xffff ? value : 0xffff;
	rtc->cmos[low] = (u8)value;
	rtc->cmos[low + 1] = (u8)(value >> 8);
}

/**
 * How kernels without a memory map learn how much there is: by convention of
 * the first PCs, in three ways that overlap.
 */
static void note_memory(struct rtc *rtc, u64 memory)
{
	u64 mib = 1ull << 20;

	put16(rtc, 0x15, 640); /* KiB from 0 */
	put16(rtc, 0x17, (memory - mib) >> 10);
	put16(rtc, 0x30, (memory - mib) >> 10);
	/* From 16 MiB on, in 64 KiB. */
	put16(rtc, 0x34, memory > 16 * mib ? (memory - 16 * mib) >> 16 : 0);
}

/* 0x5f is where emulators' firmware looks for the number of CPUs, less one. */
void rtc_init(struct rtc *rtc, const struct rtc_plan *plan,
	      struct irq_line line)
{
	*rtc = (struct rtc){
		.clock = { .origin = plan->now,
			   .tsc_hz = plan->tsc_hz,
			   .hz = RTC_HZ },
		.line = line,
	};
	rtc->cmos[A] = 0x26; /* 32768 Hz, periods of 1/1024 s */
	rtc->cmos[B] = B_24;
	rtc->cmos[D] = D_GOOD;
	rtc->cmos[0x14] = 0x04; /* equipment: no display, no keyboard */
	rtc->cmos[0x5f] = (u8)(plan->cpus - 1);
	note_memory(rtc, plan->memory);
	set_time(rtc, plan->time);
}
