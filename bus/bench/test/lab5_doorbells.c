/** @file
 * Doorbells on the bench: what they promise is what devices promise.
 *
 * A vCPU that has seen a doorbell's flag rings it with its next store, whether
 * the store goes by its address alone or with length and value.  Whoever has
 * unregistered a doorbell may free it, and what it rings.
 */
#include "bus/bench/test/lab5.h"

#include "bus/errno.h"

static struct bus_doorbell bell80, *bell50, *bell90;
static struct bus_doorbell four, eight, seven, nine, inside;

static void ring(void *opaque)
{
	const struct bus_doorbell *doorbell = opaque;

	/* A use of the doorbell's own memory. */
	lab5_vcpu[0].rung += doorbell->name != NULL;
}

static struct bus_doorbell doorbell(u64 address, u32 length)
{
	return (struct bus_doorbell){
		.name = "bell",
		.address = bus_addr(address),
		.length = length,
		.ring = ring,
	};
}

static int try_to_add(struct bus_doorbell *bell)
{
	int error;

	bell->opaque = bell;
	bench_lock(&lab5_lock, HERE);
	error = bus_register_doorbell(&lab5_bus, bell);
	bench_unlock(&lab5_lock, HERE);
	return error;
}

static void add(struct bus_doorbell *bell)
{
	int error = try_to_add(bell);

	bench_assert(!error, "bus_register_doorbell() says %d", error);
}

void lab5_doorbells_prepare_none(void)
{
	lab5_prepare_one();
	bench_name(&bell80, sizeof(bell80), "doorbell 80");
	bench_name(&lab5_vcpu[0].rung, sizeof(int), "rung");
}

void lab5_doorbells_prepare_one(void)
{
	lab5_doorbells_prepare_none();
	bell90 = bench_alloc(sizeof(*bell90), HERE);
	*bell90 = doorbell(0x90, 0);
	add(bell90);
}

/* The host's threads ------------------------------------------------------- */

/* All of it is this thread's own work, also what the doorbell is. */
void lab5_doorbells_add(void *unused)
{
	(void)unused;
	bell50 = bench_alloc(sizeof(*bell50), HERE);
	*bell50 = doorbell(0x50, 0);
	add(bell50);
	smp_store_release(&lab5_flag, 1);
}

void lab5_doorbells_remove(void *unused)
{
	int error;

	(void)unused;
	bench_lock(&lab5_lock, HERE);
	error = bus_unregister_doorbell(&lab5_bus, bell90);
	bench_unlock(&lab5_lock, HERE);
	bench_assert(!error, "bus_unregister_doorbell() says %d", error);
	bench_free(bell90, HERE);
}

void lab5_doorbells_add_others(void *unused)
{
	(void)unused;
	lab5_add(&lab5_dev60);
	bell80 = doorbell(0x80, 1);
	add(&bell80);
}

/* The vCPUs' --------------------------------------------------------------- */

void lab5_doorbells_flag_store(void *unused)
{
	int seen = READ_ONCE(lab5_flag), result = lab5_out(0x50, 0);

	(void)unused;
	bench_assert(!seen || !result, "the guest saw flag = 1, so doorbell 50 "
		     "is registered, but its OUT met none");
}

/* As the exit path has it, which knows the address only. */
static bool find(u64 address, int vcpu)
{
	const struct bus_doorbell *bell;
	bool found;

	srcu_read_lock(&lab5_domain, &lab5_vcpu[vcpu].reader);
	bench_private(&lab5_vcpu[vcpu], sizeof(lab5_vcpu[vcpu]));
	bell = bus_find_doorbell(&lab5_bus, bus_addr(address));
	bench_private(NULL, 0);
	found = bell && bell->name; /* a use of the doorbell's own memory */
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[vcpu].reader);
	return found;
}

void lab5_doorbells_flag_find(void *unused)
{
	bool seen = READ_ONCE(lab5_flag), found = find(0x50, 1);

	(void)unused;
	bench_assert(!seen || found, "the guest saw flag = 1, so doorbell 50 "
		     "is registered, but bus_find_doorbell() found none");
}

void lab5_doorbells_store(void *unused)
{
	int ignored = lab5_out(0x90, 0);

	(void)unused;
	(void)ignored;
}

void lab5_doorbells_find(void *unused)
{
	bool ignored = find(0x90, 1);

	(void)unused;
	(void)ignored;
}

void lab5_doorbells_store_always(void *unused)
{
	(void)unused;
	bench_assert(!lab5_out(0x90, 0) && lab5_vcpu[0].rung == 1,
		     "doorbell 90 was always registered, but an OUT met none");
	bench_assert(!lab5_out(0x40, 0), "device 40 was always registered, but "
		     "an access missed it");
}

/* Which store rings: without anybody else --------------------------------- */

static int access_bus(struct bus_access access)
{
	int error;

	srcu_read_lock(&lab5_domain, &lab5_vcpu[0].reader);
	error = bus_dispatch(&lab5_bus, &access);
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[0].reader);
	return error;
}

static bool rings(u64 address, u32 length, u64 value)
{
	unsigned int before = lab5_vcpu[0].rung;
	int error = access_bus((struct bus_access){
		.address = bus_addr(address), .length = length,
		.is_write = true, .value = value });

	return !error && lab5_vcpu[0].rung == before + 1;
}

static bool load_rings(u64 address, u32 length)
{
	unsigned int before = lab5_vcpu[0].rung;
	int error = access_bus((struct bus_access){
		.address = bus_addr(address), .length = length });

	(void)error; /* there may be a device */
	return lab5_vcpu[0].rung != before;
}

void lab5_doorbells_prepare_many(void)
{
	lab5_doorbells_prepare_one();
	four = doorbell(0x100, 4);
	eight = doorbell(0x100, 8);
	seven = doorbell(0x200, 2);
	seven.matches = true;
	seven.value = 0xff0007; /* its low two bytes count */
	nine = seven;
	nine.value = 9;
	inside = doorbell(0x40, 1);
	add(&eight);
	add(&nine);
	add(&four);
	add(&inside);
	add(&seven);
}

#define CHECK(condition, rule) \
	bench_assert(condition, "doorbells: %s", rule)

void lab5_doorbells_rules(void *unused)
{
	(void)unused;
	CHECK(rings(0x90, 1, 0) && rings(0x90, 8, 5), "any length rings");
	CHECK(!rings(0x91, 1, 0) && !rings(0x8f, 4, 0), "at its address only");
	CHECK(rings(0x100, 4, 1) && rings(0x100, 8, 1), "two lengths are two");
	CHECK(!rings(0x100, 2, 1), "another length does not ring");
	CHECK(rings(0x200, 2, 7) && rings(0x200, 2, 9), "two values are two");
	CHECK(!rings(0x200, 2, 8), "another value does not ring");
	CHECK(rings(0x200, 2, 0x10007), "bytes beyond the length are no value");
	CHECK(!load_rings(0x90, 1) && !load_rings(0x100, 4),
	      "a load never rings");
	CHECK(rings(0x40, 1, 0), "inside of a device it is asked first");
	CHECK(!load_rings(0x40, 1), "a load there is the device's");
	CHECK(find(0x90, 0), "one of any length is found");
	CHECK(!find(0x91, 0) && !find(0x8f, 0), "none beside it is found");
	CHECK(!find(0x100, 0) && !find(0x200, 0),
	      "by its address alone only one of any length is found");
}

static int collide(u64 address, u32 length, int value)
{
	bell80 = doorbell(address, length);
	bell80.matches = value >= 0;
	bell80.value = value;
	return try_to_add(&bell80);
}

void lab5_doorbells_refusals(void *unused)
{
	(void)unused;
	CHECK(collide(0x90, 0, -1) == -EEXIST, "any length collides with any");
	CHECK(collide(0x90, 2, -1) == -EEXIST, "a length collides with any");
	CHECK(collide(0x90, 2, 3) == -EEXIST, "a value collides with any");
	CHECK(collide(0x100, 0, -1) == -EEXIST, "any length collides with 4");
	CHECK(collide(0x100, 4, 3) == -EEXIST, "a value collides with all");
	CHECK(collide(0x200, 2, -1) == -EEXIST, "all values collide with one");
	CHECK(collide(0x200, 2, 9) == -EEXIST, "a value collides with itself");
	CHECK(collide(0x200, 0, 9) == -EINVAL, "a value needs a length");
	CHECK(collide(0x300, 3, -1) == -EINVAL, "3 is no length");
}

/* At the end --------------------------------------------------------------- */

void lab5_doorbells_finish_added(void)
{
	bench_free(bell50, HERE);
	lab5_finish(1, 1);
}

void lab5_doorbells_finish_removed(void)
{
	lab5_finish(1, 0);
}

void lab5_doorbells_finish_others(void)
{
	bench_free(bell90, HERE);
	lab5_finish(2, 2);
}

void lab5_doorbells_finish_many(void)
{
	bench_free(bell90, HERE);
	lab5_finish(1, 6);
}
