/** @file
 * Devices that a test makes: what is refused, what they do, what they log.
 *
 * links: hv/vmm/device.c hv/vmm/devices.c hv/vmm/made_device.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/errno.h"
#include "hv/vmm/made_device.h"

#define AT 0x80000000ull

static struct made_devices all;

static int begin(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	return 0;
}

static struct hypercall_device plan(enum device_kind kind)
{
	return (struct hypercall_device){ .kind = kind,
					  .gpa = AT,
					  .length = 4096 };
}

static struct made_device *make(enum device_kind kind, u64 widths)
{
	struct hypercall_device wanted = plan(kind);
	struct made_device *made;

	wanted.widths = widths;
	assert_int_equal(made_device_make(&all, &wanted, &made), 0);
	return made;
}

static u64 load(struct made_device *made, u64 offset, u32 length)
{
	struct bus_access a = { .offset = offset, .length = length };

	assert_int_equal(made->bus.access(made->bus.opaque, &a), 0);
	return a.value;
}

static void store(struct made_device *made, u64 offset, u32 length, u64 value)
{
	struct bus_access a = { .offset = offset,
				.length = length,
				.is_write = true,
				.value = value };

	assert_int_equal(made->bus.access(made->bus.opaque, &a), 0);
}

static void a_stream_gives_each_value_once(void **state)
{
	struct made_device *stream = make(DEVICE_STREAM, 0);

	(void)state;
	for (u64 i = 0; i < 5000; i++) {
		assert_int_equal(load(stream, i % 8, 1),
				 hypercall_stream(i) & 0xff);
	}
	assert_int_equal(stream->device.count[DEVICE_READS], 5000);
	made_device_reset(stream);
	assert_int_equal(load(stream, 0, 8), hypercall_stream(0));
}

static void a_latch_changes_when_it_is_read(void **state)
{
	struct made_device *latch = make(DEVICE_LATCH, 0);

	(void)state;
	latch->device.fill(&latch->device, 0x00ff7f0102030405);
	assert_int_equal(load(latch, 0, 8), 0x00ff7f0102030405);
	assert_int_equal(load(latch, 0, 8), 0x0100800203040506);
	store(latch, 0, 2, 0xabcd);
	assert_int_equal(load(latch, 0, 4), 0x0405abcd);
	assert_int_equal(load(latch, 0, 4), 0x0506acce);
}

static void a_mirror_keeps_what_was_stored(void **state)
{
	struct made_device *mirror = make(DEVICE_MIRROR, 0);

	(void)state;
	store(mirror, 4091, 5, 0x1122334455);
	assert_int_equal(load(mirror, 4088, 8), 0x1122334455000000);
	assert_int_equal(load(mirror, 4093, 3), 0x112233);
}

static void every_access_is_logged_in_order(void **state)
{
	struct made_device *mirror = make(DEVICE_MIRROR, 0);
	struct hypercall_device core = plan(DEVICE_FIFO);
	struct made_device *fifo;

	(void)state;
	core.side = DEVICE_IN_CORE;
	assert_int_equal(made_device_make(&all, &core, &fifo), 0);
	store(mirror, 8, 4, 0x99aabbccdd);
	fifo->device.fill(&fifo->device, 77);
	load(fifo, 0, 8);
	load(mirror, 10, 1);
	assert_int_equal(mirror->logged, 2);
	assert_int_equal(mirror->log[0].value, 0xaabbccdd);
	assert_int_equal(mirror->log[0].is_write, 1);
	assert_int_equal(mirror->log[0].order, 0);
	assert_int_equal(fifo->log[0].value, 77);
	assert_int_equal(fifo->log[0].order, 1);
	assert_int_equal(mirror->log[1].offset, 10);
	assert_int_equal(mirror->log[1].length, 1);
	assert_int_equal(mirror->log[1].value, 0xbb);
	assert_int_equal(mirror->log[1].order, 2);
}

static void the_log_has_room_for_64(void **state)
{
	struct made_device *mirror = make(DEVICE_MIRROR, 0);

	(void)state;
	for (u64 i = 0; i < 100; i++) {
		store(mirror, 0, 1, i);
	}
	assert_int_equal(mirror->logged, 100);
	assert_int_equal(mirror->log[MADE_DEVICE_LOG - 1].value, 63);
}

static void other_widths_are_refused(void **state)
{
	struct made_device *mirror = make(DEVICE_MIRROR, 4);

	(void)state;
	store(mirror, 0, 8, ~0ull);
	store(mirror, 0, 4, 0x11223344);
	assert_int_equal(load(mirror, 0, 2), 0xffff);
	assert_int_equal(load(mirror, 0, 3), 0xffffff);
	assert_int_equal(load(mirror, 0, 4), 0x11223344);
	assert_int_equal(load(mirror, 4, 4), 0);
	assert_int_equal(mirror->device.count[DEVICE_REFUSED], 3);
	assert_int_equal(mirror->logged, 3);
	assert_int_equal(mirror->bus.widths, BUS_WIDTH_4);
}

static void bad_plans_are_refused(void **state)
{
	const struct hypercall_device bad[] = {
		{ .kind = DEVICE_KIND_COUNT, .gpa = AT, .length = 1 },
		{ .side = DEVICE_SIDE_COUNT, .gpa = AT, .length = 1 },
		{ .gpa = AT, .length = 0 },
		{ .gpa = AT, .length = 4097 },
		{ .gpa = ~0ull, .length = 2 },
		{ .gpa = BIT(62) - 1, .length = 2 },
		{ .gpa = AT, .length = 1, .widths = 16 },
	};
	struct made_device *made;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(made_device_make(&all, &bad[i], &made),
				 -EINVAL);
	}
	assert_int_equal(all.count, 0);
}

static void only_sides_may_overlap(void **state)
{
	struct hypercall_device wanted = plan(DEVICE_MIRROR);
	struct made_device *made;

	(void)state;
	assert_int_equal(made_device_make(&all, &wanted, &made), 0);
	wanted.gpa += 4095;
	assert_int_equal(made_device_make(&all, &wanted, &made), -EEXIST);
	wanted.side = DEVICE_IN_CORE;
	assert_int_equal(made_device_make(&all, &wanted, &made), 0);
	wanted.gpa = DEVICE_FIFO_GPA - 1;
	wanted.side = DEVICE_OUTSIDE;
	assert_int_equal(made_device_make(&all, &wanted, &made), -EEXIST);
	wanted.length = 1;
	for (unsigned int i = 2; i < DEVICES_MADE_MAX; i++) {
		assert_int_equal(made_device_make(&all, &wanted, &made), 0);
		wanted.gpa -= 0x1000;
	}
	assert_int_equal(made_device_make(&all, &wanted, &made), -ENOSPC);
}

static void names_are_no_addresses(void **state)
{
	struct made_device *a = make(DEVICE_MIRROR, 0);
	u64 name = made_device_name(&all, a);

	(void)state;
	assert_ptr_equal(made_device_named(&all, name), a);
	assert_null(made_device_named(&all, name + 1));
	assert_null(made_device_named(&all, AT));
	assert_null(made_device_named(&all, 0));
	assert_ptr_equal(made_device_find(&all, gpa(AT + 4095), 1), &a->device);
	assert_null(made_device_find(&all, gpa(AT + 4095), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_stream_gives_each_value_once, begin),
		cmocka_unit_test_setup(a_latch_changes_when_it_is_read, begin),
		cmocka_unit_test_setup(a_mirror_keeps_what_was_stored, begin),
		cmocka_unit_test_setup(every_access_is_logged_in_order, begin),
		cmocka_unit_test_setup(the_log_has_room_for_64, begin),
		cmocka_unit_test_setup(other_widths_are_refused, begin),
		cmocka_unit_test_setup(bad_plans_are_refused, begin),
		cmocka_unit_test_setup(only_sides_may_overlap, begin),
		cmocka_unit_test_setup(names_are_no_addresses, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
