/** @file
 * The calendar, counted in years that begin in March.
 *
 * With February at its end, a leap day is the last of its year, and the days
 * before a month follow from one division: the months March to January have 153
 * days each five.
 *
 * Years come in eras of 400, after which the calendar repeats to the day.  What
 * a guest writes into the registers need not be a date at all; rtc_date_to()
 * takes the nearest one, so that a clock that was set to nonsense goes on from
 * there.
 */
#include "hv/platform/rtc_date.h"

#define DAY 86400u
#define DAYS_OF_400_YEARS 146097u

/** From 1 March of year 0 to 1 January 1970. */
#define DAYS_TO_1970 719468u

static u32 clamp(u32 value, u32 low, u32 high)
{
	return value < low ? low : value > high ? high : value;
}

static bool is_leap(u32 year)
{
	return year % 4 == 0 && (year % 100 || year % 400 == 0);
}

static u32 days_of(u32 year, u32 month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/*
 * 1460 and 146096 are the days of 4 and of 400 years but for the last one, the
 * leap day: divided by 365 it would be the first of the next year.  36524 days
 * are 100 years, which end without one, and are given back.  1 January 1970 was
 * a Thursday, the fifth day from Sunday on.
 */
struct rtc_date rtc_date_from(u64 time)
{
	u64 days = time / DAY + DAYS_TO_1970;
	u32 seconds = (u32)(time % DAY);
	u32 era = (u32)(days / DAYS_OF_400_YEARS);
	u32 day = (u32)(days % DAYS_OF_400_YEARS);
	u32 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	u32 month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153; /* 0: March */
	return (struct rtc_date){
		.year = era * 400 + year + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day - (153 * month + 2) / 5 + 1,
		.hour = seconds / 3600,
		.minute = seconds / 60 % 60,
		.second = seconds % 60,
		.weekday = (u32)((time / DAY + 4) % 7) + 1,
	};
}

/* The same backwards; the day is clamped to its month before that is turned. */
u64 rtc_date_to(const struct rtc_date *date)
{
	u32 year = clamp(date->year, 1970, 9999);
	u32 month = clamp(date->month, 1, 12);
	u32 day = clamp(date->day, 1, days_of(year, month));
	u64 days;

	year -= month <= 2;
	month = month > 2 ? month - 3 : month + 9;
	days = 365ull * year + year / 4 - year / 100 + year / 400 +
	       (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970;
	return days * DAY + clamp(date->hour, 0, 23) * 3600 +
	       clamp(date->minute, 0, 59) * 60 + clamp(date->second, 0, 59);
}
