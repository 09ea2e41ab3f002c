/** @file
 * The 8254's data sheet, mode by mode: triggers, new counts, latches, BCD.
 *
 * One counter alone, its gate in our hand (pit_test.c has the chip).  A tick is
 * a falling edge of its clock.
 *
 * links: hv/platform/pit_counter.c hv/platform/pit.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/clock.h"
#include "hv/platform/pit.h"

static struct pit_counter counter;
static u64 tick;

static void load(u8 mode, u16 count)
{
	pit_counter_control(&counter, (u8)(PIT_BOTH << 4 | mode << 1), tick);
	pit_counter_write(&counter, (u8)count, tick);
	pit_counter_write(&counter, count >> 8, tick);
}

static void write(u16 count)
{
	pit_counter_write(&counter, (u8)count, tick);
	pit_counter_write(&counter, count >> 8, tick);
}

static void gate(bool high)
{
	pit_counter_gate(&counter, high, tick);
}

static bool output(void)
{
	return pit_counter_output(&counter, tick);
}

static u16 count(void)
{
	u8 low;

	pit_counter_latch(&counter, tick);
	low = pit_counter_read(&counter, tick);
	return (u16)(pit_counter_read(&counter, tick) << 8 | low);
}

/** A letter each tick: H or L. */
static void assert_outputs(const char *expected)
{
	for (; *expected; expected++) {
		tick++;
		assert_int_equal(output() ? 'H' : 'L', *expected);
	}
}

static int begin(void **state)
{
	(void)state;
	memset(&counter, 0, sizeof(counter));
	tick = 1000;
	counter.gate = true;
	return 0;
}

static void mode_0_waits_for_both_bytes(void **state)
{
	(void)state;
	load(0, 4);
	assert_false(output());
	assert_outputs("LLLLHHH");
	pit_counter_write(&counter, 3, tick); /* the first byte stops it ... */
	assert_false(output());
	assert_outputs("LLLL");
	pit_counter_write(&counter, 0, tick); /* ... the second starts it */
	assert_outputs("LLLHHH");
	load(0, 4);
	assert_outputs("LL");
	write(4); /* a new count begins anew */
	assert_outputs("LLLLH");
}

static void mode_0_stands_while_the_gate_is_low(void **state)
{
	(void)state;
	load(0, 4);
	assert_outputs("LL");
	assert_int_equal(count(), 3);
	gate(false);
	gate(false);
	assert_outputs("LLL");
	assert_int_equal(count(), 3);
	gate(true);
	gate(true); /* it was high already */
	assert_outputs("LLH");
	gate(false);
	load(0, 2);
	assert_outputs("LLLL");
	gate(true);
	assert_outputs("LH");
	write(6);
	assert_outputs("LLL");
	gate(false);
	write(4); /* of which nothing has gone by */
	assert_outputs("LL");
	gate(true);
	assert_outputs("LLLH");
}

static void mode_1_is_triggered_again(void **state)
{
	(void)state;
	load(1, 3);
	assert_true(output());
	assert_outputs("HHH");
	gate(false);
	assert_outputs("H");
	gate(true);
	assert_outputs("LL");
	gate(false); /* a low gate does not stop it */
	gate(true); /* a rising one starts it anew */
	assert_outputs("LLLH");
	assert_outputs("HHHH");
	write(5); /* a new count waits for its trigger */
	assert_outputs("HH");
	gate(false);
	gate(true);
	assert_outputs("LLLLLH");
}

static void mode_2_starts_with_the_gate(void **state)
{
	(void)state;
	load(2, 4);
	assert_outputs("HHHL" "HHHL" "HH");
	gate(false); /* its output goes high at once, and it stands */
	assert_outputs("HHHHHH");
	gate(true);
	assert_outputs("HHHL" "HHH");
	gate(false);
	assert_outputs("HH");
	gate(true);
	assert_outputs("HHHLH");
	write(2); /* from the next period on */
	assert_outputs("HHL" "HLHL");
	write(1); /* is none: as if it were 2 */
	assert_outputs("HLHLHL");
}

static void mode_3_has_two_halves(void **state)
{
	(void)state;
	load(3, 5);
	assert_outputs("HHHLL" "HHHLL" "H");
	gate(false);
	assert_outputs("HHHH");
	gate(true);
	assert_outputs("HHHLL" "HHHL");
	gate(false); /* in the low half: high at once */
	assert_true(output());
	assert_outputs("HH");
	gate(true);
	assert_outputs("HHHLL" "H");
	write(4); /* after this half */
	assert_outputs("HHLL" "HHLL" "HH");
	write(2); /* in its last tick: the other half is the new one */
	assert_outputs("L" "HLHL");
}

static void mode_4_strobes_once(void **state)
{
	(void)state;
	load(4, 3);
	assert_outputs("HHHLHHHH");
	assert_true(pit_counter_rises(&counter, tick) == CLOCK_NEVER);
	write(2);
	assert_true(pit_counter_rises(&counter, tick) == tick + 4);
	assert_outputs("HHL");
	write(3); /* in the strobe: it has its end */
	assert_true(pit_counter_rises(&counter, tick) == tick + 1);
	assert_outputs("HHHL");
	load(4, 5);
	assert_outputs("HH");
	gate(false);
	assert_outputs("HHHHHHHH");
	gate(true);
	assert_outputs("HHHLH");
}

static void mode_5_strobes_by_the_gate(void **state)
{
	(void)state;
	load(5, 2);
	assert_outputs("HHHH");
	gate(false);
	gate(true);
	assert_outputs("HHLHH");
	gate(false);
	gate(true);
	assert_outputs("H");
	gate(false);
	gate(true); /* again */
	assert_outputs("HHLHHH");
}

static void modes_6_and_7_are_2_and_3(void **state)
{
	(void)state;
	load(6, 3);
	assert_outputs("HHLHHL");
	load(7, 4);
	assert_outputs("HHLLHHLL");
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick) & 0x3f, 0x36);
}

static void counts_in_bcd(void **state)
{
	(void)state;
	pit_counter_control(&counter, PIT_BOTH << 4 | 4 | 1, tick);
	write(0x1234);
	tick++;
	assert_int_equal(count(), 0x1234);
	tick += 5;
	assert_int_equal(count(), 0x1229);
	tick += 1229 - 1;
	assert_int_equal(count(), 0x0001);
	tick++;
	assert_int_equal(count(), 0x1234);
	pit_counter_control(&counter, PIT_BOTH << 4, tick);
	write(0);
	tick += 1 + 0xffff;
	assert_int_equal(count(), 1);
	assert_outputs("H");
}

static void status_tells_null_count(void **state)
{
	(void)state;
	pit_counter_control(&counter, PIT_BOTH << 4 | 4, tick);
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick), 0xf4);
	write(4);
	tick++;
	pit_counter_latch_status(&counter, tick);
	tick += 3; /* the first one stays, whatever happens */
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick), 0xb4);
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick), 0x34);
	write(5);
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick), 0x74);
	tick++;
	pit_counter_latch_status(&counter, tick);
	assert_int_equal(pit_counter_read(&counter, tick), 0xb4);
}

static void a_latch_of_one_byte_is_read_once(void **state)
{
	(void)state;
	pit_counter_control(&counter, PIT_LOW << 4, tick);
	pit_counter_write(&counter, 0x80, tick);
	tick++;
	pit_counter_latch(&counter, tick);
	tick += 16;
	assert_int_equal(pit_counter_read(&counter, tick), 0x80);
	assert_int_equal(pit_counter_read(&counter, tick), 0x70);
	pit_counter_control(&counter, PIT_HIGH << 4, tick);
	pit_counter_write(&counter, 0x02, tick);
	tick += 2;
	assert_int_equal(pit_counter_read(&counter, tick), 0x01);
}

/* The chip ----------------------------------------------------------------- */

static struct pit pit;
static bool line;
static unsigned int falls;

static void see_line(void *data, unsigned int number, bool high)
{
	(void)data;
	(void)number;
	falls += line && !high;
	line = high;
}

static u8 access(u16 port, bool is_write, u8 value)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = is_write, .value = value };

	pit_access(&pit, &a, tick);
	return (u8)a.value;
}

static void read_back_latches_what_is_asked(void **state)
{
	struct irq_line irq = { see_line, NULL, 0 };

	(void)state;
	pit_init(&pit, PIT_HZ, tick, irq);
	for (u16 i = 0; i < 3; i++) {
		access(0x43, true, (u8)(i << 6 | 0x30)); /* mode 0 */
		access(0x40 + i, true, 100);
		access(0x40 + i, true, 0);
	}
	tick += 11;
	access(0x43, true, 0xdc); /* the counts of 1 and 2 */
	tick += 10;
	assert_int_equal(access(0x40, false, 0), 80);
	access(0x40, false, 0);
	assert_int_equal(access(0x41, false, 0), 90);
	access(0x41, false, 0);
	assert_int_equal(access(0x41, false, 0), 80);
	access(0x41, false, 0);
	assert_int_equal(access(0x42, false, 0), 100); /* its gate is low */
	access(0x42, false, 0);
	access(0x43, true, 0xe4); /* the status of 1 */
	tick += 5;
	assert_int_equal(access(0x41, false, 0), 0x30);
	assert_int_equal(access(0x41, false, 0), 75); /* not latched */
}

/** Late by so much that the output is low again: the line is, too. */
static void a_late_rise_ends_where_the_output_is(void **state)
{
	struct irq_line irq = { see_line, NULL, 0 };

	(void)state;
	line = false;
	pit_init(&pit, PIT_HZ, tick, irq);
	access(0x43, true, 0x34);
	access(0x40, true, 10);
	access(0x40, true, 0);
	assert_true(line);
	falls = 0;
	pit_advance(&pit, tick + 1 + 10 + 9);
	assert_false(line);
	assert_int_equal(falls, 2);
	pit_advance(&pit, tick + 1 + 10 + 10);
	assert_true(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mode_0_waits_for_both_bytes, begin),
		cmocka_unit_test_setup(mode_0_stands_while_the_gate_is_low,
				       begin),
		cmocka_unit_test_setup(mode_1_is_triggered_again, begin),
		cmocka_unit_test_setup(mode_2_starts_with_the_gate, begin),
		cmocka_unit_test_setup(mode_3_has_two_halves, begin),
		cmocka_unit_test_setup(mode_4_strobes_once, begin),
		cmocka_unit_test_setup(mode_5_strobes_by_the_gate, begin),
		cmocka_unit_test_setup(modes_6_and_7_are_2_and_3, begin),
		cmocka_unit_test_setup(counts_in_bcd, begin),
		cmocka_unit_test_setup(status_tells_null_count, begin),
		cmocka_unit_test_setup(a_latch_of_one_byte_is_read_once,
				       begin),
		cmocka_unit_test_setup(read_back_latches_what_is_asked, begin),
		cmocka_unit_test_setup(a_late_rise_ends_where_the_output_is,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
