/** @file
 * The 16550A: as a driver probes it, receives, sends and waits for interrupts.
 *
 * links: hv/platform/serial.c hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/serial.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static struct serial serial;
static u8 sent[64];
static unsigned int count;
static bool line;
static unsigned int rises;

static void see_line(void *data, unsigned int number, bool high)
{
	assert_ptr_equal(data, &serial);
	assert_int_equal(number, 4);
	rises += high && !line;
	line = high;
}

static void see_byte(void *data, u8 byte)
{
	assert_ptr_equal(data, &serial);
	sent[count++ % sizeof(sent)] = byte;
}

static int begin(void **state)
{
	struct irq_line irq = { see_line, &serial, 4 };

	(void)state;
	count = 0;
	line = false;
	rises = 0;
	serial_init(&serial, irq, see_byte, &serial);
	return 0;
}

static void out(u64 reg, u8 value)
{
	struct bus_access a = { .offset = reg, .length = 1,
				.is_write = true, .value = value };

	assert_int_equal(serial_access(&serial, &a), 0);
}

static u8 in(u64 reg)
{
	struct bus_access a = { .offset = reg, .length = 1, .value = ~0ull };

	assert_int_equal(serial_access(&serial, &a), 0);
	assert_true(a.value <= 0xff);
	return (u8)a.value;
}

static void type(const char *text, size_t length)
{
	assert_int_equal(serial_input(&serial, (const u8 *)text, length),
			 length);
}

static void a_driver_finds_a_16550a(void **state)
{
	(void)state;
	out(IER, 0);
	assert_int_equal(in(IER), 0);
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
	out(IER, 0);
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
	assert_int_equal(in(IIR), 0x01);
	out(IIR, 0x01);
	assert_int_equal(in(IIR), 0xc1);
	out(MCR, 0x1a); /* loopback, OUT2, RTS */
	assert_int_equal(in(MSR) & 0xf0, 0x90);
	out(LCR, 0x83);
	out(DATA, 0x0c);
	out(IER, 0x01);
	assert_int_equal(in(DATA), 0x0c);
	assert_int_equal(in(IER), 0x01);
	out(LCR, 0x03);
	assert_int_equal(serial.divisor, 0x10c);
	assert_int_equal(in(LCR), 0x03);
	assert_int_equal(in(LSR), 0x60);
}

static void what_is_sent_comes_out(void **state)
{
	(void)state;
	out(DATA, 'h');
	out(DATA, 'i');
	assert_int_equal(count, 2);
	assert_memory_equal(sent, "hi", 2);
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(serial.written, 2);
}

static void the_transmitter_interrupts_for_each_byte(void **state)
{
	(void)state;
	out(IER, 0x02);
	assert_true(line);
	assert_int_equal(in(IIR), 0x02);
	assert_false(line);
	assert_int_equal(in(IIR), 0x01);
	for (unsigned int i = 2; i < 6; i++) {
		out(DATA, 'x');
		assert_true(line);
		assert_int_equal(rises, i); /* even if IIR was not read */
	}
	out(IER, 0);
	assert_false(line);
	out(IER, 0x02);
	assert_true(line);
}

static void typed_bytes_come_in_order(void **state)
{
	char text[SERIAL_QUEUE + SERIAL_FIFO];

	(void)state;
	for (unsigned int i = 0; i < sizeof(text); i++) {
		text[i] = (char)i;
	}
	out(IIR, 0x01);
	type(text, SERIAL_QUEUE);
	type(text + SERIAL_QUEUE, SERIAL_FIFO);
	assert_int_equal(serial_input(&serial, (const u8 *)"x", 1), 0);
	assert_int_equal(in(LSR), 0x61);
	for (unsigned int i = 0; i < sizeof(text); i++) {
		assert_int_equal(in(DATA), i & 0xff);
	}
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(DATA), 0);
}

static void received_data_interrupts_by_level(void **state)
{
	(void)state;
	out(IIR, 0x81); /* trigger at 8 */
	out(IER, 0x01);
	type("1234567", 7);
	assert_true(line);
	assert_int_equal(in(IIR), 0xcc);
	type("8", 1);
	assert_int_equal(in(IIR), 0xc4);
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(line);
		in(DATA);
	}
	assert_false(line);
	type("9", 1);
	out(IIR, 0x03); /* clear the receiver */
	assert_false(line);
	assert_int_equal(in(LSR), 0x60);
}

static void reasons_have_priorities(void **state)
{
	(void)state;
	out(MCR, 0x10);
	out(IER, 0x0f);
	in(MSR);
	out(MCR, 0x11); /* DTR to DSR */
	out(DATA, 'a');
	out(DATA, 'b'); /* without FIFO, too much */
	assert_int_equal(in(IIR), 0x06);
	assert_int_equal(in(LSR), 0x63);
	assert_int_equal(in(IIR), 0x04);
	assert_int_equal(in(DATA), 'a');
	assert_int_equal(in(IIR), 0x02);
	assert_int_equal(in(IIR), 0x00);
	assert_int_equal(in(MSR), 0x22);
	assert_int_equal(in(IIR), 0x01);
	assert_false(line);
	assert_int_equal(count, 0); /* nothing went out */
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x71);
}

static void modem_lines_note_changes(void **state)
{
	(void)state;
	assert_int_equal(in(MSR), 0xb0);
	out(MCR, 0x1f);
	assert_int_equal(in(MSR) & 0xf0, 0xf0);
	out(MCR, 0x1b);
	assert_int_equal(in(MSR), 0xb4); /* the ring's trailing edge */
	out(MCR, 0x1f);
	assert_int_equal(in(MSR), 0xf0); /* its leading edge is none */
}

static void each_level_triggers(void **state)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	(void)state;
	for (u8 i = 0; i < 4; i++) {
		out(IIR, 0);
		out(IIR, (u8)(i << 6 | 0x01));
		out(IER, 0x01);
		for (u8 n = 1; n <= 14; n++) {
			type("x", 1);
			assert_int_equal(in(IIR), n < levels[i] ? 0xcc : 0xc4);
		}
		assert_int_equal(in(DATA), 'x');
		out(IIR, (u8)(i << 6 | 0x01)); /* does not clear it */
		assert_int_equal(in(LSR), 0x61);
	}
	out(IIR, 0xc2); /* without the enable bit nothing counts */
	assert_int_equal(in(IIR), 0x01);
	type("y", 1);
	assert_int_equal(in(IIR), 0x04); /* a receiver of one byte */
}

static void each_reason_has_its_enable(void **state)
{
	(void)state;
	out(IIR, 0x01);
	out(MCR, 0x10);
	in(MSR);
	out(MCR, 0x11);
	out(DATA, 'a');
	out(LCR, 0x43); /* a break */
	for (u8 ier = 0; ier < 16; ier++) {
		u8 wanted = ier & 4 ? 6 : ier & 1 ? 4 : ier & 2 ? 2 :
			    ier & 8 ? 0 : 1;

		out(IER, 0);
		assert_false(line);
		out(IER, ier);
		assert_int_equal(line, ier != 0);
		assert_int_equal(in(IIR), 0xc0 | wanted);
	}
	in(IIR);
	assert_int_equal(in(LSR), 0xf1); /* a bad byte in the FIFO */
	assert_int_equal(in(LSR), 0x61);
	out(LCR, 0x43); /* it goes on: that is no new one */
	assert_int_equal(in(LSR), 0x61);
	out(LCR, 0x03);
	out(MCR, 0x00);
	out(LCR, 0x43); /* on the wire: nobody listens */
	assert_int_equal(in(LSR), 0x61);
}

static void the_transmitter_asks_when_it_is_enabled(void **state)
{
	(void)state;
	out(IER, 0x02);
	assert_int_equal(in(IIR), 0x02);
	out(IER, 0x02); /* it was enabled already */
	assert_int_equal(in(IIR), 0x01);
	out(IER, 0x03);
	assert_int_equal(in(IIR), 0x01);
	out(IER, 0x01);
	assert_int_equal(in(IIR), 0x01);
	out(IER, 0x02);
	assert_int_equal(in(LSR), 0x60); /* not by reading this */
	assert_true(line);
	type("q", 1);
	out(IER, 0x03);
	assert_int_equal(in(IIR), 0x04); /* nor as the second reason */
	in(DATA);
	assert_int_equal(in(IIR), 0x02);
	assert_int_equal(in(IIR), 0x01);
}

static void an_overrun_is_no_bad_byte(void **state)
{
	(void)state;
	out(IIR, 0x01);
	out(MCR, 0x10);
	for (unsigned int i = 0; i < SERIAL_FIFO; i++) {
		out(DATA, (u8)i);
	}
	assert_int_equal(in(LSR), 0x61);
	out(DATA, 0xff);
	assert_int_equal(in(LSR), 0x63);
	for (unsigned int i = 0; i < SERIAL_FIFO; i++) {
		assert_int_equal(in(DATA), i);
	}
	assert_int_equal(in(LSR), 0x60);
	out(IIR, 0x00);
	out(LCR, 0x43);
	assert_int_equal(in(LSR), 0x71); /* without a FIFO no bit 7 */
}

static void nobody_may_listen(void **state)
{
	struct irq_line none = { .set = NULL };

	(void)state;
	serial_init(&serial, none, NULL, NULL);
	out(IER, 0x02);
	out(DATA, 'x');
	assert_int_equal(serial.written, 1);
}

static void loopback_keeps_the_wire_out(void **state)
{
	(void)state;
	out(IIR, 0x01);
	out(MCR, 0x10);
	type("z", 1);
	assert_int_equal(in(LSR), 0x60);
	out(DATA, 'q');
	assert_int_equal(in(DATA), 'q');
	out(MCR, 0x00);
	assert_int_equal(in(DATA), 'z');
}

static void wide_registers_are_the_same(void **state)
{
	struct bus_access a = { .offset = 4 * SCR, .length = 4,
				.is_write = true, .value = 0x12345677 };

	(void)state;
	serial_access_wide(&serial, &a);
	assert_int_equal(in(SCR), 0x77);
	a.is_write = false;
	serial_access_wide(&serial, &a);
	assert_int_equal(a.value, 0x77);
	a.offset = 4 * SCR + 1;
	serial_access_wide(&serial, &a);
	assert_int_equal(a.value, 0);
}

static void anything_may_be_written(void **state)
{
	u32 seed = 7;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		if (seed & BIT(30)) {
			out(seed >> 8 & 7, (u8)(seed >> 16));
		} else {
			in(seed >> 8 & 7);
		}
		if (seed >> 28 == 3) {
			serial_input(&serial, (const u8 *)"abc", 3);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_driver_finds_a_16550a, begin),
		cmocka_unit_test_setup(what_is_sent_comes_out, begin),
		cmocka_unit_test_setup(the_transmitter_interrupts_for_each_byte,
				       begin),
		cmocka_unit_test_setup(typed_bytes_come_in_order, begin),
		cmocka_unit_test_setup(received_data_interrupts_by_level,
				       begin),
		cmocka_unit_test_setup(reasons_have_priorities, begin),
		cmocka_unit_test_setup(modem_lines_note_changes, begin),
		cmocka_unit_test_setup(each_level_triggers, begin),
		cmocka_unit_test_setup(each_reason_has_its_enable, begin),
		cmocka_unit_test_setup(the_transmitter_asks_when_it_is_enabled,
				       begin),
		cmocka_unit_test_setup(an_overrun_is_no_bad_byte, begin),
		cmocka_unit_test_setup(nobody_may_listen, begin),
		cmocka_unit_test_setup(loopback_keeps_the_wire_out, begin),
		cmocka_unit_test_setup(wide_registers_are_the_same, begin),
		cmocka_unit_test_setup(anything_may_be_written, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
