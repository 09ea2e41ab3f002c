/** @file
 * Seconds since 1970 and dates of the Gregorian calendar.
 */
#ifndef HV_PLATFORM_RTC_DATE_H
#define HV_PLATFORM_RTC_DATE_H

#include "bus/types.h"

struct rtc_date {
	u32 year;	      /* 1970 to 9999 */
	u32 month, day;	      /* from 1 */
	u32 hour, minute, second;
	u32 weekday;	      /* 1: Sunday; from seconds only */
};

/** @param time seconds since 1970 */
struct rtc_date rtc_date_from(u64 time);

/**
 * @param date fields of any value: those out of range are as the nearest that
 *	is in range
 * @return seconds since 1970
 */
u64 rtc_date_to(const struct rtc_date *date);

#endif
