/** @file
 * The 8254: counts, outputs and interrupts of all modes, exact to the tick.
 *
 * The TSC here runs at 16 ticks a PIT tick unless a test says otherwise.
 *
 * links: hv/platform/pit.c hv/platform/pit_counter.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/pit.h"

#define SCALE 16

static struct pit pit;
static u64 now;
static bool line;
static unsigned int rises;

static void see_line(void *data, unsigned int number, bool high)
{
	(void)data;
	(void)number;
	rises += high && !line;
	line = high;
}

static int begin_at(u64 hz)
{
	struct irq_line irq = { see_line, NULL, 0 };

	now = 1000;
	line = false;
	rises = 0;
	pit_init(&pit, hz, now, irq);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_at((u64)PIT_HZ * SCALE);
}

static void out(u16 port, u8 value)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = true, .value = value };

	pit_access(&pit, &a, now);
}

static u8 in(u16 port)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.value = ~0ull };

	pit_access(&pit, &a, now);
	assert_true(a.value <= 0xff);
	return (u8)a.value;
}

static void load(unsigned int counter, u8 mode, u16 count)
{
	out(0x43, (u8)(counter << 6 | 0x30 | mode << 1));
	out((u16)(0x40 + counter), (u8)count);
	out((u16)(0x40 + counter), count >> 8);
}

static u16 count_of(unsigned int counter)
{
	u16 low;

	out(0x43, (u8)(counter << 6));
	low = in((u16)(0x40 + counter));
	return (u16)(in((u16)(0x40 + counter)) << 8 | low);
}

/** So many ticks of the timer later. */
static void wait(u64 ticks)
{
	now += ticks * SCALE;
	pit_advance(&pit, now);
}

static void mode_0_rises_once(void **state)
{
	(void)state;
	load(0, 0, 5);
	assert_false(line);
	wait(1);
	assert_int_equal(count_of(0), 5);
	wait(4);
	assert_int_equal(count_of(0), 1);
	assert_false(line);
	assert_true(pit_deadline(&pit) == now + SCALE);
	wait(1);
	assert_true(line);
	assert_int_equal(count_of(0), 0);
	wait(1);
	assert_int_equal(count_of(0), 0xffff);
	assert_true(pit_deadline(&pit) == CLOCK_NEVER);
	wait(200000);
	assert_int_equal(rises, 1);
	load(0, 0, 3);
	assert_false(line);
}

static void mode_2_rises_each_period(void **state)
{
	(void)state;
	load(0, 2, 10);
	assert_true(line);
	rises = 0;
	wait(1);
	assert_int_equal(count_of(0), 10);
	wait(8);
	assert_int_equal(count_of(0), 2);
	assert_true(line);
	wait(1);
	assert_int_equal(count_of(0), 1);
	assert_false(line);
	wait(1);
	assert_int_equal(count_of(0), 10);
	assert_int_equal(rises, 1);
	assert_true(pit_deadline(&pit) == now + 10 * SCALE);
	wait(1000);
	assert_int_equal(rises, 2); /* late by 99: one interrupt */
	for (unsigned int i = 0; i < 1000; i++) {
		now = pit_deadline(&pit);
		pit_advance(&pit, now - 1);
		assert_int_equal(rises, 2 + i);
		pit_advance(&pit, now);
		assert_int_equal(rises, 3 + i);
	}
	assert_true(now == 1000 + (1 + 10 + 1000 + 10000) * SCALE);
}

static void mode_3_is_a_square_wave(void **state)
{
	(void)state;
	load(0, 3, 7);
	wait(1);
	assert_int_equal(count_of(0), 6);
	wait(3);
	assert_true(line);
	assert_int_equal(count_of(0), 0);
	wait(1);
	assert_false(line);
	assert_int_equal(count_of(0), 6);
	wait(2);
	assert_false(line);
	wait(1);
	assert_true(line);
	assert_int_equal(rises, 2);
}

static void a_new_length_waits_for_the_period(void **state)
{
	(void)state;
	load(0, 2, 10);
	wait(1 + 4);
	out(0x40, 100);
	out(0x40, 0);
	assert_int_equal(count_of(0), 6);
	wait(6);
	assert_int_equal(count_of(0), 100);
	load(1, 3, 100);
	wait(1 + 10);
	out(0x41, 20);
	out(0x41, 0);
	wait(40); /* the low half is the new one's */
	assert_int_equal(count_of(1), 20);
	assert_false(pit_counter_output(&pit.counter[1], pit.tick));
	wait(10);
	assert_true(pit_counter_output(&pit.counter[1], pit.tick));
}

static void gates_stop_and_start(void **state)
{
	(void)state;
	load(2, 0, 100);
	wait(50);
	assert_int_equal(count_of(2), 100); /* its gate is low */
	out(0x61, 1);
	wait(30);
	assert_int_equal(count_of(2), 70);
	out(0x61, 0);
	wait(30);
	assert_int_equal(count_of(2), 70);
	out(0x61, 1);
	wait(69);
	assert_int_equal(in(0x61) & 0x23, 0x01);
	wait(1);
	assert_int_equal(in(0x61) & 0x23, 0x21);
	out(0x61, 0);
	load(2, 1, 10); /* a one-shot that the gate starts */
	wait(20);
	assert_int_equal(in(0x61) & 0x20, 0x20);
	out(0x61, 3);
	assert_int_equal(in(0x61) & 0x23, 0x23 & 0x23);
	wait(1);
	assert_int_equal(in(0x61) & 0x20, 0);
	wait(9);
	assert_int_equal(in(0x61) & 0x20, 0);
	wait(1);
	assert_int_equal(in(0x61) & 0x20, 0x20);
}

static void bytes_come_as_programmed(void **state)
{
	(void)state;
	out(0x43, 0x10); /* low byte only */
	out(0x40, 0x34);
	wait(1);
	assert_int_equal(in(0x40), 0x34);
	assert_int_equal(in(0x40), 0x34);
	out(0x43, 0x20); /* high byte only */
	out(0x40, 0x12);
	wait(1);
	assert_int_equal(in(0x40), 0x12);
	load(0, 0, 0x1234);
	wait(1);
	out(0x43, 0x00);
	wait(0x100);
	out(0x43, 0x00); /* the first latch stays */
	assert_int_equal(in(0x40), 0x34);
	assert_int_equal(in(0x40), 0x12);
	assert_int_equal(in(0x40), 0x34); /* now as it is: 0x1134 */
	assert_int_equal(in(0x40), 0x11);
	assert_int_equal(in(0x43), 0xff);
}

static void read_back_tells_status(void **state)
{
	(void)state;
	load(0, 2, 1000);
	out(0x43, 0xe2);
	assert_int_equal(in(0x40), 0xf4); /* null count: not loaded yet */
	wait(1);
	out(0x43, 0xc2); /* status and count */
	assert_int_equal(in(0x40), 0xb4);
	assert_int_equal(in(0x40), 0xe8);
	assert_int_equal(in(0x40), 0x03);
	out(0x43, 0xd2); /* count only */
	assert_int_equal(in(0x40), 0xe8);
	assert_int_equal(in(0x40), 0x03);
}

static void bcd_counts_in_tens(void **state)
{
	(void)state;
	out(0x43, 0x31);
	out(0x40, 0x00);
	out(0x40, 0x10);
	wait(1 + 1);
	assert_int_equal(count_of(0), 0x0999);
	wait(1000);
	assert_int_equal(count_of(0), 0x9999);
	assert_true(line);
	out(0x43, 0x35);
	out(0x40, 0);
	out(0x40, 0);
	wait(1 + 9999);
	assert_int_equal(count_of(0), 1);
}

static void the_refresh_bit_toggles(void **state)
{
	unsigned int toggles = 0;
	u8 last = in(0x61);

	(void)state;
	for (unsigned int i = 0; i < 18 * 100; i++) {
		u8 seen;

		wait(1);
		seen = in(0x61);
		toggles += (seen ^ last) >> 4 & 1;
		last = seen;
	}
	assert_int_equal(toggles, 100);
}

/** As Linux does it: 50 ms on counter 2, at a rate that divides badly. */
static void a_kernel_finds_the_tsc_rate(void **state)
{
	u64 hz = 2893211777ull, ticks = PIT_HZ / 20, begins;

	(void)state;
	begin_at(hz);
	out(0x61, 1);
	begins = now;
	load(2, 0, (u16)ticks);
	while (!(in(0x61) & 0x20)) {
		now += 97;
	}
	/* One tick for loading, and at most a loop too late. */
	begins = now - begins - (ticks + 1) * hz / PIT_HZ;
	assert_in_range(begins, 0, 98);
}

static void time_may_step_back(void **state)
{
	(void)state;
	load(0, 2, 100);
	wait(50);
	now -= 20 * SCALE;
	assert_int_equal(count_of(0), 51);
	now = 0;
	assert_int_equal(count_of(0), 51);
}

/** Whatever is programmed, rises() is where output() is seen to rise. */
static void deadlines_agree_with_outputs(void **state)
{
	u32 seed = 3;

	(void)state;
	for (unsigned int i = 0; i < 30000; i++) {
		struct pit_counter copy;
		u64 from = pit.tick, tick = from, rise;
		bool was;

		seed = seed * 1664525 + 1013904223;
		out(seed >> 9 & 1 ? 0x40 : 0x43, seed >> 20 & 0x3f);
		now += (seed >> 14 & 0x3f) * SCALE;
		in(0x40);
		from = tick = pit.tick;
		copy = pit.counter[0];
		was = pit_counter_output(&copy, tick);
		rise = pit_counter_rises(&copy, tick);
		while (tick < from + 150) {
			bool is = pit_counter_output(&copy, ++tick);

			if (is && !was) {
				break;
			}
			was = is;
		}
		if (tick < from + 150) {
			assert_true(rise == tick);
		} else {
			assert_true(rise >= tick);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mode_0_rises_once, begin),
		cmocka_unit_test_setup(mode_2_rises_each_period, begin),
		cmocka_unit_test_setup(mode_3_is_a_square_wave, begin),
		cmocka_unit_test_setup(a_new_length_waits_for_the_period,
				       begin),
		cmocka_unit_test_setup(gates_stop_and_start, begin),
		cmocka_unit_test_setup(bytes_come_as_programmed, begin),
		cmocka_unit_test_setup(read_back_tells_status, begin),
		cmocka_unit_test_setup(bcd_counts_in_tens, begin),
		cmocka_unit_test_setup(the_refresh_bit_toggles, begin),
		cmocka_unit_test_setup(a_kernel_finds_the_tsc_rate, begin),
		cmocka_unit_test_setup(time_may_step_back, begin),
		cmocka_unit_test_setup(deadlines_agree_with_outputs, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
