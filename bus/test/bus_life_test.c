/** @file
 * The life of a bus: how much it takes, what is freed when, who waits for whom
 * (spec 6.7-9, 13 to 18, 20, 24).
 *
 * links: bus/test/lab.c
 */
#include "bus/bus.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bus/access.h"
#include "bus/errno.h"

#define MANY 2000

static struct srcu domain;
static struct srcu_reader reader;
static struct bus bus;
static struct bus_device device[BUS_DEVICES_MAX];
static struct bus_doorbell bell[BUS_DOORBELLS_MAX + 1];
static unsigned int tables, fails_at, rung[BUS_DOORBELLS_MAX + 1];

/** The fails_at-th allocation from now on is refused; 0: none is. */
static void *take(void *owner, size_t bytes)
{
	(void)owner;
	if (fails_at && --fails_at == 0) {
		return NULL;
	}
	tables++;
	return malloc(bytes);
}

static void give(void *owner, void *table)
{
	(void)owner;
	tables--;
	free(table);
}

static int answer(void *opaque, struct bus_access *access)
{
	(void)opaque;
	access->value = 1;
	return 0;
}

static void ring(void *opaque)
{
	++*(unsigned int *)opaque;
}

static int set_up(void **state)
{
	(void)state;
	tables = fails_at = 0;
	srcu_init(&domain);
	reader = (struct srcu_reader){ 0 };
	bus_init(&bus, &(struct bus_memory){ take, give, NULL }, &domain,
		 bus_addr(~0ull));
	return srcu_add_reader(&domain, &reader);
}

/** Also of what a test has left on the bus nothing is leaked. */
static int tear_down(void **state)
{
	(void)state;
	srcu_barrier(&domain);
	if (bus.table) {
		give(NULL, bus.table);
	}
	assert_int_equal(tables, 0);
	return 0;
}

/** Devices stand at 16 n, doorbells at 16 n + 8. */
static int add_device(unsigned int n)
{
	device[n] = (struct bus_device){ .name = "device",
					 .base = bus_addr(16 * n),
					 .length = 8,
					 .widths = BUS_WIDTH_ANY,
					 .access = answer };
	return bus_register(&bus, &device[n]);
}

static int add_bell(unsigned int n)
{
	rung[n] = 0;
	bell[n] = (struct bus_doorbell){ .name = "bell",
					 .address = bus_addr(16 * n + 8),
					 .length = n % 2 ? 0 : 8,
					 .ring = ring,
					 .opaque = &rung[n] };
	return bus_register_doorbell(&bus, &bell[n]);
}

static int store(u64 address, u64 value)
{
	struct bus_access access = { .address = bus_addr(address),
				     .length = 8,
				     .is_write = true,
				     .value = value };

	return bus_dispatch_alone(&bus, &reader, &access);
}

static void doorbells_do_not_count_as_devices(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(add_bell(i * 7 % MANY), 0);
	}
	for (unsigned int i = 0; i < BUS_DEVICES_MAX; i++) {
		assert_int_equal(add_device(i), 0);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(store(16 * i + 8, i), 0);
		assert_int_equal(rung[i], 1);
		assert_int_equal(store(16 * i, i),
				 i < BUS_DEVICES_MAX ? 0 : -EOPNOTSUPP);
	}
}

static void doorbells_have_a_limit_of_their_own(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < BUS_DOORBELLS_MAX; i++) {
		assert_int_equal(add_bell(i), 0);
	}
	assert_int_equal(add_bell(BUS_DOORBELLS_MAX), -ENOSPC);
	assert_int_equal(add_device(0), 0);
	assert_int_equal(bus_unregister_doorbell(&bus, &bell[9]), 0);
	assert_int_equal(add_bell(BUS_DOORBELLS_MAX), 0);
}

/** As a driver has it that tells its queues by what it stores (virtio). */
static void many_values_at_one_address_are_many_doorbells(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		unsigned int n = i * 7 % MANY;

		rung[n] = 0;
		bell[n] = (struct bus_doorbell){ .address = bus_addr(0x5000),
						 .length = 8,
						 .matches = true,
						 .value = 3 * n,
						 .ring = ring,
						 .opaque = &rung[n] };
		assert_int_equal(bus_register_doorbell(&bus, &bell[n]), 0);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		assert_int_equal(store(0x5000, 3 * i), 0);
		assert_int_equal(store(0x5000, 3 * i + 1), -EOPNOTSUPP);
		assert_int_equal(rung[i], 1);
	}
}

/** What the emulator makes of a store of 16 bytes to 0xff8: two pieces. */
static void the_second_piece_of_a_split_store_rings(void **state)
{
	u8 operand[17] = { 0 };
	u64 piece;

	(void)state;
	operand[9] = 0x49; /* the operand itself lies at no multiple of 8 */
	bell[0] = (struct bus_doorbell){ .address = bus_addr(0x1000),
					 .length = 8,
					 .matches = true,
					 .value = 0x49,
					 .ring = ring,
					 .opaque = &rung[0] };
	rung[0] = 0;
	assert_int_equal(bus_register_doorbell(&bus, &bell[0]), 0);
	memcpy(&piece, operand + 1, 8);
	assert_int_equal(store(0xff8, piece), -EOPNOTSUPP);
	memcpy(&piece, operand + 9, 8);
	assert_int_equal(store(0x1000, piece), 0);
	assert_int_equal(rung[0], 1);
}

/* No memory ---------------------------------------------------------------- */

static int change(unsigned int which)
{
	switch (which) {
	case 0:
		return add_device(5);
	case 1:
		return bus_unregister(&bus, &device[1]);
	case 2:
		return add_bell(5);
	default:
		return bus_unregister_doorbell(&bus, &bell[1]);
	}
}

static void check_unchanged(const struct bus_table *table, const void *copy,
			    size_t bytes)
{
	assert_ptr_equal(bus.table, table);
	assert_memory_equal(table, copy, bytes);
	assert_int_equal(tables, 1);
	assert_int_equal(store(0, 0), 0);
	assert_int_equal(store(40, 0), 0);
}

/** Each allocation of each change is refused once, until it needs no more. */
static void any_allocation_may_fail(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(add_device(i), 0);
		assert_int_equal(add_bell(i), 0);
	}
	for (unsigned int which = 0; which < 4; which++) {
		size_t bytes = sizeof(*bus.table) +
			       bus.table->count * sizeof(struct bus_range) +
			       bus.table->doorbells * sizeof(struct bus_bell);
		unsigned int n;

		for (n = 1; n < 100; n++) {
			struct bus_table *table = bus.table;
			void *copy = malloc(bytes);
			int result;

			memcpy(copy, table, bytes);
			fails_at = n;
			result = change(which);
			if (fails_at) { /* it needs fewer than n */
				assert_int_equal(result, 0);
				free(copy);
				break;
			}
			assert_int_equal(result, -ENOMEM);
			check_unchanged(table, copy, bytes);
			free(copy);
		}
		assert_in_range(n, 2, 99);
		fails_at = 0;
	}
}

/* Readers ------------------------------------------------------------------ */

static void a_reader_keeps_its_table_over_ten_updates(void **state)
{
	const struct bus_table *table;
	struct bus_table copy;

	(void)state;
	assert_int_equal(add_device(0), 0);
	srcu_read_lock(&domain, &reader);
	table = srcu_dereference(bus.table, &domain);
	memcpy(&copy, table, sizeof(copy));
	for (unsigned int i = 1; i <= 5; i++) {
		assert_int_equal(add_device(i), 0);
		assert_int_equal(add_bell(i), 0);
	}
	assert_int_equal(table->count, copy.count);
	assert_int_equal(table->doorbells, copy.doorbells);
	assert_ptr_equal(table->ranges[0].device, &device[0]);
	assert_int_equal(tables, 11);
	srcu_read_unlock(&domain, &reader);
	srcu_barrier(&domain);
	assert_int_equal(tables, 1);
}

static void the_bus_goes_right_after_a_hundred_registrations(void **state)
{
	(void)state;
	srcu_read_lock(&domain, &reader);
	for (unsigned int i = 0; i < 50; i++) {
		assert_int_equal(add_device(i), 0);
		assert_int_equal(add_bell(i), 0);
	}
	assert_int_equal(tables, 100);
	srcu_read_unlock(&domain, &reader);
	bus_destroy(&bus);
	assert_int_equal(tables, 0);
}

/** A device or a doorbell that does not come back before it is let. */
static int inside, may_leave, gone, came_too_early;

static void stay(void *unused)
{
	(void)unused;
	smp_store_release(&inside, 1);
	while (!smp_load_acquire(&may_leave)) {
		usleep(100);
	}
	came_too_early = smp_load_acquire(&gone);
}

static int stay_in_device(void *opaque, struct bus_access *access)
{
	(void)access;
	stay(opaque);
	return 0;
}

static void *access_once(void *address)
{
	assert_int_equal(store((u64)(uintptr_t)address, 0), 0);
	return NULL;
}

static void *let_it_leave(void *unused)
{
	(void)unused;
	usleep(20000); /* the longer, the surer a mistake is found */
	smp_store_release(&may_leave, 1);
	return NULL;
}

/** Unregister what a thread is inside of; a third one lets that leave. */
static void unregister_meanwhile(u64 address, unsigned int which)
{
	pthread_t vcpu, other;

	inside = may_leave = gone = came_too_early = 0;
	pthread_create(&vcpu, NULL, access_once, (void *)(uintptr_t)address);
	while (!smp_load_acquire(&inside)) {
		usleep(100);
	}
	pthread_create(&other, NULL, let_it_leave, NULL);
	assert_int_equal(change(which), 0);
	smp_store_release(&gone, 1);
	assert_true(smp_load_acquire(&may_leave));
	pthread_join(vcpu, NULL);
	pthread_join(other, NULL);
	assert_false(came_too_early);
	assert_int_equal(store(address, 0), -EOPNOTSUPP);
}

static void unregister_waits_for_who_is_inside(void **state)
{
	(void)state;
	assert_int_equal(add_device(1), 0);
	assert_int_equal(add_bell(1), 0);
	device[1].access = stay_in_device;
	unregister_meanwhile(16, 1);
	bell[1].ring = stay;
	unregister_meanwhile(24, 3);
}

#define SET_UP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_UP(doorbells_do_not_count_as_devices),
		SET_UP(doorbells_have_a_limit_of_their_own),
		SET_UP(many_values_at_one_address_are_many_doorbells),
		SET_UP(the_second_piece_of_a_split_store_rings),
		SET_UP(any_allocation_may_fail),
		SET_UP(a_reader_keeps_its_table_over_ten_updates),
		SET_UP(the_bus_goes_right_after_a_hundred_registrations),
		SET_UP(unregister_waits_for_who_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
