/** @file
 * DEV=: what is understood, what is refused and how, and each device.
 *
 * links: hv/platform/dev.c hv/platform/dev_parse.c hv/platform/irq_lines.c
 * links: hv/platform/pic.c hv/platform/pic_ports.c hv/platform/ioapic.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/platform/dev.h"

static struct dev_list list;
static struct pic pic;
static struct ioapic ioapic;
static struct irq_lines lines = { &pic, &ioapic };
static u64 zapped;
static u32 code;
static char text[DEV_LINE];

static void see_zap(void *data, gpa_t page)
{
	(void)data;
	zapped = page.v;
}

static void see_end(void *data, u32 value)
{
	(void)data;
	code = value;
}

static void see_log(void *data, const char *line)
{
	(void)data;
	memcpy(text, line, strlen(line) + 1);
}

static const struct dev_host host = { NULL, &lines, see_zap, see_end, see_log };

static void devices_are_understood(void **state)
{
	static const struct dev_spec wanted[] = {
		{ DEV_MIRROR, true, 0xff000000, 0x10000 },
		{ DEV_LATCH, false, 0xe0, 4 },
		{ DEV_ZAP, false, 0xe4, 4 },
		{ DEV_IRQ, false, 0x2000, 24 },
		{ DEV_EXIT, false, 1234, 4 },
		{ DEV_FIFO, true, 0xd0000000, 0x1000 },
		{ DEV_LOG, true, 0xd0001000, 0x1000 },
	};

	(void)state;
	assert_true(dev_parse("  mirror@mmio:0xff000000,0x10000 "
			      "latch@pio:0xe0,4 zap@pio:0xe4  "
			      "irq@pio:0x2000,24 exit@pio:1234 "
			      "fifo@mmio:0xd0000000 log@mmio:0xD0001000 ",
			      &list));
	assert_int_equal(list.count, ARRAY_SIZE(wanted));
	for (unsigned int i = 0; i < list.count; i++) {
		assert_int_equal(list.spec[i].kind, wanted[i].kind);
		assert_int_equal(list.spec[i].is_memory, wanted[i].is_memory);
		assert_true(list.spec[i].base == wanted[i].base);
		assert_true(list.spec[i].length == wanted[i].length);
	}
	assert_true(dev_parse("", &list));
	assert_int_equal(list.count, 0);
}

static void mistakes_are_named(void **state)
{
	static const char *const wrong[][2] = {
		{ "disk@mmio:0", "kinds are" },
		{ "mirror", "kinds are" },
		{ "mirrors@mmio:0,1", "kinds are" },
		{ "mirror@pio:0,1", "@mmio:" },
		{ "latch@mmio:0,1", "@pio:" },
		{ "zap@pio:", "not a number" },
		{ "zap@pio:x", "not a number" },
		{ "zap@pio:0x", "not a number" },
		{ "zap@pio:99999999999999999999", "not a number" },
		{ "mirror@mmio:0", "missing" },
		{ "mirror@mmio:0,", "missing" },
		{ "irq@pio:0,z", "missing" },
		{ "zap@pio:0,4", "behind its end" },
		{ "exit@pio:0xfg", "behind its end" },
		{ "mirror@mmio:0,0", "too large" },
		{ "latch@pio:0,9", "too large" },
		{ "irq@pio:0,25", "too large" },
		{ "mirror@mmio:0,0x1000001", "too large" },
		{ "zap@pio:0xfffd", "last address" },
		{ "log@mmio:0x3ffffffff001", "last address" },
		{ "zap@pio:0 latch@pio:3,1", "already" },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_false(dev_parse(wrong[i][0], &list));
		if (!strstr(list.why, wrong[i][1])) {
			fail_msg("%s: %s", wrong[i][0], list.why);
		}
	}
}

static void there_is_an_end_to_them(void **state)
{
	char words[DEV_MAX * 16 + 16], *at = words;

	(void)state;
	for (unsigned int i = 0; i <= DEV_MAX; i++) {
		at += sprintf(at, "zap@pio:%u ", i * 4);
	}
	assert_false(dev_parse(words, &list));
	assert_int_equal(list.count, DEV_MAX);
}

static struct dev dev;

static void make(const char *word, u8 *bytes)
{
	assert_true(dev_parse(word, &list));
	dev_make(&dev, &list.spec[0], bytes, &host);
}

static u64 go(u64 offset, u32 length, s64 value)
{
	struct bus_access a = { .offset = offset, .length = length,
				.is_write = value >= 0, .value = (u64)value };

	assert_int_equal(dev.bus.access(dev.bus.opaque, &a), 0);
	return a.value;
}

static void a_mirror_keeps_bytes(void **state)
{
	u8 *bytes = calloc(1, 16);

	(void)state;
	make("mirror@mmio:0x1000,16", bytes);
	go(8, 8, 0x1122334455667788);
	go(15, 1, 0xff);
	assert_true(go(8, 8, -1) == 0xff22334455667788);
	assert_int_equal(go(9, 2, -1), 0x6677);
	assert_int_equal(go(0, 8, -1), 0);
	free(bytes);
}

static void a_latch_has_parts(void **state)
{
	(void)state;
	make("latch@pio:0xe0,4", NULL);
	go(0, 4, 0x11223344);
	go(1, 1, 0xaa);
	assert_int_equal(go(0, 4, -1), 0x1122aa44);
	assert_int_equal(go(2, 2, -1), 0x1122);
}

static void a_fifo_gives_each_once(void **state)
{
	(void)state;
	make("fifo@mmio:0x1000", NULL);
	for (unsigned int i = 0; i < DEV_FIFO_SIZE + 5; i++) {
		go(0, 2, 0x10000 + i);
	}
	for (unsigned int i = 0; i < DEV_FIFO_SIZE; i++) {
		assert_int_equal(go(100, 8, -1), i);
	}
	assert_int_equal(go(0, 4, -1), 0);
}

static void a_log_tells(void **state)
{
	(void)state;
	make("log@mmio:0x1000", NULL);
	go(4, 2, 0x71234);
	assert_string_equal(text, "log: write 2 bytes at 0x1004: 0x1234");
	assert_int_equal(go(0, 4, -1), 1);
	assert_string_equal(text, "log: read 4 bytes at 0x1000: 0x1");
}

static void the_others_take_what_is_written(void **state)
{
	(void)state;
	make("zap@pio:0xe4", NULL);
	go(0, 2, 0x9999);
	assert_int_equal(zapped, 0);
	go(0, 4, 0x12345678);
	assert_int_equal(zapped, 0x12345000);
	assert_int_equal(go(0, 4, -1), 0);
	make("exit@pio:0xf4", NULL);
	go(0, 4, 77);
	assert_int_equal(code, 77);
	pic_init(&pic, NULL, NULL);
	ioapic_init(&ioapic, NULL, NULL);
	make("irq@pio:0x2000,24", NULL);
	go(5, 1, 1);
	assert_true(pic_is_high(&pic));
	assert_true(ioapic.high & BIT(5));
	go(5, 1, 0);
	assert_false(pic_is_high(&pic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_understood),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(there_is_an_end_to_them),
		cmocka_unit_test(a_mirror_keeps_bytes),
		cmocka_unit_test(a_latch_has_parts),
		cmocka_unit_test(a_fifo_gives_each_once),
		cmocka_unit_test(a_log_tells),
		cmocka_unit_test(the_others_take_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
