/** @file
 * The test devices: what they give, what they keep, and what they count.
 *
 * links: hv/vmm/device.c hv/vmm/devices.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/vmm/devices.h"

static struct devices all;

static int begin(void **state)
{
	(void)state;
	devices_init(&all);
	return 0;
}

/** One access by guest-physical address. @return the value that went over */
static u64 access_at(u64 address, unsigned int len, const u64 *written)
{
	struct device *device = devices_find(&all, gpa(address), len);
	struct bus_access a = { .length = len, .value = ~0ull };

	assert_non_null(device);
	a.offset = address - device->base;
	if (written) {
		a.is_write = true;
		a.value = *written;
	}
	device_access(device, &a);
	return a.value;
}

static u64 load(u64 address, unsigned int len)
{
	return access_at(address, len, NULL);
}

static void store(u64 address, unsigned int len, u64 value)
{
	access_at(address, len, &value);
}

static void fifo_gives_each_value_once(void **state)
{
	struct device *fifo = devices_by_base(&all, DEVICE_FIFO_GPA);

	(void)state;
	for (u64 i = 0; i < DEVICES_FIFO_SIZE + 3; i++) {
		fifo->fill(fifo, i + 100);
	}
	assert_int_equal(fifo->count[DEVICE_LEFT], DEVICES_FIFO_SIZE);
	assert_int_equal(load(DEVICE_FIFO_GPA, 8), 100);
	assert_int_equal(load(DEVICE_FIFO_GPA + 8, 1), 101);
	for (u64 i = 2; i < DEVICES_FIFO_SIZE; i++) {
		assert_int_equal(load(DEVICE_FIFO_GPA, 4), i + 100);
	}
	assert_int_equal(load(DEVICE_FIFO_GPA, 4), 0);
	assert_int_equal(fifo->count[DEVICE_READS], DEVICES_FIFO_SIZE + 1);
}

static void counter_counts_its_reads(void **state)
{
	struct device *counter = devices_by_base(&all, DEVICE_COUNTER_GPA);

	(void)state;
	assert_int_equal(load(DEVICE_COUNTER_GPA, 4), 1);
	store(DEVICE_COUNTER_GPA, 4, 77);
	assert_int_equal(load(DEVICE_COUNTER_GPA, 4), 2);
	assert_int_equal(counter->count[DEVICE_WRITES], 1);
	devices_reset(&all, counter);
	assert_int_equal(load(DEVICE_COUNTER_GPA, 4), 1);
}

static void scratch_keeps_exactly_what_was_stored(void **state)
{
	(void)state;
	store(DEVICE_SCRATCH_GPA, 8, ~0ull);
	store(DEVICE_SCRATCH_GPA + 2, 2, 0x11223344);
	assert_true(load(DEVICE_SCRATCH_GPA, 8) == 0xffffffff3344ffffull);
	store(DEVICE_SCRATCH_GPA + 4092, 4, 0x55667788);
	assert_int_equal(load(DEVICE_SCRATCH_GPA + 4092, 4), 0x55667788);
	assert_int_equal(load(DEVICE_SCRATCH_GPA + 4095, 1), 0x55);
	assert_int_equal(all.scratch.device.count[DEVICE_LAST_OFFSET], 4095);
	assert_int_equal(all.scratch.device.count[DEVICE_LAST_LENGTH], 1);
}

static void pattern_follows_from_the_address(void **state)
{
	(void)state;
	for (unsigned int len = 1; len <= 8; len++) {
		u64 value = load(DEVICE_PATTERN_GPA + 5, len);

		for (unsigned int i = 0; i < 8; i++) {
			u64 address = DEVICE_PATTERN_GPA + 5 + i;
			u8 byte = (u8)(value >> 8 * i);

			if (i < len) {
				assert_int_equal(byte,
						 hypercall_pattern(address));
			} else {
				assert_int_equal(byte, 0);
			}
		}
	}
}

static void nobody_is_found_outside(void **state)
{
	(void)state;
	assert_null(devices_find(&all, gpa(DEVICE_FIFO_GPA - 1), 1));
	assert_null(devices_find(&all, gpa(DEVICE_FIFO_GPA + 4094), 4));
	assert_null(devices_find(&all, gpa(DEVICE_NOBODY_GPA), 1));
	assert_null(devices_find(&all, gpa(DEVICE_CORE_SCRATCH_GPA), 1));
	assert_null(devices_find(&all, gpa(~0ull), 8));
	assert_null(devices_find_port(&all, DEVICE_PORT_SCRATCH + 6, 4));
	assert_non_null(devices_find_port(&all, DEVICE_PORT_SCRATCH + 4, 4));
	assert_non_null(devices_find_port(&all, DEVICE_PORT_SINK, 1));
	assert_null(devices_by_base(&all, DEVICE_FIFO_GPA + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fifo_gives_each_value_once, begin),
		cmocka_unit_test_setup(counter_counts_its_reads, begin),
		cmocka_unit_test_setup(scratch_keeps_exactly_what_was_stored,
				       begin),
		cmocka_unit_test_setup(pattern_follows_from_the_address, begin),
		cmocka_unit_test_setup(nobody_is_found_outside, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
