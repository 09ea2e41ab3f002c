/** @file
 * The 8259's command words: each bit of OCW2 and OCW3, and both chips.
 *
 * links: hv/platform/pic.c hv/platform/pic_ports.c
 * links: hv/platform/test/spinlock.c
 */
#include "hv/platform/test/pic_bed.h"

static void only_its_own_bits_count_in_ocw3(void **state)
{
	(void)state;
	pulse(1);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	out(0x21, 0x02);
	out(0x20, 0x68); /* special mask */
	out(0x20, 0x28); /* SMM without ESMM, and */
	out(0x20, READ_ISR); /* without both: it stays */
	pulse(5);
	assert_true(intr);
	out(0x20, 0x48); /* ESMM without SMM: no more */
	assert_false(intr);
	assert_int_equal(in(0x20), 0x02); /* ISR, as asked for before */
	out(0x20, 0x08); /* RR is 0: no change */
	assert_int_equal(in(0x20), 0x02);
	out(0x20, READ_IRR);
	assert_int_equal(in(0x20), 0x20);
}

static void special_mask_leaves_masked_lines_in_service(void **state)
{
	(void)state;
	pulse(1);
	assert_int_equal(pic_acknowledge(&pic), 0x21);
	out(0x21, 0x02);
	out(0x20, 0x68);
	out(0x20, EOI); /* none but 1 is in service, and that is masked */
	out(0x20, READ_ISR);
	assert_int_equal(in(0x20), 0x02);
	out(0x20, 0xa0); /* nor does this rotate anything */
	assert_int_equal(in(0x20), 0x02);
	out(0x20, 0x61); /* by name it can be ended */
	assert_int_equal(in(0x20), 0);
	out(0x21, 0);
	pulse(7);
	pulse(0);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
}

/** Each OCW2 and what it does to priority and service. */
static void ocw2_does_what_its_bits_say(void **state)
{
	static const struct {
		u8 word, isr, first; /* of 0, 3 and 6, all asked again */
	} words[] = {
		{ 0x20, 0x40, 0x20 }, /* EOI */
		{ 0x66, 0x08, 0x20 }, /* EOI of line 6 */
		{ 0xa0, 0x40, 0x26 }, /* rotate on EOI: of 3 */
		{ 0xe3, 0x40, 0x26 }, /* rotate on EOI of line 3 */
		{ 0xc3, 0x48, 0x26 }, /* 3 is the lowest */
		{ 0x43, 0x48, 0x20 }, /* nothing */
		{ 0x80, 0x48, 0x20 }, /* rotate in AEOI mode */
		{ 0x00, 0x48, 0x20 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		begin(state);
		pic_pulse_line(&pic, 6);
		assert_int_equal(pic_acknowledge(&pic), 0x26);
		pic_pulse_line(&pic, 3);
		assert_int_equal(pic_acknowledge(&pic), 0x23);
		out(0x20, words[i].word);
		out(0x20, READ_ISR);
		assert_int_equal(in(0x20), words[i].isr);
		out(0x20, 0x66);
		out(0x20, 0x63);
		pic_pulse_line(&pic, 0);
		pic_pulse_line(&pic, 6);
		assert_int_equal(pic_acknowledge(&pic), words[i].first);
	}
}

static void rotation_at_automatic_ends_can_be_stopped(void **state)
{
	(void)state;
	program(0x11, 0x03);
	out(0x20, 0x80);
	out(0x20, 0x00);
	pic_pulse_line(&pic, 3);
	assert_int_equal(pic_acknowledge(&pic), 0x23);
	pic_pulse_line(&pic, 5);
	pic_pulse_line(&pic, 3);
	assert_int_equal(pic_acknowledge(&pic), 0x23);
	/* and it is only for those */
	program(0x11, 0x01);
	out(0x20, 0x80);
	pic_pulse_line(&pic, 0);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
	out(0x20, EOI);
	pic_pulse_line(&pic, 1);
	pic_pulse_line(&pic, 0);
	assert_int_equal(pic_acknowledge(&pic), 0x20);
}

static void a_slave_can_be_polled(void **state)
{
	(void)state;
	pulse(8);
	out(0xa0, 0x0c);
	assert_int_equal(in(0xa0), 0x80); /* line 0 of it */
	assert_false(intr);
	out(0xa0, READ_ISR);
	assert_int_equal(in(0xa0), 0x01);
	out(0xa0, EOI);
	pulse(0);
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0x80);
	pulse(15);
	out(0x20, EOI);
	out(0x20, 0x0c);
	assert_int_equal(in(0x20), 0x82); /* the slave's line */
}

static void only_the_master_nests(void **state)
{
	(void)state;
	program(0x11, 0x11);
	pulse(10); /* the slave's own line 2 */
	assert_int_equal(pic_acknowledge(&pic), 0x2a);
	pulse(10);
	assert_false(intr);
	pulse(11);
	assert_false(intr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_its_own_bits_count_in_ocw3, begin),
		cmocka_unit_test_setup(
			special_mask_leaves_masked_lines_in_service, begin),
		cmocka_unit_test_setup(ocw2_does_what_its_bits_say, begin),
		cmocka_unit_test_setup(
			rotation_at_automatic_ends_can_be_stopped, begin),
		cmocka_unit_test_setup(a_slave_can_be_polled, begin),
		cmocka_unit_test_setup(only_the_master_nests, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
