/** @file
 * Four processors, a timer and a keyboard at one board: nothing locks up, and
 * no interrupt is lost between the chips.
 *
 * Under the thread sanitizer it also shows that everything shared is locked.
 *
 * links: hv/platform/board.c hv/platform/board_ports.c hv/platform/fw_cfg.c
 * links: hv/platform/i8042.c hv/platform/ioapic.c hv/platform/irq_lines.c
 * links: hv/platform/pic.c hv/platform/pic_ports.c hv/platform/pit.c
 * links: hv/platform/pit_counter.c hv/platform/pm.c hv/platform/rtc.c
 * links: hv/platform/rtc_date.c hv/platform/serial.c
 * links: hv/platform/test/spinlock_threads.c
 * libraries: -lpthread
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/access.h"
#include "hv/platform/board.h"

#define HZ (16ull * PIT_HZ)
#define PROCESSORS 4
#define ACCESSES 60000
#define TICKS 2000

static struct board board;
static u64 time_now, messages, arms, out_bytes;
static bool intr;

static u64 see_now(void *data)
{
	(void)data;
	return __atomic_add_fetch(&time_now, 3, __ATOMIC_RELAXED);
}

static void count(u64 *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static void see_arm(void *data, u64 when)
{
	(void)data;
	(void)when;
	count(&arms);
}

static void see_output(void *data, unsigned int port, u8 byte)
{
	(void)data;
	(void)port;
	(void)byte;
	count(&out_bytes);
}

static void see_intr(void *data, bool high)
{
	(void)data;
	__atomic_store_n(&intr, high, __ATOMIC_RELAXED);
}

static bool see_message(void *data, const struct vlapic_message *message)
{
	(void)data;
	(void)message;
	count(&messages);
	return true;
}

static void see_end(void *data, enum board_end end, u32 code)
{
	(void)data;
	(void)end;
	(void)code;
}

static const struct board_plan plan = {
	.tsc_hz = HZ,
	.time = 1700000000,
	.about = { .memory = 64 << 20, .cpus = PROCESSORS },
	.host = { &board, see_now, see_arm, see_output, see_intr, see_message,
		  see_end },
};

/** A processor that does whatever comes to its mind. */
static void *processor(void *seed_of_mine)
{
	u64 seed = (u64)(uintptr_t)seed_of_mine;

	for (unsigned int i = 0; i < ACCESSES; i++) {
		const struct bus_device *device;
		struct bus_access a = { .length = 1 };

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		device = &board.device[(seed >> 33) % board.ndevices].bus;
		a.offset = (seed >> 40) % device->length;
		a.address = bus_addr(device->base.v + a.offset);
		a.is_write = seed & BIT(59);
		a.length = device->widths & BUS_WIDTH_4 ? 4 : 1;
		a.value = seed >> 20;
		if (a.offset + a.length <= device->length) {
			(void)device->access(device->opaque, &a);
		}
		if (__atomic_load_n(&intr, __ATOMIC_RELAXED)) {
			pic_acknowledge(&board.pic);
		}
		ioapic_eoi(&board.ioapic, (u8)(seed >> 25));
	}
	return NULL;
}

static void *timer(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < ACCESSES / 4; i++) {
		board_advance(&board);
	}
	return NULL;
}

static void *keyboard(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < ACCESSES / 4; i++) {
		serial_input(&board.serial[i & 1].serial, (const u8 *)"x", 1);
	}
	return NULL;
}

static void any_access_from_anywhere(void **state)
{
	pthread_t threads[PROCESSORS + 2];

	(void)state;
	board_init(&board, &plan);
	for (uintptr_t i = 0; i < PROCESSORS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, processor,
						(void *)(i + 1)), 0);
	}
	assert_int_equal(pthread_create(&threads[PROCESSORS], NULL, timer,
					NULL), 0);
	assert_int_equal(pthread_create(&threads[PROCESSORS + 1], NULL,
					keyboard, NULL), 0);
	for (unsigned int i = 0; i < PROCESSORS + 2; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	assert_true(arms > 0);
	assert_true(out_bytes > 0);
}

/** A level that rises while its last one is ended elsewhere. */
static void *end_levels(void *unused)
{
	(void)unused;
	while (__atomic_load_n(&messages, __ATOMIC_ACQUIRE) < TICKS) {
		ioapic_eoi(&board.ioapic, 0x50);
	}
	return NULL;
}

static void no_level_is_lost(void **state)
{
	struct bus_access a = { .length = 4, .is_write = true, .value = 0x2a };
	pthread_t thread;

	(void)state;
	board_init(&board, &plan);
	ioapic_access(&board.ioapic, &a);
	a.offset = 0x10;
	a.value = 0x8050; /* line 13, level, vector 0x50 */
	ioapic_access(&board.ioapic, &a);
	messages = 0;
	assert_int_equal(pthread_create(&thread, NULL, end_levels, NULL), 0);
	for (u64 i = 1; i <= TICKS; i++) {
		u64 seen = __atomic_load_n(&messages, __ATOMIC_ACQUIRE);

		irq_lines_set(&board.lines, 13, true);
		while (__atomic_load_n(&messages, __ATOMIC_ACQUIRE) == seen &&
		       seen < TICKS) {
			cpu_relax();
		}
		irq_lines_set(&board.lines, 13, false);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_access_from_anywhere),
		cmocka_unit_test(no_level_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
