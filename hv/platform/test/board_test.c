/** @file
 * The board as a whole: who answers where, how interrupts and time go through.
 *
 * links: hv/platform/board.c hv/platform/board_ports.c hv/platform/fw_cfg.c
 * links: hv/platform/i8042.c hv/platform/ioapic.c hv/platform/irq_lines.c
 * links: hv/platform/pic.c hv/platform/pic_ports.c hv/platform/pit.c
 * links: hv/platform/pit_counter.c hv/platform/pm.c hv/platform/rtc.c
 * links: hv/platform/rtc_date.c hv/platform/serial.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/board.h"

#define HZ (16ull * PIT_HZ)

static struct board board;
static u64 now, armed;
static bool intr;
static unsigned int messages;
static struct vlapic_message last;
static char out[2];
static int end;
static u32 code;

static u64 see_now(void *data)
{
	assert_ptr_equal(data, &board);
	return now;
}

static void see_arm(void *data, u64 when)
{
	(void)data;
	armed = when;
}

static void see_output(void *data, unsigned int port, u8 byte)
{
	(void)data;
	out[port] = (char)byte;
}

static void see_intr(void *data, bool high)
{
	(void)data;
	intr = high;
}

static bool see_message(void *data, const struct vlapic_message *message)
{
	(void)data;
	last = *message;
	messages++;
	return true;
}

static void see_end(void *data, enum board_end how, u32 value)
{
	(void)data;
	end = (int)how;
	code = value;
}

static const struct board_plan plan = {
	.tsc_hz = HZ,
	.time = 1700000000,
	.about = { .memory = 64 << 20,
		   .cpus = 2,
		   .nranges = 2,
		   .range = { { 0, 0x9fc00, 1 },
			      { 0x100000, (64 << 20) - 0x100000, 1 } } },
	.host = { &board, see_now, see_arm, see_output, see_intr, see_message,
		  see_end },
};

static int begin(void **state)
{
	(void)state;
	now = 5000;
	armed = CLOCK_NEVER;
	intr = false;
	messages = 0;
	end = -1;
	memset(out, 0, sizeof(out));
	board_init(&board, &plan);
	return 0;
}

/** As a bus would. */
static u64 go(bool is_memory, u64 address, u32 length, s64 value)
{
	for (unsigned int i = 0; i < board.ndevices; i++) {
		const struct bus_device *device = &board.device[i].bus;
		struct bus_access a = {
			.address = bus_addr(address),
			.offset = address - device->base.v,
			.length = length,
			.is_write = value >= 0,
			.value = (u64)value,
		};

		if (board.device[i].is_memory == is_memory &&
		    address >= device->base.v && a.offset < device->length &&
		    length <= device->length - a.offset &&
		    (device->widths & length)) {
			assert_int_equal(device->access(device->opaque, &a),
					 0);
			return a.value & (~0ull >> (64 - 8 * length));
		}
	}
	return 0xdeadbeef;
}

static u64 in(u64 port)
{
	return go(false, port, 1, -1);
}

static void outb(u64 port, u8 value)
{
	go(false, port, 1, value);
}

static void devices_lie_apart(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < board.ndevices; i++) {
		const struct bus_device *a = &board.device[i].bus;

		for (unsigned int j = 0; j < i; j++) {
			const struct bus_device *b = &board.device[j].bus;

			assert_true(board.device[i].is_memory !=
					    board.device[j].is_memory ||
				    a->base.v + a->length <= b->base.v ||
				    b->base.v + b->length <= a->base.v);
		}
	}
}

static void the_timer_reaches_both_controllers(void **state)
{
	(void)state;
	go(true, IOAPIC_GPA, 4, 0x14); /* pin 2 */
	go(true, IOAPIC_GPA + 0x10, 4, 0x30);
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x43, 0x34);
	outb(0x40, 100);
	outb(0x40, 0);
	assert_true(armed == 5000 + 101 * 16);
	messages = 0;
	for (unsigned int i = 1; i <= 50; i++) {
		now = armed;
		board_advance(&board);
		assert_int_equal(messages, i);
		assert_true(intr);
		assert_int_equal(pic_acknowledge(&board.pic), 0x20);
		outb(0x20, 0x20);
		assert_true(armed == now + 100 * 16);
	}
	assert_int_equal(last.vector, 0x30);
}

static void the_8259s_reach_pin_0(void **state)
{
	(void)state;
	go(true, IOAPIC_GPA, 4, 0x10);
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 3); /* automatic ends */
	irq_lines_set(&board.lines, 5, true);
	assert_int_equal(pic_acknowledge(&board.pic), 0x25);
	messages = 0;
	go(true, IOAPIC_GPA + 0x10, 4, VLAPIC_EXTINT << 8);
	irq_lines_set(&board.lines, 3, true);
	irq_lines_set(&board.lines, 4, true);
	assert_int_equal(messages, 1);
	assert_int_equal(last.mode, VLAPIC_EXTINT);
	assert_int_equal(pic_acknowledge(&board.pic), 0x23);
	assert_int_equal(messages, 2); /* INTR has risen again, for 4 */
	assert_true(intr);
	assert_int_equal(pic_acknowledge(&board.pic), 0x24);
	assert_int_equal(messages, 2);
	assert_false(intr);
}

static void the_earliest_deadline_counts(void **state)
{
	(void)state;
	outb(0x70, 0xb);
	outb(0x71, 0x42); /* periodic, 1024 Hz */
	assert_true(armed != CLOCK_NEVER && armed <= 5000 + HZ / 1024 + 1);
	outb(0x43, 0x34);
	outb(0x40, 0);
	outb(0x40, 1);
	assert_true(armed == 5000 + 257 * 16);
	now = armed;
	board_advance(&board);
	assert_true(armed == 5000 + (257 + 256) * 16);
}

static void it_ends_in_many_ways(void **state)
{
	(void)state;
	outb(0x64, 0xfe);
	assert_int_equal(end, BOARD_RESET);
	assert_int_equal(code, 0x64);
	begin(NULL);
	outb(0x92, 0x02);
	outb(0xcf9, 0x02);
	go(false, 0xcf8, 4, 0x80000400);
	assert_int_equal(end, -1);
	outb(0x92, 0x03);
	assert_int_equal(end, BOARD_RESET);
	assert_int_equal(code, 0x92);
	begin(NULL);
	outb(0xcf9, 0x06);
	assert_int_equal(end, BOARD_RESET);
	assert_int_equal(code, 0xcf9);
	begin(NULL);
	go(false, 0x604, 2, 0x3400);
	assert_int_equal(end, BOARD_POWERED_OFF);
	go(false, 0xf4, 4, 0x1234);
	assert_int_equal(end, BOARD_EXITED);
	assert_int_equal(code, 0x1234);
}

static void there_is_no_pci(void **state)
{
	(void)state;
	go(false, 0xcf8, 4, 0x80000000);
	assert_true(go(false, 0xcf8, 4, -1) == 0xffffffff);
	assert_true(go(false, 0xcfc, 2, -1) == 0xffff);
	assert_int_equal(in(0x92), 2);
	assert_int_equal(in(0x80), 0xff);
}

static void serial_ports_stand_at_both_places(void **state)
{
	(void)state;
	outb(0x3f8, 'a');
	go(true, BOARD_SERIAL_GPA, 1, 'b');
	assert_memory_equal(out, "ab", 2);
	go(true, BOARD_SERIAL_WIDE_GPA, 4, 'c');
	assert_memory_equal(out, "ac", 2);
	go(true, BOARD_SERIAL_WIDE_GPA + 28, 4, 0x5a);
	assert_int_equal(go(true, BOARD_SERIAL_GPA + 7, 1, -1), 0x5a);
	assert_int_equal(in(0x3ff), 0);
}

static u64 item(u16 key, unsigned int bytes)
{
	u64 value = 0;

	go(false, 0x510, 2, key);
	for (unsigned int i = 0; i < bytes; i++) {
		value |= in(0x511) << 8 * i;
	}
	return value;
}

static void fw_cfg_tells_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(item(0, 4), 0x554d4551);
	assert_int_equal(item(1, 4), 1);
	assert_int_equal(item(3, 8), 64 << 20);
	assert_int_equal(item(5, 2), 2);
	assert_int_equal(item(0xf, 2), 2);
	/* One file of 40 bytes; its key is 0x20. */
	assert_true(item(0x19, 8) == 0x2800000001000000);
	assert_int_equal(in(0x511), 0);
	assert_int_equal(in(0x511), 0x20);
	assert_true(item(0x20, 8) == 0);
	item(0x20, 8);
	assert_int_equal(in(0x511), 0);
	assert_int_equal(in(0x511), 0xfc);
	assert_int_equal(item(0x7777, 8), 0);
}

/** Every device, every width, in any order: nothing breaks. */
static void anything_may_be_accessed(void **state)
{
	u64 seed = 11;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		const struct board_device *device;
		u64 address;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		device = &board.device[(seed >> 33) % board.ndevices];
		address = device->bus.base.v +
			  (seed >> 40) % device->bus.length;
		go(device->is_memory, address, 1u << (seed >> 60 & 3),
		   seed & BIT(59) ? -1 : (s64)(seed >> 20 & 0x7fffffff));
		now += seed >> 50 & 0xff;
		if (armed <= now) {
			board_advance(&board);
		}
		if (pic_is_high(&board.pic)) {
			pic_acknowledge(&board.pic);
		}
		ioapic_eoi(&board.ioapic, (u8)(seed >> 25));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(devices_lie_apart, begin),
		cmocka_unit_test_setup(the_timer_reaches_both_controllers,
				       begin),
		cmocka_unit_test_setup(the_8259s_reach_pin_0, begin),
		cmocka_unit_test_setup(the_earliest_deadline_counts, begin),
		cmocka_unit_test_setup(it_ends_in_many_ways, begin),
		cmocka_unit_test_setup(there_is_no_pci, begin),
		cmocka_unit_test_setup(serial_ports_stand_at_both_places,
				       begin),
		cmocka_unit_test_setup(fw_cfg_tells_what_there_is, begin),
		cmocka_unit_test_setup(anything_may_be_accessed, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
