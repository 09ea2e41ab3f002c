/** @file
 * Doorbells: which store rings, what collides, how many there may be (spec
 * 6.6, 6.7).
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

/** A doorbell that counts, and the memory that a bus takes its tables from. */
struct bell {
	struct bus_doorbell doorbell;
	unsigned int rung;
};

static struct srcu domain;
static struct srcu_reader reader;
static struct bus bus;
static int tables;

static void *take(void *owner, size_t bytes)
{
	(void)owner;
	tables++;
	return malloc(bytes);
}

static void give(void *owner, void *table)
{
	(void)owner;
	tables--;
	free(table);
}

static void ring(void *opaque)
{
	((struct bell *)opaque)->rung++;
}

static int set_up(void **state)
{
	(void)state;
	tables = 0;
	srcu_init(&domain);
	reader = (struct srcu_reader){ 0 };
	assert_int_equal(srcu_add_reader(&domain, &reader), 0);
	bus_init(&bus, &(struct bus_memory){ take, give, NULL }, &domain,
		 bus_addr(~0ull));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	srcu_barrier(&domain);
	if (bus.table) {
		table_free(bus.table);
	}
	assert_int_equal(tables, 0);
	return 0;
}

static struct bell *make(struct bell *bell, u64 address, u32 length)
{
	*bell = (struct bell){ .doorbell = { .name = "bell",
					     .address = bus_addr(address),
					     .length = length,
					     .ring = ring,
					     .opaque = bell } };
	return bell;
}

static struct bell *match(struct bell *bell, u64 value)
{
	bell->doorbell.matches = true;
	bell->doorbell.value = value;
	return bell;
}

static int add(struct bell *bell)
{
	return bus_register_doorbell(&bus, &bell->doorbell);
}

static int store(u64 address, u32 length, u64 value)
{
	struct bus_access access = { .address = bus_addr(address),
				     .length = length,
				     .is_write = true,
				     .value = value };

	return bus_dispatch(&bus, &access);
}

static void any_length_takes_every_size_at_its_address_only(void **state)
{
	struct bell bell;

	(void)state;
	assert_int_equal(add(make(&bell, 0x1000, 0)), 0);
	for (u32 length = 1; length <= 8; length++) {
		assert_int_equal(store(0x1000, length, length), 0);
		assert_int_equal(store(0x1001, length, 0), -EOPNOTSUPP);
		assert_int_equal(store(0xfff, length, 0), -EOPNOTSUPP);
	}
	assert_int_equal(bell.rung, 8);
	assert_int_equal(store(0x1000, 0, 0), -EOPNOTSUPP);
	assert_int_equal(store(0x1000, 9, 0), -EOPNOTSUPP);
	assert_int_equal(store(0x1000, ~0u, 0), -EOPNOTSUPP);
	assert_int_equal(bell.rung, 8);
}

static void a_length_is_exact(void **state)
{
	struct bell four, eight;

	(void)state;
	assert_int_equal(add(make(&four, 0x1000, 4)), 0);
	assert_int_equal(add(make(&eight, 0x1000, 8)), 0);
	for (u32 length = 1; length <= 8; length++) {
		assert_int_equal(store(0x1000, length, 0),
				 length % 4 ? -EOPNOTSUPP : 0);
	}
	assert_int_equal(four.rung, 1);
	assert_int_equal(eight.rung, 1);
}

static void a_value_matches_by_its_low_bytes(void **state)
{
	struct bell one, two;

	(void)state;
	assert_int_equal(add(match(make(&one, 0x1000, 2), ~0xffffull | 1)), 0);
	assert_int_equal(add(match(make(&two, 0x1000, 2), 2)), 0);
	assert_int_equal(store(0x1000, 2, 1), 0);
	assert_int_equal(store(0x1000, 2, 0xabcd0001), 0);
	assert_int_equal(store(0x1000, 2, 0x0101), -EOPNOTSUPP);
	assert_int_equal(store(0x1000, 2, 0), -EOPNOTSUPP);
	assert_int_equal(store(0x1000, 4, 1), -EOPNOTSUPP);
	assert_int_equal(one.rung, 2);
	assert_int_equal(store(0x1000, 2, 2), 0);
	assert_int_equal(two.rung, 1);
}

/** Spec 10.7: a load never rings, and what else is there answers it. */
static void a_load_never_rings(void **state)
{
	struct bus_access access = { .address = bus_addr(0x1000), .length = 4 };
	struct bell bell;

	(void)state;
	assert_int_equal(add(make(&bell, 0x1000, 0)), 0);
	assert_int_equal(bus_dispatch(&bus, &access), -EOPNOTSUPP);
	assert_int_equal(bell.rung, 0);
}

/** As the exit path has it, which knows neither length nor value. */
static const struct bell *find(u64 address)
{
	const struct bus_doorbell *doorbell;

	srcu_read_lock(&domain, &reader);
	doorbell = bus_find_doorbell(&bus, bus_addr(address));
	srcu_read_unlock(&domain, &reader);
	return doorbell ? doorbell->opaque : NULL;
}

static void only_one_of_any_length_is_found_by_its_address(void **state)
{
	struct bell any, four, two, matched;

	(void)state;
	assert_null(find(0));
	assert_int_equal(add(make(&four, 0x1000, 4)), 0);
	assert_null(find(0x1000));
	assert_int_equal(add(make(&any, 0x2000, 0)), 0);
	assert_int_equal(add(match(make(&matched, 0x3000, 1), 0)), 0);
	assert_int_equal(add(make(&two, 0x3000, 2)), 0);
	for (u64 address = 0xfff; address < 0x3002; address++) {
		assert_ptr_equal(find(address),
				 address == 0x2000 ? &any : NULL);
	}
	assert_int_equal(any.rung, 0);
	assert_int_equal(bus_unregister_doorbell(&bus, &any.doorbell), 0);
	assert_null(find(0x2000));
}

static void bad_doorbells_are_refused(void **state)
{
	struct bell bell;

	(void)state;
	for (u32 length = 0; length < 20; length++) {
		bool known = length == 0 || length == 1 || length == 2 ||
			     length == 4 || length == 8;

		assert_int_equal(add(make(&bell, 64 * length, length)),
				 known ? 0 : -EINVAL);
		if (known) {
			assert_int_equal(
				bus_unregister_doorbell(&bus, &bell.doorbell),
				0);
		}
	}
	assert_int_equal(add(match(make(&bell, 0, 0), 1)), -EINVAL);
	assert_int_equal(add(make(&bell, ~0ull, 2)), -EINVAL);
	bus.last = 0xffff;
	assert_int_equal(add(make(&bell, 0xfffd, 4)), -EINVAL);
	assert_int_equal(add(make(&bell, 0x10000, 0)), -EINVAL);
	make(&bell, 0, 4)->doorbell.ring = NULL;
	assert_int_equal(add(&bell), -EINVAL);
	assert_null(bus.table);
	assert_int_equal(add(make(&bell, 0xfffc, 4)), 0);
}

#define SET_UP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SET_UP(any_length_takes_every_size_at_its_address_only),
		SET_UP(a_length_is_exact),
		SET_UP(a_value_matches_by_its_low_bytes),
		SET_UP(a_load_never_rings),
		SET_UP(only_one_of_any_length_is_found_by_its_address),
		SET_UP(bad_doorbells_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
