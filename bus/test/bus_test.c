/** @file
 * The bus: who gets an access, who may register (spec 6.7).
 *
 * links: bus/test/lab.c
 */
#include "bus/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/errno.h"

/** A device that counts, and the memory that a bus takes its tables from. */
struct counter {
	struct bus_device device;
	unsigned int calls;
	struct bus_access last;
	u64 answer;
	bool refuses;
};

struct pool {
	unsigned int tables; /* not yet released */
	bool empty;
};

static void *pool_alloc(void *owner, size_t bytes)
{
	struct pool *pool = owner;

	if (pool->empty) {
		return NULL;
	}
	pool->tables++;
	return malloc(bytes);
}

static void pool_free(void *owner, void *table)
{
	((struct pool *)owner)->tables--;
	free(table);
}

static int count(void *opaque, struct bus_access *access)
{
	struct counter *counter = opaque;

	counter->calls++;
	counter->last = *access;
	if (counter->refuses) {
		return -EINVAL;
	}
	if (!access->is_write) {
		access->value = counter->answer;
	}
	return 0;
}

static struct pool pool;
static struct srcu domain;
static struct srcu_reader reader;

static void new_bus(struct bus *bus)
{
	pool = (struct pool){ 0 };
	srcu_init(&domain);
	reader = (struct srcu_reader){ 0 };
	assert_int_equal(srcu_add_reader(&domain, &reader), 0);
	bus_init(bus, &(struct bus_memory){ pool_alloc, pool_free, &pool },
		 &domain, bus_addr(~0ull));
}

/** Without bus_destroy(), which has a test of its own. */
static void end_bus(struct bus *bus)
{
	srcu_barrier(&domain);
	if (bus->table) {
		table_free(bus->table);
	}
	assert_int_equal(pool.tables, 0);
}

static void make(struct counter *counter, u64 base, u64 length)
{
	*counter = (struct counter){ .answer = 0x1122334455667788 };
	counter->device = (struct bus_device){
		.name = "counter",
		.base = bus_addr(base),
		.length = length,
		.widths = BUS_WIDTH_ANY,
		.opaque = counter,
		.access = count,
	};
}

static int access_at(struct bus *bus, u64 address, u32 length)
{
	struct bus_access access = { .address = bus_addr(address),
				     .length = length };

	return bus_dispatch(bus, &access);
}

static void an_empty_bus_has_nobody(void **state)
{
	struct bus bus;

	(void)state;
	new_bus(&bus);
	assert_int_equal(access_at(&bus, 0, 4), -EOPNOTSUPP);
	end_bus(&bus);
}

static void every_address_finds_its_device_and_gaps_nobody(void **state)
{
	static struct counter devices[BUS_DEVICES_MAX];
	struct bus bus;
	unsigned int i;

	(void)state;
	new_bus(&bus);
	/* In a mixed order: 7 and 1000 share no factor. */
	for (i = 0; i < BUS_DEVICES_MAX; i++) {
		unsigned int n = i * 7 % BUS_DEVICES_MAX;

		make(&devices[n], 0x1000 + 16 * n, 8);
		assert_int_equal(bus_register(&bus, &devices[n].device), 0);
		assert_int_equal(pool.tables, 1);
	}
	for (i = 0; i < BUS_DEVICES_MAX; i++) {
		u64 base = 0x1000 + 16 * i;

		assert_int_equal(access_at(&bus, base, 8), 0);
		assert_int_equal(access_at(&bus, base + 7, 1), 0);
		assert_int_equal(devices[i].calls, 2);
		assert_int_equal(devices[i].last.offset, 7);
		assert_int_equal(access_at(&bus, base + 8, 1), -EOPNOTSUPP);
		assert_int_equal(access_at(&bus, base - 1, 1), -EOPNOTSUPP);
	}
	end_bus(&bus);
}

static void an_access_must_lie_whole_inside(void **state)
{
	struct counter a, b;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0x1000, 16);
	make(&b, 0x1010, 16);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_register(&bus, &b.device), 0);
	assert_int_equal(access_at(&bus, 0x100c, 8), -EOPNOTSUPP); /* both */
	assert_int_equal(access_at(&bus, 0x101c, 8),
			 -EOPNOTSUPP); /* beyond the end */
	assert_int_equal(access_at(&bus, 0xffc, 8),
			 -EOPNOTSUPP); /* before the start */
	assert_int_equal(a.calls + b.calls, 0);
	assert_int_equal(access_at(&bus, 0x1008, 8), 0);
	assert_int_equal(access_at(&bus, 0x1010, 8), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	end_bus(&bus);
}

static void the_bus_enforces_widths(void **state)
{
	struct counter a;
	struct bus bus;
	u32 length;

	(void)state;
	new_bus(&bus);
	make(&a, 0, 64);
	a.device.widths = BUS_WIDTH_1 | BUS_WIDTH_4;
	assert_int_equal(bus_register(&bus, &a.device), 0);
	for (length = 0; length < 20; length++) {
		int expected = length == 1 || length == 4 ? 0 : -EOPNOTSUPP;

		assert_int_equal(access_at(&bus, 0, length), expected);
	}
	assert_int_equal(a.calls, 2);
	end_bus(&bus);
}

static void a_read_gives_only_its_bytes(void **state)
{
	struct bus_access access = { .address = bus_addr(8),
				     .length = 2,
				     .value = ~0ull };
	struct counter a;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0, 64);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_dispatch(&bus, &access), 0);
	assert_int_equal(access.value, 0x7788);
	access = (struct bus_access){ bus_addr(8), 0, 4, true, 0x1234 };
	assert_int_equal(bus_dispatch(&bus, &access), 0);
	assert_true(a.last.is_write);
	assert_int_equal(a.last.value, 0x1234);
	end_bus(&bus);
}

static void any_refusal_of_a_device_means_not_mine(void **state)
{
	struct counter a;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0, 64);
	a.refuses = true;
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(access_at(&bus, 0, 4), -EOPNOTSUPP);
	assert_int_equal(a.calls, 1);
	end_bus(&bus);
}

/** Register a range, take it off again if that worked. */
static int try_range(struct bus *bus, u64 base, u64 length)
{
	struct counter a;
	int result;

	make(&a, base, length);
	result = bus_register(bus, &a.device);
	if (!result) {
		assert_int_equal(bus_unregister(bus, &a.device), 0);
	}
	return result;
}

static void bad_ranges_are_refused(void **state)
{
	struct counter a;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	assert_int_equal(try_range(&bus, 0x1000, 0), -EINVAL);
	assert_int_equal(try_range(&bus, ~0ull, 2), -EINVAL);
	assert_int_equal(try_range(&bus, 1, ~0ull), 0);
	assert_int_equal(try_range(&bus, 2, ~0ull), -EINVAL);
	make(&a, 0, 4);
	a.device.access = NULL;
	assert_int_equal(bus_register(&bus, &a.device), -EINVAL);
	make(&a, 0, 4);
	a.device.widths = 0;
	assert_int_equal(bus_register(&bus, &a.device), -EINVAL);
	bus.last = 0xffff; /* as on the port bus */
	assert_int_equal(try_range(&bus, 0xfffe, 2), 0);
	assert_int_equal(try_range(&bus, 0xffff, 2), -EINVAL);
	end_bus(&bus);
}

static void overlaps_are_refused_and_change_nothing(void **state)
{
	struct counter a, b;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0x100, 0x10);
	make(&b, 0x200, 0x10);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_register(&bus, &b.device), 0);
	assert_int_equal(bus_register(&bus, &a.device), -EEXIST);
	assert_int_equal(try_range(&bus, 0x100, 1), -EEXIST);
	assert_int_equal(try_range(&bus, 0x10f, 1), -EEXIST);
	assert_int_equal(try_range(&bus, 0xf1, 0x10), -EEXIST);
	assert_int_equal(try_range(&bus, 0, 0x1000), -EEXIST); /* around both */
	assert_int_equal(try_range(&bus, 0x104, 4), -EEXIST);  /* nested */
	assert_int_equal(try_range(&bus, 0x110, 0xf0), 0); /* exactly between */
	assert_int_equal(try_range(&bus, 0xf0, 0x10), 0);
	assert_int_equal(bus.table->count, 2);
	end_bus(&bus);
}

static void the_1001st_device_is_refused(void **state)
{
	static struct counter devices[BUS_DEVICES_MAX + 1];
	struct bus bus;
	unsigned int i;

	(void)state;
	new_bus(&bus);
	for (i = 0; i <= BUS_DEVICES_MAX; i++) {
		make(&devices[i], 8 * i, 8);
		assert_int_equal(bus_register(&bus, &devices[i].device),
				 i < BUS_DEVICES_MAX ? 0 : -ENOSPC);
	}
	end_bus(&bus);
}

static void no_memory_leaves_the_bus_as_it_was(void **state)
{
	struct counter a, b, c;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0, 8);
	make(&b, 8, 8);
	make(&c, 16, 8);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_register(&bus, &b.device), 0);
	pool.empty = true;
	assert_int_equal(bus_register(&bus, &c.device), -ENOMEM);
	assert_int_equal(bus_unregister(&bus, &a.device), -ENOMEM);
	assert_int_equal(access_at(&bus, 0, 4), 0);
	assert_int_equal(access_at(&bus, 8, 4), 0);
	pool.empty = false;
	end_bus(&bus);
}

static void an_unregistered_device_is_not_called(void **state)
{
	struct counter a, b;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&a, 0, 8);
	make(&b, 8, 8);
	assert_int_equal(bus_unregister(&bus, &a.device), -ENOENT);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_unregister(&bus, &b.device), -ENOENT);
	assert_int_equal(bus_register(&bus, &b.device), 0);
	assert_int_equal(bus_unregister(&bus, &a.device), 0);
	assert_int_equal(access_at(&bus, 0, 4), -EOPNOTSUPP);
	assert_int_equal(access_at(&bus, 8, 4), 0);
	assert_int_equal(bus_unregister(&bus, &b.device), 0);
	assert_null(bus.table);
	assert_int_equal(a.calls, 0);
	end_bus(&bus);
}

/** Registering never waits: the table that a reader holds is freed later. */
static void a_parked_reader_delays_the_free_only(void **state)
{
	struct counter devices[10];
	struct bus bus;

	(void)state;
	new_bus(&bus);
	make(&devices[0], 0, 8);
	assert_int_equal(bus_register(&bus, &devices[0].device), 0);
	srcu_read_lock(&domain, &reader);
	for (unsigned int i = 1; i < 10; i++) {
		make(&devices[i], 8 * i, 8);
		assert_int_equal(bus_register(&bus, &devices[i].device), 0);
	}
	assert_int_equal(pool.tables, 10);
	assert_int_equal(access_at(&bus, 72, 8), 0);
	srcu_read_unlock(&domain, &reader);
	srcu_barrier(&domain);
	assert_int_equal(pool.tables, 1);
	end_bus(&bus);
}

static void alone_takes_a_section_of_its_own(void **state)
{
	struct bus_access access = { .address = bus_addr(4), .length = 4 };
	struct counter a;
	struct bus bus;

	(void)state;
	new_bus(&bus);
	assert_int_equal(bus_dispatch_alone(&bus, &reader, &access),
			 -EOPNOTSUPP);
	make(&a, 0, 8);
	assert_int_equal(bus_register(&bus, &a.device), 0);
	assert_int_equal(bus_dispatch_alone(&bus, &reader, &access), 0);
	assert_int_equal(reader.count, 4);
	end_bus(&bus);
}

static void destroying_frees_what_waits_and_what_is_there(void **state)
{
	struct counter devices[3];
	struct bus bus;

	(void)state;
	new_bus(&bus);
	bus_destroy(&bus);
	for (unsigned int i = 0; i < 3; i++) {
		make(&devices[i], 8 * i, 8);
		assert_int_equal(bus_register(&bus, &devices[i].device), 0);
	}
	bus_destroy(&bus);
	assert_int_equal(pool.tables, 0);
	assert_null(bus.table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_bus_has_nobody),
		cmocka_unit_test(
			every_address_finds_its_device_and_gaps_nobody),
		cmocka_unit_test(an_access_must_lie_whole_inside),
		cmocka_unit_test(the_bus_enforces_widths),
		cmocka_unit_test(a_read_gives_only_its_bytes),
		cmocka_unit_test(any_refusal_of_a_device_means_not_mine),
		cmocka_unit_test(bad_ranges_are_refused),
		cmocka_unit_test(overlaps_are_refused_and_change_nothing),
		cmocka_unit_test(the_1001st_device_is_refused),
		cmocka_unit_test(no_memory_leaves_the_bus_as_it_was),
		cmocka_unit_test(an_unregistered_device_is_not_called),
		cmocka_unit_test(a_parked_reader_delays_the_free_only),
		cmocka_unit_test(alone_takes_a_section_of_its_own),
		cmocka_unit_test(
			destroying_frees_what_waits_and_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
