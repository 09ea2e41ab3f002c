/** @file
 * The bus against a model: random devices, doorbells, accesses and hints.
 *
 * The model keeps no order and searches everything, so that it is right by
 * being simple.  The space is small: most things meet.  Any allocation may
 * fail, and whatever was refused must have changed nothing.
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

#define SPACE 96
#define THINGS 12
#define ROUNDS 400000

struct thing {
	struct bus_device device;
	struct bus_doorbell doorbell;
	bool on_bus, write_only;
};

static struct thing device[THINGS], bell[THINGS];
static struct srcu domain;
static struct srcu_reader reader;
static struct bus bus;
static const void *answered; /* by the last access */
static int tables;
static bool no_memory;
static u64 seed;

/** The same numbers on every computer. */
static unsigned int pick(unsigned int count)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % count;
}

static void *take(void *owner, size_t bytes)
{
	(void)owner;
	if (no_memory) {
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
	struct thing *thing = opaque;

	if (thing->write_only && !access->is_write) {
		return -EINVAL;
	}
	assert_int_equal(access->offset,
			 access->address.v - thing->device.base.v);
	answered = thing;
	access->value = access->is_write ? access->value : ~0ull;
	return 0;
}

static void ring(void *opaque)
{
	answered = opaque;
}

/* The model ---------------------------------------------------------------- */

static bool overlap(const struct bus_device *a, const struct bus_device *b)
{
	return a->base.v < b->base.v + b->length &&
	       b->base.v < a->base.v + a->length;
}

static u64 low(u64 value, u32 length)
{
	u64 bytes = 0;

	memcpy(&bytes, &value, length); /* little endian */
	return bytes;
}

static bool same_store(const struct bus_doorbell *a,
		       const struct bus_doorbell *b)
{
	if (a->address.v != b->address.v) {
		return false;
	}
	if (!a->length || !b->length) {
		return true;
	}
	return a->length == b->length &&
	       (!a->matches || !b->matches ||
		low(a->value, a->length) == low(b->value, b->length));
}

static int expect_register(const struct thing *new)
{
	for (int i = 0; i < THINGS; i++) {
		if (device[i].on_bus &&
		    overlap(&device[i].device, &new->device)) {
			return -EEXIST;
		}
	}
	return no_memory ? -ENOMEM : 0;
}

static int expect_doorbell(const struct thing *new)
{
	if (new->doorbell.matches && !new->doorbell.length) {
		return -EINVAL;
	}
	for (int i = 0; i < THINGS; i++) {
		if (bell[i].on_bus &&
		    same_store(&bell[i].doorbell, &new->doorbell)) {
			return -EEXIST;
		}
	}
	return no_memory ? -ENOMEM : 0;
}

/** The last thing to go needs no memory. */
static int expect_removal(const struct thing *old)
{
	bool last = bus.table && bus.table->count + bus.table->doorbells == 1;

	if (!old->on_bus) {
		return -ENOENT;
	}
	return no_memory && !last ? -ENOMEM : 0;
}

/** Who answers: each is asked. */
static const void *expect_answer(const struct bus_access *a)
{
	struct bus_doorbell store = { .address = a->address,
				      .length = a->length,
				      .matches = true,
				      .value = a->value };

	for (int i = 0; i < THINGS && a->is_write; i++) {
		if (bell[i].on_bus && same_store(&bell[i].doorbell, &store)) {
			return &bell[i];
		}
	}
	for (int i = 0; i < THINGS; i++) {
		struct bus_device *d = &device[i].device;

		if (device[i].on_bus && a->address.v >= d->base.v &&
		    a->address.v + a->length <= d->base.v + d->length &&
		    (a->length & (a->length - 1)) == 0 &&
		    (d->widths & a->length) &&
		    (a->is_write || !device[i].write_only)) {
			return &device[i];
		}
	}
	return NULL;
}

/* Both --------------------------------------------------------------------- */

static void add_device(struct thing *thing)
{
	int expected;

	if (thing->on_bus) {
		return;
	}
	thing->write_only = pick(4) == 0;
	thing->device = (struct bus_device){
		.base = bus_addr(pick(SPACE)),
		.length = 1 + pick(12),
		.widths = 1 + pick(15),
		.opaque = thing,
		.access = answer,
	};
	expected = expect_register(thing);
	assert_int_equal(bus_register(&bus, &thing->device), expected);
	thing->on_bus = !expected;
}

static void add_doorbell(struct thing *thing)
{
	static const u32 lengths[] = { 0, 1, 2, 4, 8 };
	int expected;

	if (thing->on_bus) {
		return;
	}
	thing->doorbell = (struct bus_doorbell){
		.address = bus_addr(pick(SPACE)),
		.length = lengths[pick(5)],
		.matches = pick(2),
		.value = pick(3) + 0x1000000000000ull * pick(2),
		.ring = ring,
		.opaque = thing,
	};
	expected = expect_doorbell(thing);
	assert_int_equal(bus_register_doorbell(&bus, &thing->doorbell),
			 expected);
	thing->on_bus = !expected;
}

static void remove_device(struct thing *thing)
{
	int expected = expect_removal(thing);

	assert_int_equal(bus_unregister(&bus, &thing->device), expected);
	thing->on_bus = thing->on_bus && expected;
}

static void remove_doorbell(struct thing *thing)
{
	int expected = expect_removal(thing);

	assert_int_equal(bus_unregister_doorbell(&bus, &thing->doorbell),
			 expected);
	thing->on_bus = thing->on_bus && expected;
}

/** By its address alone: the one of any length that a store there rings. */
static void look_for_doorbell(u64 address)
{
	const struct bus_doorbell *found =
		bus_find_doorbell(&bus, bus_addr(address));
	const struct bus_doorbell *expected = NULL;

	for (int i = 0; i < THINGS; i++) {
		if (bell[i].on_bus && !bell[i].doorbell.length &&
		    bell[i].doorbell.address.v == address) {
			expected = &bell[i].doorbell;
		}
	}
	assert_ptr_equal(found, expected);
}

/** The hint is that of the access before, or anything. */
static void access_bus(struct bus_hint *hint)
{
	struct bus_access access = {
		.address = bus_addr(pick(SPACE)),
		.length = 1 + pick(8),
		.is_write = pick(2),
		.value = pick(3) + 0x1000000000000ull * pick(2),
	};
	const void *expected = expect_answer(&access);
	int result;

	if (pick(3) == 0) {
		hint->range = pick(3) ? pick(16) : 0u - pick(3);
		hint->bell = pick(3) ? pick(16) : 0u - pick(3);
	}
	answered = NULL;
	srcu_read_lock(&domain, &reader);
	result = pick(2) ? bus_dispatch_hint(&bus, &access, hint)
			 : bus_dispatch(&bus, &access);
	look_for_doorbell(access.address.v);
	srcu_read_unlock(&domain, &reader);
	assert_ptr_equal(answered, expected);
	assert_int_equal(result, expected ? 0 : -EOPNOTSUPP);
	if (!result && !access.is_write) {
		assert_int_equal(access.value, low(~0ull, access.length));
	}
}

static void step(struct bus_hint *hint)
{
	no_memory = pick(8) == 0;
	switch (pick(16)) {
	case 0:
		add_device(&device[pick(THINGS)]);
		break;
	case 1:
		add_doorbell(&bell[pick(THINGS)]);
		break;
	case 2:
		remove_device(&device[pick(THINGS)]);
		break;
	case 3:
		remove_doorbell(&bell[pick(THINGS)]);
		break;
	default:
		access_bus(hint);
	}
}

static void random_steps_agree_with_the_model(void **state)
{
	struct bus_hint hint = { 0, 0 };

	(void)state;
	seed = 49;
	srcu_init(&domain);
	assert_int_equal(srcu_add_reader(&domain, &reader), 0);
	bus_init(&bus, &(struct bus_memory){ take, give, NULL }, &domain,
		 bus_addr(~0ull));
	for (int i = 0; i < ROUNDS; i++) {
		step(&hint);
		assert_int_equal(tables, bus.table != NULL);
	}
	bus_destroy(&bus);
	assert_int_equal(tables, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
