/** @file
 * Virtio devices: a disk and a console, with a decent driver and with others.
 *
 * links: hv/platform/virtqueue.c hv/platform/virtio_mmio.c
 * links: hv/platform/virtio_blk.c hv/platform/virtio_console.c
 * links: hv/platform/test/virtio_driver.c hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/test/virtio_driver.h"
#include "hv/platform/virtio_blk.h"
#include "hv/platform/virtio_console.h"

#define SECTORS 16
#define NEEDS_RESET 0x40
#define FLAGS(length, flags, next) \
	((length) | (u64)(flags) << 32 | (u64)(next) << 48)

static struct driver driver;
static struct virtio_blk blk;
static struct virtio_console console;
static u8 *image;
static char text[64];
static unsigned int length;

static int begin_disk(bool read_only)
{
	struct virtio_blk_plan plan;

	driver_begin(&driver);
	image = malloc(SECTORS * 512);
	for (unsigned int i = 0; i < SECTORS * 512; i++) {
		image[i] = (u8)(i / 512 + i);
	}
	plan = (struct virtio_blk_plan){ driver.map, driver.irq, image,
					 SECTORS * 512 + 100, read_only };
	virtio_blk_init(&blk, &plan);
	driver.device = &blk.virtio;
	driver_start(&driver, VIRTIO_VERSION_1);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_disk(false);
}

static int finish(void **state)
{
	(void)state;
	driver_end(&driver);
	free(image);
	image = NULL;
	return 0;
}

/** A request: header at 0x10000, data at 0x11000, status at 0x10ff0. */
static u8 request(u32 type, u64 sector, u32 bytes)
{
	u16 direction = type == 1 ? 0 : DRIVER_WRITE;
	u64 header[2] = { type, sector };
	u8 status;

	memcpy(driver.memory + 0x10000, header, 16);
	driver.memory[0x10ff0] = 0xee;
	driver_describe(&driver, 0, 0x10000, FLAGS(16, DRIVER_NEXT, 1));
	driver_describe(&driver, 1, 0x11000,
			FLAGS(bytes, direction | DRIVER_NEXT, 2));
	driver_describe(&driver, 2, 0x10ff0, FLAGS(1, DRIVER_WRITE, 0));
	driver_lend(&driver, 0, 0);
	status = driver.memory[0x10ff0];
	return status;
}

static void a_driver_finds_a_disk(void **state)
{
	struct bus_access a = { .offset = 0x100, .length = 8 };

	(void)state;
	assert_int_equal(driver_load(&driver, 0), 0x74726976);
	assert_int_equal(driver_load(&driver, 4), 2);
	assert_int_equal(driver_load(&driver, 8), 2);
	assert_int_equal(driver_load(&driver, 0x34), 0); /* queue 1: none */
	driver_store(&driver, 0x30, 0);
	assert_int_equal(driver_load(&driver, 0x34), VIRTQUEUE_MAX);
	assert_int_equal(driver_load(&driver, 0x44), 1);
	assert_int_equal(driver_load(&driver, 0x70), 15);
	driver_store(&driver, 0x14, 1);
	assert_int_equal(driver_load(&driver, 0x10), 1);
	driver_store(&driver, 0x14, 0);
	assert_int_equal(driver_load(&driver, 0x10), 0x10000204);
	virtio_mmio_access(driver.device, &a);
	assert_int_equal(a.value, SECTORS);
	assert_int_equal(driver_load(&driver, 0x10c), VIRTQUEUE_MAX - 2);
	a = (struct bus_access){ .offset = 0x1ff, .length = 1 };
	virtio_mmio_access(driver.device, &a);
	assert_int_equal(a.value, 0);
}

static void features_are_agreed_on(void **state)
{
	(void)state;
	driver_start(&driver, VIRTIO_VERSION_1 | 0x200);
	assert_int_equal(driver_load(&driver, 0x70), 15);
	driver_start(&driver, 0x200); /* the old version */
	assert_int_equal(driver_load(&driver, 0x70) & 8, 0);
	driver_start(&driver, VIRTIO_VERSION_1 | VIRTQUEUE_INDIRECT);
	assert_int_equal(driver_load(&driver, 0x70), 15);
	driver_start(&driver, VIRTIO_VERSION_1 | 0x10);
	assert_int_equal(driver_load(&driver, 0x70) & 8, 0);
	driver_store(&driver, 0x70, 0);
	assert_int_equal(driver_load(&driver, 0x70), 0);
}

static void sectors_are_read_and_written(void **state)
{
	u32 bytes;

	(void)state;
	assert_int_equal(request(0, 3, 1024), 0);
	assert_memory_equal(driver.memory + 0x11000, image + 3 * 512, 1024);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 1);
	assert_int_equal(bytes, 1025);
	assert_true(driver.line);
	assert_int_equal(driver_load(&driver, 0x60), 1);
	driver_store(&driver, 0x64, 1);
	assert_false(driver.line);
	memset(driver.memory + 0x11000, 0x77, 512);
	assert_int_equal(request(1, 15, 512), 0);
	assert_int_equal(image[15 * 512], 0x77);
	assert_int_equal(image[16 * 512 - 1], 0x77);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 2);
	assert_int_equal(bytes, 1);
	assert_int_equal(request(4, 0, 0), 0);
	assert_int_equal(request(8, 0, 20), 0);
	assert_memory_equal(driver.memory + 0x11000, "exit49", 7);
	assert_int_equal(blk.requests, 4);
	assert_int_equal(blk.failed, 0);
}

static void bad_requests_fail(void **state)
{
	(void)state;
	assert_int_equal(request(0, SECTORS, 512), 1);
	assert_int_equal(request(0, SECTORS - 1, 1024), 1);
	assert_int_equal(request(1, ~0ull, 512), 1);
	assert_int_equal(request(0, ~0ull / 512, 512), 1);
	assert_int_equal(request(0, 0, 100), 1);
	assert_int_equal(request(99, 0, 512), 2);
	assert_int_equal(blk.failed, 6);
	assert_int_equal(driver_load(&driver, 0x70), 15);
	finish(NULL);
	begin_disk(true);
	assert_int_equal(request(1, 0, 512), 1);
	assert_int_equal(request(0, 0, 512), 0);
}

static void a_request_may_be_in_pieces(void **state)
{
	(void)state;
	memset(driver.memory + 0x10000, 0, 16);
	driver.memory[0x10008] = 2;
	driver_describe(&driver, 0, 0x10000, FLAGS(4, DRIVER_NEXT, 1));
	driver_describe(&driver, 1, 0x10004, FLAGS(12, DRIVER_NEXT, 2));
	driver_describe(&driver, 2, 0x11000, FLAGS(500, 3, 3));
	driver_describe(&driver, 3, 0x12000, FLAGS(0, 3, 4));
	driver_describe(&driver, 4, 0x13000, FLAGS(13, 2, 0));
	driver.memory[0x1300c] = 0xee;
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver.memory[0x1300c], 0);
	assert_memory_equal(driver.memory + 0x11000, image + 1024, 500);
	assert_memory_equal(driver.memory + 0x13000, image + 1524, 12);
}

/** The rings' indices are of 16 bits, and go on behind 65535 with 0. */
static void indices_wrap_around(void **state)
{
	u32 bytes;

	(void)state;
	for (unsigned int i = 1; i <= 0x10000 + DRIVER_SIZE + 1; i++) {
		assert_int_equal(request(0, i % SECTORS, 512), 0);
		assert_int_equal(driver_returned(&driver, 0, &bytes), (u16)i);
		assert_int_equal(driver.memory[0x11000],
				 image[i % SECTORS * 512]);
	}
}

static void the_driver_may_not_want_interrupts(void **state)
{
	(void)state;
	driver.memory[driver_available(0)] = 1;
	assert_int_equal(request(0, 0, 512), 0);
	assert_false(driver.line);
	virtio_mmio_notify(&blk.virtio, 0); /* nothing there */
	virtio_mmio_notify(&blk.virtio, 7);
}

/** What one mistake does to the device. */
static void assert_broken(void)
{
	u32 bytes;

	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_load(&driver, 0x70), 15 | NEEDS_RESET);
	assert_int_equal(driver_load(&driver, 0x60) & 2, 2);
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 0);
	driver_end(&driver);
	free(image);
	begin(NULL);
}

static void bad_chains_break_the_queue(void **state)
{
	static const struct {
		u64 address, rest;
	} bad[] = {
		{ 0x10000, FLAGS(16, DRIVER_NEXT, 0) },	      /* a circle */
		{ 0x10000, FLAGS(16, DRIVER_NEXT, 8) },	      /* no such */
		{ 0x10000, FLAGS(16, DRIVER_NEXT, 0xffff) },
		{ 0x10000, FLAGS(16, 4, 0) },		      /* indirect */
		{ DRIVER_MEMORY - 1, FLAGS(2, 0, 0) },	      /* no memory */
		{ ~0ull, FLAGS(16, 0, 0) },
		{ 0, FLAGS(0xffffffff, DRIVER_WRITE, 0) },
		{ 0x10000, FLAGS(16, 3, 1) },	      /* read after write */
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		driver_describe(&driver, 0, bad[i].address, bad[i].rest);
		driver_describe(&driver, 1, 0x10000, FLAGS(16, 0, 0));
		assert_broken();
	}
	driver.next[0] = 100; /* more than there can be */
	assert_broken();
}

#define TABLE 0x14000
#define INDIRECT 4

/** A descriptor of a table of its own. */
static void describe_indirect(unsigned int index, u64 address, u64 rest)
{
	memcpy(driver.memory + TABLE + 16 * index, &address, 8);
	memcpy(driver.memory + TABLE + 16 * index + 8, &rest, 8);
}

/** The second sector, in a table from the second descriptor on. */
static void lay_table(void)
{
	driver_start(&driver, VIRTIO_VERSION_1 | VIRTQUEUE_INDIRECT);
	memset(driver.memory + 0x10000, 0, 16);
	driver.memory[0x10008] = 2;
	driver.memory[0x12000] = 0xee;
	driver_describe(&driver, 0, 0x10000, FLAGS(16, DRIVER_NEXT, 1));
	driver_describe(&driver, 1, TABLE, FLAGS(3 * 16, INDIRECT, 0));
	describe_indirect(0, 0x11000, FLAGS(200, 3, 2));
	describe_indirect(1, 0x12000, FLAGS(1, DRIVER_WRITE, 0));
	describe_indirect(2, 0x13000, FLAGS(312, 3, 1));
	describe_indirect(16, 0x12000, FLAGS(1, DRIVER_WRITE, 0));
}

static void a_chain_may_go_on_in_a_table_of_its_own(void **state)
{
	u32 bytes;

	(void)state;
	lay_table();
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 1);
	assert_int_equal(bytes, 513);
	assert_int_equal(driver.memory[0x12000], 0);
	assert_memory_equal(driver.memory + 0x11000, image + 1024, 200);
	assert_memory_equal(driver.memory + 0x13000, image + 1224, 312);
	/* whether the table is to be written is not looked at (2.6.5.3.2) */
	driver_describe(&driver, 1, TABLE, FLAGS(3 * 16, INDIRECT | 2, 0));
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 2);
}

static void bad_tables_break_the_queue(void **state)
{
	static const struct {
		u64 address, rest;   /* of the descriptor that leads there */
		u64 at, third; /* the table's third one; 0: as it was */
	} bad[] = {
		{ TABLE, FLAGS(0, INDIRECT, 0) },
		{ TABLE, FLAGS(3 * 16 + 1, INDIRECT, 0) },
		{ TABLE + 4, FLAGS(3 * 16, INDIRECT, 0) },
		{ TABLE, FLAGS(3 * 16, INDIRECT | DRIVER_NEXT, 2) },
		{ TABLE, FLAGS(2 * 16, INDIRECT, 0) }, /* ends before it */
		{ DRIVER_MEMORY, FLAGS(3 * 16, INDIRECT, 0) },
		{ ~7ull, FLAGS(3 * 16, INDIRECT, 0) },
		/* no memory, although the table is as large as it can be */
		{ TABLE, FLAGS(0xfffffff0, INDIRECT, 0), ~0ull,
		  FLAGS(16, 3, 1) },
		{ TABLE, FLAGS(0xfffffff0, INDIRECT, 0), 0x13000,
		  FLAGS(16, 3, 0xffff) },
		/* a circle; a table within the table; read after write */
		{ TABLE, FLAGS(3 * 16, INDIRECT, 0), 0x13000,
		  FLAGS(16, 3, 0) },
		{ TABLE, FLAGS(3 * 16, INDIRECT, 0), TABLE + 16 * 16,
		  FLAGS(16, INDIRECT, 0) },
		{ TABLE, FLAGS(3 * 16, INDIRECT, 0), 0x13000,
		  FLAGS(16, DRIVER_NEXT, 1) },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		lay_table();
		driver_describe(&driver, 1, bad[i].address, bad[i].rest);
		if (bad[i].third) {
			describe_indirect(2, bad[i].at, bad[i].third);
		}
		assert_broken();
	}
	lay_table();
	driver_start(&driver, VIRTIO_VERSION_1); /* not agreed on */
	assert_broken();
}

static void a_chain_without_room_is_given_back(void **state)
{
	u32 bytes;

	(void)state;
	driver_describe(&driver, 0, 0x10000, FLAGS(16, 0, 0));
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 1);
	assert_int_equal(bytes, 0);
	assert_int_equal(blk.failed, 1);
}

static void queues_want_their_alignment(void **state)
{
	(void)state;
	driver_store(&driver, 0x30, 0);
	driver_store(&driver, 0x44, 0);
	driver_store(&driver, 0x44, 1);
	assert_int_equal(driver_load(&driver, 0x44), 0); /* no size */
	driver_store(&driver, 0x38, 6);
	driver_store(&driver, 0x44, 1);
	assert_int_equal(driver_load(&driver, 0x44), 0);
	driver_store(&driver, 0x38, 8);
	driver_store(&driver, 0x80, 0x1008);
	driver_store(&driver, 0x44, 1);
	assert_int_equal(driver_load(&driver, 0x44), 0);
	driver_store(&driver, 0x80, 0x1000);
	driver_store(&driver, 0x44, 1);
	assert_int_equal(driver_load(&driver, 0x44), 1);
	driver_store(&driver, 0x84, 1); /* too late */
	assert_true(blk.virtio.queue[0].descriptors.v == 0x1000);
}

/** Rings full of noise, registers at random: nothing outside is touched. */
static void anything_may_be_in_the_rings(void **state)
{
	u64 seed = 17;

	(void)state;
	for (unsigned int round = 0; round < 3000; round++) {
		driver_start(&driver, VIRTIO_VERSION_1 |
					      (round % 2 * VIRTQUEUE_INDIRECT));
		for (unsigned int i = 0x1000; i < 0x3100; i++) {
			seed = seed * 6364136223846793005ull + 1;
			/* Small numbers lead further. */
			driver.memory[i] = seed >> 63 ? seed >> 40
						      : seed >> 61;
		}
		for (unsigned int i = 0; i < 20; i++) {
			u16 index = (u16)(seed >> 33) & 7;

			memcpy(driver.memory + 0x2002, &index, 2);
			seed = seed * 6364136223846793005ull + 1;
			driver_store(&driver, 0x50, 0);
			driver_store(&driver, (seed >> 30 & 0x3f) * 4,
				     (u32)(seed >> 40));
			driver_load(&driver, (seed >> 34 & 0x7f) * 4);
		}
	}
}

static void see_byte(void *data, u8 byte)
{
	(void)data;
	text[length++ % sizeof(text)] = (char)byte;
}

static int begin_console(void **state)
{
	struct virtio_console_plan plan;

	(void)state;
	driver_begin(&driver);
	plan = (struct virtio_console_plan){ driver.map, driver.irq, see_byte,
					     NULL };
	length = 0;
	virtio_console_init(&console, &plan);
	driver.device = &console.virtio;
	driver_start(&driver, VIRTIO_VERSION_1);
	return 0;
}

static void a_console_talks_and_listens(void **state)
{
	u32 bytes;

	(void)state;
	assert_int_equal(driver_load(&driver, 8), 3);
	memcpy(driver.memory + 0x10000, "hello", 5);
	driver_describe(&driver, DRIVER_SIZE, 0x10000, FLAGS(5, 0, 0));
	driver_lend(&driver, 1, 0);
	assert_int_equal(length, 5);
	assert_memory_equal(text, "hello", 5);
	/* typed before there is a buffer, and more than fits */
	assert_int_equal(virtio_console_input(&console, (const u8 *)"abcdef",
					      6), 6);
	driver_describe(&driver, 0, 0x11000, FLAGS(4, DRIVER_WRITE, 0));
	driver_describe(&driver, 1, 0x12000, FLAGS(4, DRIVER_WRITE, 0));
	driver_lend(&driver, 0, 0);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 1);
	assert_int_equal(bytes, 4);
	assert_memory_equal(driver.memory + 0x11000, "abcd", 4);
	driver_lend(&driver, 0, 1);
	assert_int_equal(driver_returned(&driver, 0, &bytes), 2);
	assert_int_equal(bytes, 2);
	assert_memory_equal(driver.memory + 0x12000, "ef", 2);
	for (unsigned int i = 0; i < VIRTIO_CONSOLE_WAITING; i++) {
		assert_int_equal(virtio_console_input(&console, (u8 *)"x", 1),
				 1);
	}
	assert_int_equal(virtio_console_input(&console, (u8 *)"x", 1), 0);
}

/** All of memory, lent eight times over, in one notification. */
static void a_console_does_not_talk_for_ever(void **state)
{
	u16 index = DRIVER_SIZE;
	u32 bytes;

	(void)state;
	for (unsigned int i = 0; i < DRIVER_SIZE; i++) {
		driver_describe(&driver, DRIVER_SIZE + i, 0,
				FLAGS(DRIVER_MEMORY, 0, 0));
		memcpy(driver.memory + driver_available(1) + 4 + 2 * i,
		       &(u16){ (u16)i }, 2);
	}
	memcpy(driver.memory + driver_available(1) + 2, &index, 2);
	driver_store(&driver, 0x50, 1);
	assert_int_equal(length, 0x10000);
	assert_int_equal(driver_returned(&driver, 1, &bytes), DRIVER_SIZE);
	driver_store(&driver, 0x50, 1); /* nothing more */
	assert_int_equal(length, 0x10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_driver_finds_a_disk, begin,
						finish),
		cmocka_unit_test_setup_teardown(features_are_agreed_on, begin,
						finish),
		cmocka_unit_test_setup_teardown(sectors_are_read_and_written,
						begin, finish),
		cmocka_unit_test_setup_teardown(bad_requests_fail, begin,
						finish),
		cmocka_unit_test_setup_teardown(indices_wrap_around, begin,
						finish),
		cmocka_unit_test_setup_teardown(a_request_may_be_in_pieces,
						begin, finish),
		cmocka_unit_test_setup_teardown(
			the_driver_may_not_want_interrupts, begin, finish),
		cmocka_unit_test_setup_teardown(bad_chains_break_the_queue,
						begin, finish),
		cmocka_unit_test_setup_teardown(
			a_chain_may_go_on_in_a_table_of_its_own, begin,
			finish),
		cmocka_unit_test_setup_teardown(bad_tables_break_the_queue,
						begin, finish),
		cmocka_unit_test_setup_teardown(
			a_chain_without_room_is_given_back, begin, finish),
		cmocka_unit_test_setup_teardown(queues_want_their_alignment,
						begin, finish),
		cmocka_unit_test_setup_teardown(anything_may_be_in_the_rings,
						begin, finish),
		cmocka_unit_test_setup_teardown(a_console_talks_and_listens,
						begin_console, finish),
		cmocka_unit_test_setup_teardown(
			a_console_does_not_talk_for_ever, begin_console,
			finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
