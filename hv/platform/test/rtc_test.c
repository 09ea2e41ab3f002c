/** @file
 * The clock and the keyboard controller.
 *
 * links: hv/platform/rtc.c hv/platform/rtc_date.c hv/platform/i8042.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "hv/platform/i8042.h"
#include "hv/platform/rtc.h"
#include "hv/platform/rtc_date.h"

#define HZ 3276800ull /* 100 TSC ticks a tick */

static struct rtc rtc;
static u64 now;
static bool line;

static void see_line(void *data, unsigned int number, bool high)
{
	(void)data;
	assert_int_equal(number, 8);
	line = high;
}

static int begin_at(u64 time)
{
	struct irq_line irq = { see_line, NULL, 8 };
	struct rtc_plan plan = { .tsc_hz = HZ,
				 .now = now = 12345,
				 .time = time,
				 .memory = 128 << 20,
				 .cpus = 2 };

	line = false;
	rtc_init(&rtc, &plan, irq);
	return 0;
}

/** 31 December 1999, a Friday, 23:59:58. */
static int begin(void **state)
{
	(void)state;
	return begin_at(946684798);
}

static void out(u16 port, u8 value)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = true, .value = value };

	rtc_access(&rtc, &a, now);
}

static u8 in(u16 port)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.value = ~0ull };

	rtc_access(&rtc, &a, now);
	assert_true(a.value <= 0xff);
	return (u8)a.value;
}

static u8 get(u8 reg)
{
	out(0x70, reg);
	return in(0x71);
}

static void put(u8 reg, u8 value)
{
	out(0x70, reg);
	out(0x71, value);
}

static void assert_time(u32 date, u32 time, u8 weekday)
{
	assert_int_equal(get(0x32) << 24 | get(9) << 16 | get(8) << 8 | get(7),
			 date);
	assert_int_equal(get(4) << 16 | get(2) << 8 | get(0), time);
	assert_int_equal(get(6), weekday);
}

static void dates_are_those_of_the_library(void **state)
{
	(void)state;
	for (u64 time = 0; time < 253402300799ull; time += 86400 * 9 + 4567) {
		time_t t = (time_t)time;
		struct tm tm;
		struct rtc_date date = rtc_date_from(time);

		gmtime_r(&t, &tm);
		assert_int_equal(date.year, tm.tm_year + 1900);
		assert_int_equal(date.month, tm.tm_mon + 1);
		assert_int_equal(date.day, tm.tm_mday);
		assert_int_equal(date.hour, tm.tm_hour);
		assert_int_equal(date.minute, tm.tm_min);
		assert_int_equal(date.second, tm.tm_sec);
		assert_int_equal(date.weekday, tm.tm_wday + 1);
		assert_true(rtc_date_to(&date) == time);
	}
}

static void time_passes(void **state)
{
	(void)state;
	assert_time(0x19991231, 0x235958, 6);
	now += 2 * HZ;
	assert_time(0x20000101, 0x000000, 7);
	now += 59 * 86400ull * HZ;
	assert_time(0x20000229, 0x000000, 3);
	now += 13 * 3600 * HZ;
	assert_int_equal(get(4), 0x13);
}

static void numbers_come_as_asked(void **state)
{
	(void)state;
	put(0xb, 0x04); /* binary, 12 hours */
	put(0x0b, 0x84);
	put(4, 0x8b); /* 11 at night */
	put(2, 59);
	put(0, 59);
	put(9, 24);
	put(0x32, 20);
	put(8, 2);
	put(7, 28);
	now += 5 * HZ; /* it stands still while it is set */
	assert_int_equal(get(0), 59);
	put(0xb, 0x04);
	now += HZ;
	assert_int_equal(get(4), 12); /* midnight */
	assert_int_equal(get(7), 29);
	now += 12 * 3600 * HZ;
	assert_int_equal(get(4), 0x8c);
	now += 3600 * HZ;
	assert_int_equal(get(4), 0x81);
}

static void an_update_is_announced(void **state)
{
	(void)state;
	assert_int_equal(get(0xa), 0x26);
	now += HZ - 801;
	assert_int_equal(get(0xa), 0x26);
	now += 1;
	assert_int_equal(get(0xa), 0xa6);
	now += 800;
	assert_int_equal(get(0xa), 0x26);
	assert_int_equal(get(0), 0x59);
}

static void periods_interrupt(void **state)
{
	(void)state;
	assert_true(rtc_deadline(&rtc) == CLOCK_NEVER);
	put(0xb, 0x42);
	for (unsigned int i = 1; i <= 2000; i++) {
		assert_true(rtc_deadline(&rtc) == 12345 + i * 3200);
		now = rtc_deadline(&rtc);
		rtc_advance(&rtc, now - 1);
		assert_false(line);
		rtc_advance(&rtc, now);
		assert_true(line);
		assert_true(rtc_deadline(&rtc) == CLOCK_NEVER);
		assert_int_equal(get(0xc) & 0xc0, 0xc0);
		assert_false(line);
		assert_int_equal(get(0xc), 0);
	}
}

static void the_alarm_goes_off(void **state)
{
	(void)state;
	put(5, 0x00);
	put(3, 0x00);
	put(1, 0x01);
	put(0xb, 0x22);
	for (unsigned int i = 0; i < 3; i++) {
		assert_false(line);
		assert_true(rtc_deadline(&rtc) == 12345 + (i + 1) * HZ);
		now = rtc_deadline(&rtc);
		rtc_advance(&rtc, now);
	}
	assert_true(line);
	assert_int_equal(get(0xc) & 0xa0, 0xa0);
	now += 7 * 86400ull * HZ;
	rtc_advance(&rtc, now);
	assert_true(line);
	assert_time(0x20000108, 0x000001, 7);
	assert_int_equal(get(0xc) & 0x30, 0x30);
	put(5, 0xff); /* any hour */
	now += 3600 * HZ;
	rtc_advance(&rtc, now);
	assert_true(line);
}

static void updates_interrupt(void **state)
{
	(void)state;
	put(0xb, 0x12);
	now = rtc_deadline(&rtc);
	rtc_advance(&rtc, now);
	assert_int_equal(get(0xc) & 0x90, 0x90);
	put(0xb, 0x92); /* setting ends it */
	assert_int_equal(get(0xb), 0x82);
	assert_true(rtc_deadline(&rtc) == CLOCK_NEVER);
}

static void rates_are_those_of_the_data_sheet(void **state)
{
	/* In 32768ths of a second. */
	static const u32 periods[16] = { 0, 128, 256, 4, 8, 16, 32, 64, 128,
					 256, 512, 1024, 2048, 4096, 8192,
					 16384 };

	(void)state;
	put(0xb, 0x42);
	assert_true(rtc_deadline(&rtc) != CLOCK_NEVER);
	put(0xa, 0x20);
	assert_int_equal(get(0xa), 0x20);
	assert_true(rtc_deadline(&rtc) == CLOCK_NEVER);
	for (u8 rate = 1; rate < 16; rate++) {
		put(0xa, 0x20 | rate);
		get(0xc);
		now = rtc_deadline(&rtc);
		assert_int_equal((now - 12345) / 100 % periods[rate], 0);
		rtc_advance(&rtc, now);
		assert_int_equal(get(0xc) & 0xc0, 0xc0);
		assert_int_equal(get(0xc), 0);
		assert_true(rtc_deadline(&rtc) == now + 100 * periods[rate]);
	}
}

static void a_divider_in_reset_stands_still(void **state)
{
	(void)state;
	put(0xb, 0x52);
	put(0xa, 0x70);
	assert_true(rtc_deadline(&rtc) == CLOCK_NEVER);
	now += 10 * HZ + 3 * HZ / 4;
	assert_int_equal(get(0), 0x58);
	assert_int_equal(get(0xc), 0);
	put(0xa, 0xa0); /* bit 7 cannot be written */
	assert_int_equal(get(0xa), 0x20);
	assert_true(rtc_deadline(&rtc) == now + HZ / 2);
	now += HZ / 2 - 1;
	assert_int_equal(get(0), 0x58);
	now += 1;
	assert_int_equal(get(0), 0x59);
	assert_true(line);
	put(0xa, 0x26); /* it ran: no new half second */
	get(0xc);
	put(0xb, 0x12);
	assert_true(rtc_deadline(&rtc) == now + HZ);
}

static void a_small_machine_has_little_memory(void **state)
{
	struct irq_line irq = { see_line, NULL, 8 };
	struct rtc_plan plan = { .tsc_hz = HZ, .now = now, .cpus = 1,
				 .memory = 16 << 20 };

	(void)state;
	rtc_init(&rtc, &plan, irq);
	assert_int_equal(get(0x18) << 8 | get(0x17), 15 << 10);
	assert_int_equal(get(0x31) << 8 | get(0x30), 15 << 10);
	assert_int_equal(get(0x35) << 8 | get(0x34), 0);
}

static void flags_come_without_enables(void **state)
{
	(void)state;
	now += HZ;
	assert_int_equal(get(0xc), 0x50);
	assert_false(line);
	now += HZ;
	put(0xb, 0x12); /* what has happened interrupts now */
	assert_true(line);
	get(0xb);
	assert_true(line); /* only C ends it */
	put(0xb, 0x02);
	assert_false(line);
	put(0xb, 0x12);
	assert_true(line);
	put(0xb, 0x92); /* setting the time takes UIE away */
	assert_false(line);
}

static void firmware_has_noted_memory(void **state)
{
	(void)state;
	assert_int_equal(get(0x16) << 8 | get(0x15), 640);
	assert_int_equal(get(0x31) << 8 | get(0x30), 0xffff);
	assert_int_equal(get(0x18) << 8 | get(0x17), 0xffff);
	assert_int_equal(get(0x35) << 8 | get(0x34), (112 << 20) >> 16);
	assert_int_equal(get(0x5f), 1);
	assert_int_equal(get(0xd), 0x80);
	put(0xd, 0);
	assert_int_equal(get(0xd), 0x80);
	put(0xff, 0x77); /* bit 7 is the NMI's */
	assert_int_equal(get(0x7f), 0x77);
	assert_int_equal(in(0x70), 0xff);
}

static void anything_may_be_written(void **state)
{
	u32 seed = 5;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed & BIT(30)) {
			put(seed >> 8 & 0x8f, (u8)(seed >> 16));
		} else {
			get(seed >> 8 & 0x8f);
		}
		now += (seed >> 12 & 0x3f) * HZ / 7;
		rtc_advance(&rtc, now);
		assert_true(rtc_deadline(&rtc) > now);
	}
}

static unsigned int resets;

static void see_reset(void *data)
{
	(void)data;
	resets++;
}

static u64 key_access(u16 port, int value)
{
	static struct i8042 i8042;
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = value >= 0, .value = (u64)value };

	if (!i8042.reset) {
		i8042_init(&i8042, see_reset, NULL);
	}
	assert_int_equal(i8042_access(&i8042, &a), 0);
	return a.value;
}

static u8 ask(u8 command)
{
	key_access(0x64, command);
	assert_int_equal(key_access(0x64, -1) & 9, 9);
	return (u8)key_access(0x60, -1);
}

static void the_keyboard_controller_resets(void **state)
{
	(void)state;
	assert_int_equal(key_access(0x64, -1), 0x10);
	assert_int_equal(ask(0xaa), 0x55);
	assert_int_equal(key_access(0x64, -1), 0x1c);
	key_access(0x64, 0x60);
	key_access(0x60, 0x03);
	assert_int_equal(ask(0x20), 0x03);
	key_access(0x64, 0xad);
	assert_int_equal(ask(0x20), 0x13);
	key_access(0x64, 0xd1); /* A20 on */
	key_access(0x60, 0xdf);
	assert_int_equal(ask(0xd0), 0x03);
	key_access(0x60, 0xff); /* a keyboard would answer */
	assert_int_equal(key_access(0x64, -1) & 1, 0);
	assert_int_equal(resets, 0);
	key_access(0x64, 0xfe);
	assert_int_equal(resets, 1);
	key_access(0x64, 0xd1);
	key_access(0x60, 0xfe);
	assert_int_equal(resets, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_those_of_the_library),
		cmocka_unit_test_setup(time_passes, begin),
		cmocka_unit_test_setup(numbers_come_as_asked, begin),
		cmocka_unit_test_setup(an_update_is_announced, begin),
		cmocka_unit_test_setup(periods_interrupt, begin),
		cmocka_unit_test_setup(the_alarm_goes_off, begin),
		cmocka_unit_test_setup(updates_interrupt, begin),
		cmocka_unit_test_setup(rates_are_those_of_the_data_sheet,
				       begin),
		cmocka_unit_test_setup(a_divider_in_reset_stands_still, begin),
		cmocka_unit_test_setup(flags_come_without_enables, begin),
		cmocka_unit_test_setup(a_small_machine_has_little_memory,
				       begin),
		cmocka_unit_test_setup(firmware_has_noted_memory, begin),
		cmocka_unit_test_setup(anything_may_be_written, begin),
		cmocka_unit_test(the_keyboard_controller_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
