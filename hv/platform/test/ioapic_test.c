/** @file
 * The IOAPIC, and the wiring in front of it.
 *
 * links: hv/platform/ioapic.c hv/platform/irq_lines.c
 * links: hv/platform/pic.c hv/platform/pic_ports.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/irq_lines.h"

#define MASKED 0x10000u
#define LEVEL 0x8000u
#define REMOTE_IRR 0x4000u
#define LOW 0x2000u

static struct ioapic ioapic;
static struct vlapic_message last;
static unsigned int seen;
static bool nobody; /* accepts */

static bool see(void *data, const struct vlapic_message *message)
{
	assert_ptr_equal(data, &ioapic);
	last = *message;
	seen++;
	return !nobody;
}

static void store(u64 offset, u32 length, u64 value)
{
	struct bus_access a = { .offset = offset, .length = length,
				.is_write = true, .value = value };

	assert_int_equal(ioapic_access(&ioapic, &a), 0);
}

static u64 load(u64 offset, u32 length)
{
	struct bus_access a = { .offset = offset, .length = length };

	assert_int_equal(ioapic_access(&ioapic, &a), 0);
	return a.value;
}

static void put(u8 reg, u32 value)
{
	store(0, 4, reg);
	store(0x10, 4, value);
}

static u32 get(u8 reg)
{
	store(0, 4, reg);
	return (u32)load(0x10, 4);
}

static void put_row(unsigned int line, u32 low, u8 destination)
{
	put((u8)(0x11 + 2 * line), (u32)destination << 24);
	put((u8)(0x10 + 2 * line), low);
}

static u32 get_row(unsigned int line)
{
	return get((u8)(0x10 + 2 * line));
}

static int begin(void **state)
{
	(void)state;
	ioapic_init(&ioapic, see, &ioapic);
	seen = 0;
	nobody = false;
	return 0;
}

static void it_says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(get(1), 0x170020);
	put(0, 0xffffffff);
	assert_int_equal(get(0), 0x0f000000);
	assert_int_equal(get(2), 0x0f000000);
	assert_int_equal(load(0, 4), 2);
	assert_int_equal(get_row(0), MASKED);
	assert_int_equal(get_row(23), MASKED);
	assert_int_equal(get(0x40), 0xffffffff); /* there is no line 24 */
	put(0x40, 0);
	put_row(3, 0xffffffff, 0xff);
	assert_int_equal(get_row(3), 0x1afff);
	assert_int_equal(get(0x17), 0xff000000);
}

static void only_words_are_registers(void **state)
{
	(void)state;
	store(0, 4, 1);
	store(0, 1, 0);
	store(2, 4, 0);
	store(0, 8, 0);
	assert_int_equal(load(0, 4), 1);
	assert_true(load(0, 1) == ~0ull);
	assert_true(load(0x12, 4) == ~0ull);
	assert_int_equal(load(0x20, 4), 0);
	store(0xffc, 4, ~0u);
}

static void an_edge_makes_one_message(void **state)
{
	(void)state;
	put_row(4, 0x0931, 0x05); /* lowest priority, logical */
	ioapic_set_line(&ioapic, 4, true);
	ioapic_set_line(&ioapic, 4, true);
	assert_int_equal(seen, 1);
	assert_int_equal(last.vector, 0x31);
	assert_int_equal(last.mode, VLAPIC_LOWEST);
	assert_true(last.logical);
	assert_false(last.level);
	assert_int_equal(last.destination, 5);
	ioapic_set_line(&ioapic, 4, false);
	assert_int_equal(seen, 1);
	ioapic_set_line(&ioapic, 4, true);
	assert_int_equal(seen, 2);
}

static void a_pulse_is_an_edge_of_either_polarity(void **state)
{
	(void)state;
	put_row(4, 0x34, 0);
	put_row(5, LOW | 0x35, 0);
	ioapic_set_line(&ioapic, 5, true);
	for (unsigned int i = 1; i < 4; i++) {
		ioapic_pulse_line(&ioapic, 4);
		assert_int_equal(last.vector, 0x34);
		ioapic_pulse_line(&ioapic, 5);
		assert_int_equal(last.vector, 0x35);
		assert_int_equal(seen, 2 * i);
	}
	ioapic_set_line(&ioapic, 4, true); /* it is high */
	ioapic_pulse_line(&ioapic, 24);
	assert_int_equal(seen, 6);
}

static void a_masked_edge_is_lost(void **state)
{
	(void)state;
	ioapic_set_line(&ioapic, 7, true);
	put_row(7, 0x37, 0);
	assert_int_equal(seen, 0);
	ioapic_set_line(&ioapic, 7, false);
	ioapic_set_line(&ioapic, 7, true);
	assert_int_equal(seen, 1);
	assert_false(last.logical);
	put_row(7, 0x837, 0);
	ioapic_pulse_line(&ioapic, 7);
	assert_true(last.logical);
}

static void a_level_waits_for_its_end(void **state)
{
	(void)state;
	put_row(9, LEVEL | 0x39, 0);
	put_row(10, LEVEL | 0x3a, 0);
	ioapic_set_line(&ioapic, 9, true);
	assert_int_equal(seen, 1);
	assert_true(last.level);
	assert_int_equal(get_row(9), LEVEL | REMOTE_IRR | 0x39);
	ioapic_set_line(&ioapic, 9, false);
	ioapic_set_line(&ioapic, 9, true);
	assert_int_equal(seen, 1);
	ioapic_eoi(&ioapic, 0x3a);
	assert_int_equal(seen, 1);
	put_row(5, LEVEL | 0x39, 0); /* the same vector, and not asserted */
	put_row(6, 0x39, 0);
	ioapic_eoi(&ioapic, 0x39); /* still high: once more */
	assert_int_equal(seen, 2);
	ioapic_set_line(&ioapic, 9, false);
	store(0x40, 4, 0x39);
	assert_int_equal(seen, 2);
	assert_int_equal(get_row(9), LEVEL | 0x39);
}

static void a_masked_level_comes_when_unmasked(void **state)
{
	(void)state;
	put_row(9, MASKED | LEVEL | 0x39, 0);
	ioapic_set_line(&ioapic, 9, true);
	assert_int_equal(seen, 0);
	put_row(9, LEVEL | 0x39, 0);
	assert_int_equal(seen, 1);
	/* masking does not end it; becoming an edge does */
	put_row(9, MASKED | LEVEL | 0x39, 0);
	assert_int_equal(get_row(9), MASKED | LEVEL | REMOTE_IRR | 0x39);
	put_row(9, MASKED | 0x39, 0);
	assert_int_equal(get_row(9), MASKED | 0x39);
	put_row(9, LEVEL | 0x39, 0);
	assert_int_equal(seen, 2);
}

static void a_level_that_nobody_accepts_is_sent_again(void **state)
{
	(void)state;
	nobody = true;
	put_row(9, LEVEL | 0x39, 7);
	ioapic_set_line(&ioapic, 9, true);
	assert_int_equal(seen, 1);
	assert_int_equal(get_row(9), LEVEL | 0x39); /* no EOI will come */
	nobody = false;
	put_row(9, LEVEL | 0x39, 0);
	assert_int_equal(get_row(9), LEVEL | REMOTE_IRR | 0x39);
	/* an edge is lost, if that is what it was */
	nobody = true;
	put_row(4, 0x34, 7);
	seen = 0;
	ioapic_set_line(&ioapic, 4, true);
	put_row(4, 0x34, 0);
	assert_int_equal(seen, 1);
}

static void a_low_line_is_asserted_low(void **state)
{
	(void)state;
	ioapic_set_line(&ioapic, 11, true);
	put_row(11, LOW | LEVEL | 0x3b, 0);
	assert_int_equal(seen, 0);
	ioapic_set_line(&ioapic, 11, false);
	assert_int_equal(seen, 1);
	put_row(12, LOW | 0x3c, 0);
	ioapic_set_line(&ioapic, 12, true);
	assert_int_equal(seen, 1);
	ioapic_set_line(&ioapic, 12, false);
	assert_int_equal(seen, 2);
}

static void only_what_ends_waits(void **state)
{
	(void)state;
	put_row(3, LEVEL | 0x133, 0); /* lowest priority */
	ioapic_set_line(&ioapic, 3, true);
	assert_int_equal(get_row(3), LEVEL | REMOTE_IRR | 0x133);
	ioapic_eoi(&ioapic, 0x33);
	assert_int_equal(seen, 2);
	ioapic_set_line(&ioapic, 3, false);
	seen = 0;
	put_row(1, LEVEL | 0x400, 0); /* NMI */
	ioapic_set_line(&ioapic, 1, true);
	assert_int_equal(last.mode, VLAPIC_NMI);
	assert_int_equal(get_row(1), LEVEL | 0x400);
	ioapic_set_line(&ioapic, 24, true);
	ioapic_set_line(&ioapic, ~0u, true);
	assert_int_equal(seen, 1);
	assert_int_equal(ioapic.messages, 3);
}

static void lines_lead_to_both_controllers(void **state)
{
	struct pic pic;
	struct irq_lines lines = { &pic, &ioapic };
	struct irq_line timer = irq_lines_get(&lines, 0);
	struct irq_line late = irq_lines_get(&lines, 20);

	(void)state;
	pic_init(&pic, NULL, NULL);
	put_row(0, 0x30, 0);
	put_row(2, 0x32, 0);
	put_row(20, 0x44, 0);
	irq_line_set(&timer, true);
	assert_true(pic_is_high(&pic));
	assert_int_equal(last.vector, 0x32);
	irq_lines_set(&lines, 2, true);
	assert_int_equal(seen, 1);
	irq_line_set(&late, true);
	assert_int_equal(last.vector, 0x44);
	assert_int_equal(seen, 2);
	pic_acknowledge(&pic);
	assert_false(pic_is_high(&pic));
	irq_line_pulse(&timer);
	assert_int_equal(last.vector, 0x32);
	assert_int_equal(seen, 3);
	assert_int_equal(pic.master.irr, 1);
	irq_lines_pulse(&lines, 2);
	irq_line_set(&timer, false);
	irq_lines_set(&lines, 2, true); /* there is no line 2 */
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_says_what_it_is, begin),
		cmocka_unit_test_setup(only_words_are_registers, begin),
		cmocka_unit_test_setup(an_edge_makes_one_message, begin),
		cmocka_unit_test_setup(a_pulse_is_an_edge_of_either_polarity,
				       begin),
		cmocka_unit_test_setup(a_masked_edge_is_lost, begin),
		cmocka_unit_test_setup(a_level_waits_for_its_end, begin),
		cmocka_unit_test_setup(a_masked_level_comes_when_unmasked,
				       begin),
		cmocka_unit_test_setup(
			a_level_that_nobody_accepts_is_sent_again, begin),
		cmocka_unit_test_setup(a_low_line_is_asserted_low, begin),
		cmocka_unit_test_setup(only_what_ends_waits, begin),
		cmocka_unit_test_setup(lines_lead_to_both_controllers, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
