/** @file
 * The 8259 pair: priorities, acknowledge, end of interrupt, its odd modes.
 *
 * links: hv/platform/pic.c hv/platform/pic_ports.c
 * links: hv/platform/test/spinlock.c
 */
#include "hv/platform/test/pic_bed.h"

static void an_edge_interrupts_once(void **state)
{
	(void)state;
	pic_set_line(&pic, 4, true);
	assert_true(intr && pic_is_high(&pic));
	assert_int_equal(pic_acknowledge(&pic), 0x24);
	assert_false(intr);
	out(0x20, EOI);
	assert_false(intr);
	pic_set_line(&pic, 4, false);
	pic_set_line(&pic, 4, true);
	assert_int_equal(pic_acknowledge(&pic), 0x24);
	assert_int_equal(rises, 2);
}

static void a_pulse_is_an_edge_of_a_line_that_stays(void **state)
{
	(void)state;
	pic_pulse_line(&pic, 4);
	assert_true(intr);
	pic_pulse_line(&pic, 4); /* for a moment nobody asks */
	assert_int_equal(rises, 2);
	assert_int_equal(pic_acknowledge(&pic), 0x24);
	out(0x20, EOI);
	assert_false(intr);
	pic_pulse_line(&pic, 12);
	assert_int_equal(pic_acknowledge(&pic), 0x2c);
	pic_set_line(&pic, 12, true); /* it is high */
	out(0xa0, EOI);
	out(0x20, EOI);
	assert_false(intr);
	pic_pulse_line(&pic, 2);
	pic_pulse_line(&pic, 16);
	assert_false(intr);
}

static void a_level_interrupts_until_it_falls(void **state)
{
	(void)state;
	out(0x4d0, 0xff);
	assert_int_equal(in(0x4d0), 0xf8); /* 0, 1 and 2 are edges */
	pic_set_line(&pic, 5, true);
	assert_int_equal(pic_acknowledge(&pic), 0x25);
	assert_false(intr);
	out(0x20, EOI);
	assert_true(intr);
	pic_set_line(&pic, 5, false);
	assert_false(intr);
	out(0x4d1, 0xff);
	assert_int_equal(in(0x4d1), 0xde);
}

static void lower_lines_come_first_and_may_interrupt(void **state)
{
	(void)state;
	pic_set_line(&pic, 6, true);
	pic_set_line(&pic, 3, true);
	assert_int_equal(pic_acknowledge(&pic), 0x23);
	assert_false(intr); /* 6 waits for the end of 3 */
	pic_set_line(&pic, 1, true);
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0x0a);
	out(0x20, READ_IRR);
	assert_int_equal(in(0x20), 0x40);
	out(0x20, EOI); /* of 1 */
	assert_false(intr);
	out(0x20, EOI); /* of 3 */
	assert_int_equal(pic_acknowledge(&pic), 0x26);
}

static void masked_lines_wait(void **state)
{
	(void)state;
	out(0x21, 0x10);
	assert_int_equal(in(0x21), 0x10);
	pic_set_line(&pic, 4, true);
	assert_false(intr);
	out(0x21, 0);
	assert_true(intr);
}

static void the_slave_asks_through_line_2(void **state)
{
	(void)state;
	pic_set_line(&pic, 8, true);
	pic_set_line(&pic, 14, true);
	pic_set_line(&pic, 3, true);
	assert_int_equal(pic_acknowledge(&pic), 0x28);
	assert_false(intr); /* 14 below 8, 3 below 2 */
	out(0xa0, EOI);
	assert_false(intr); /* the master still serves line 2 */
	out(0x20, EOI);
	assert_int_equal(pic_acknowledge(&pic), 0x2e);
	out(0xa0, EOI);
	out(0x20, EOI);
	assert_int_equal(pic_acknowledge(&pic), 0x23);
	assert_int_equal(in(0xa0), 0);
}

static void a_line_that_goes_is_spurious(void **state)
{
	(void)state;
	pic_set_line(&pic, 4, true);
	pic_set_line(&pic, 4, false);
	assert_false(intr);
	assert_int_equal(pic_acknowledge(&pic), 0x27);
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0); /* nothing is in service */
	pic_set_line(&pic, 12, true);
	out(0xa1, 0xff);
	assert_false(intr);
	assert_int_equal(pic_acknowledge(&pic), 0x27);
}

static void automatic_end_needs_none(void **state)
{
	(void)state;
	program(0x11, 0x03);
	pulse(0);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
	pulse(1);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	pic_set_line(&pic, 9, true);
	pic_set_line(&pic, 10, true);
	assert_int_equal(pic_acknowledge(&pic), 0x29);
	assert_int_equal(pic_acknowledge(&pic), 0x2a);
	assert_false(intr);
	/* ... rotating: the one served becomes the lowest */
	out(0x20, 0x80);
	pulse(0);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
	pulse(0);
	pulse(1);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
}

static void priorities_rotate(void **state)
{
	(void)state;
	out(0x20, 0xc3); /* 3 is the lowest, 4 the highest */
	pulse(3);
	pulse(4);
	pulse(0);
	assert_int_equal(pic_acknowledge(&pic), 0x24);
	out(0x20, 0xa0); /* rotate on EOI: 4 is the lowest */
	pulse(4);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
	out(0x20, 0x60); /* EOI of line 0 by name */
	assert_int_equal(pic_acknowledge(&pic), 0x23);
	out(0x20, 0xe3); /* EOI of 3, which becomes the lowest */
	assert_int_equal(pic_acknowledge(&pic), 0x24);
}

static void special_mask_lets_lower_lines_through(void **state)
{
	(void)state;
	pulse(1);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	pulse(5);
	assert_false(intr);
	out(0x21, 0x02);
	assert_false(intr);
	out(0x20, 0x68);
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&pic), 0x25);
	out(0x20, EOI); /* of 5, since 1 is masked */
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0x02);
	out(0x20, 0x48);
	pulse(6);
	assert_false(intr);
}

static void fully_nested_slave_may_ask_twice(void **state)
{
	(void)state;
	program(0x11, 0x11);
	pulse(12);
	assert_int_equal(pic_acknowledge(&pic), 0x2c);
	pulse(9);
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&pic), 0x29);
}

static void polling_acknowledges(void **state)
{
	(void)state;
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0);
	pulse(3);
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0x83);
	assert_false(intr);
	assert_int_equal(in(0x21), 0); /* the mask again */
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0x08);
}

static void a_level_counts_as_soon_as_it_is_one(void **state)
{
	(void)state;
	pic_set_line(&pic, 5, true);
	assert_int_equal(pic_acknowledge(&pic), 0x25);
	out(0x20, EOI);
	assert_false(intr);
	out(0x4d0, 0x20);
	assert_true(intr);
	pic_set_line(&pic, 11, true);
	out(0x4d1, 0x08);
	assert_int_equal(in(0x4d1), 0x08);
	assert_int_equal(pic_acknowledge(&pic), 0x2b); /* line 2 before 5 */
	out(0x20, EOI);
	assert_int_equal(pic_acknowledge(&pic), 0x25);
}

static void beginning_again_forgets(void **state)
{
	(void)state;
	pic_set_line(&pic, 4, true);
	out(0x21, 0xff);
	program(0x11, 0x01);
	assert_int_equal(in(0x21), 0);
	assert_false(intr);
	/* without ICW4, and alone, there is less to write */
	out(0x20, 0x12);
	out(0x21, 0x40);
	out(0x21, 0xfe);
	assert_int_equal(in(0x21), 0xfe);
	out(0x20, 0x13); /* alone, with ICW4: automatic ends */
	out(0x21, 0x40);
	out(0x21, 0x03);
	pulse(4);
	assert_int_equal(pic_acknowledge(&pic), 0x44);
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0);
	/* ICW1 makes all lines level-triggered */
	program(0x19, 0x01);
	assert_true(intr);
}

static void anything_may_be_written(void **state)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	u32 seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed & BIT(30)) {
			out(ports[(seed >> 8) % 6], (u8)(seed >> 16));
		} else {
			in(ports[(seed >> 8) % 6]);
		}
		pic_set_line(&pic, seed >> 26, seed & BIT(25));
		if (pic_is_high(&pic) && seed & BIT(24)) {
			pic_acknowledge(&pic);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_edge_interrupts_once, begin),
		cmocka_unit_test_setup(a_pulse_is_an_edge_of_a_line_that_stays,
				       begin),
		cmocka_unit_test_setup(a_level_interrupts_until_it_falls,
				       begin),
		cmocka_unit_test_setup(lower_lines_come_first_and_may_interrupt,
				       begin),
		cmocka_unit_test_setup(masked_lines_wait, begin),
		cmocka_unit_test_setup(the_slave_asks_through_line_2, begin),
		cmocka_unit_test_setup(a_line_that_goes_is_spurious, begin),
		cmocka_unit_test_setup(automatic_end_needs_none, begin),
		cmocka_unit_test_setup(priorities_rotate, begin),
		cmocka_unit_test_setup(special_mask_lets_lower_lines_through,
				       begin),
		cmocka_unit_test_setup(fully_nested_slave_may_ask_twice, begin),
		cmocka_unit_test_setup(polling_acknowledges, begin),
		cmocka_unit_test_setup(a_level_counts_as_soon_as_it_is_one,
				       begin),
		cmocka_unit_test_setup(beginning_again_forgets, begin),
		cmocka_unit_test_setup(anything_may_be_written, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
