/** @file
 * The bus on the bench: what must never happen between vCPUs and the host.
 *
 * The guest's own protocol is a flag: whoever has registered a device says so
 * with a release.  The vCPU reads the flag in one instruction and touches the
 * device in the next, and nothing but the bus orders the two.
 *
 * on the bench: solutions/lab5-bus/bus.c bus/table.c
 */
#include "bus/bus.h"

#include "bus/access.h"
#include "bus/bench/bench.h"

#define HERE BENCH_HERE(0, BENCH_ONCE)

static struct srcu domain;
static struct srcu_reader reader[2];
static struct bus bus, *short_lived;
static struct bus_device dev20, dev40, dev60, *dev70;
static int lock, flag, done;

static void *take(void *owner, size_t bytes)
{
	(void)owner;
	return bench_alloc(bytes, HERE);
}

static void give(void *owner, void *table)
{
	(void)owner;
	bench_free(table, HERE);
}

static int answer(void *opaque, struct bus_access *access)
{
	struct bus_device *device = opaque;

	(void)access;
	return device->length ? 0 : -1; /* a use of the device's own memory */
}

static void make(struct bus_device *device, u64 base)
{
	*device = (struct bus_device){ .base = bus_addr(base), .length = 1,
				       .widths = BUS_WIDTH_ANY,
				       .opaque = device, .access = answer };
}

/* Before the threads ------------------------------------------------------- */

static void add_to(struct bus *to, struct bus_device *device)
{
	int error;

	bench_lock(&lock, HERE);
	error = bus_register(to, device);
	bench_unlock(&lock, HERE);
	bench_assert(!error, "bus_register() says %d", error);
}

static void add(struct bus_device *device)
{
	add_to(&bus, device);
}

static void init(struct bus *new)
{
	bus_init(new, &(struct bus_memory){ take, give, NULL }, &domain,
		 bus_addr(0xffff));
}

static void prepare(void)
{
	bench_name(&bus.table, sizeof(bus.table), "bus->table");
	bench_name(&flag, sizeof(flag), "guest flag");
	bench_name(&done, sizeof(done), "done");
	bench_name(&dev20, sizeof(dev20), "device 20");
	bench_name(&dev40, sizeof(dev40), "device 40");
	bench_name(&dev60, sizeof(dev60), "device 60");
	make(&dev20, 0x20);
	make(&dev40, 0x40);
	make(&dev60, 0x60);
	init(&bus);
}

static void prepare_one(void)
{
	prepare();
	add(&dev40);
}

static void prepare_two(void)
{
	prepare_one();
	add(&dev60);
}

static void prepare_heap_device(void)
{
	prepare_one();
	dev70 = bench_alloc(sizeof(*dev70), HERE);
	make(dev70, 0x70);
	add(dev70);
}

static void prepare_short_lived(void)
{
	prepare();
	short_lived = bench_alloc(sizeof(*short_lived), HERE);
	init(short_lived);
	add_to(short_lived, &dev40);
}

/* The host's threads ------------------------------------------------------- */

static void add_and_tell(void *device)
{
	add(device);
	smp_store_release(&flag, 1);
}

static void remove_70(void *unused)
{
	int error;

	(void)unused;
	bench_lock(&lock, HERE);
	error = bus_unregister(&bus, dev70);
	bench_unlock(&lock, HERE);
	bench_assert(!error, "bus_unregister() says %d", error);
	bench_free(dev70, HERE);
}

/* The VM ends when its last vCPU has left; a table may still wait. */
static void tear_down(void *unused)
{
	(void)unused;
	add_to(short_lived, &dev60);
	while (!smp_load_acquire(&done)) {
		cpu_relax();
	}
	bus_destroy(short_lived);
	bench_free(short_lived, HERE);
}

/* A writer that has been stopped in the middle, until a vCPU is through. */
static void hold_lock(void *unused)
{
	(void)unused;
	bench_lock(&lock, HERE);
	while (!smp_load_acquire(&done)) {
		cpu_relax();
	}
	bench_unlock(&lock, HERE);
}

/* The vCPUs' --------------------------------------------------------------- */

static int out_on(const struct bus *on, u64 port, int vcpu)
{
	struct bus_access access = { .address = bus_addr(port), .length = 1,
				     .is_write = true };

	return bus_dispatch_alone(on, &reader[vcpu], &access);
}

static int out(u64 port, int vcpu)
{
	return out_on(&bus, port, vcpu);
}

static void flag_then_out(void *unused)
{
	int seen = READ_ONCE(flag), result = out(0x60, 0);

	(void)unused;
	bench_assert(!seen || !result, "the guest saw flag = 1, so device 60 is"
		     " registered, but its OUT found no device");
}

static void out_flag_out(void *unused)
{
	int ignored = out(0x60, 0);

	(void)ignored;
	flag_then_out(unused);
}

/* Two instructions of the emulation loop, in one read section. */
static void emulate_two(void *unused)
{
	struct bus_access access = { .address = bus_addr(0x60), .length = 1,
				     .is_write = true };
	int seen, result;

	(void)unused;
	srcu_read_lock(&domain, &reader[0]);
	bus_next_instruction(&bus);
	seen = READ_ONCE(flag);
	bus_next_instruction(&bus);
	result = bus_dispatch(&bus, &access);
	srcu_read_unlock(&domain, &reader[0]);
	bench_assert(!seen || !result, "emulated instruction 1 saw flag = 1, "
		     "but instruction 2 (OUT 60) found no device");
}

static void out_40(void *unused)
{
	(void)unused;
	bench_assert(!out(0x40, 1), "device 40 was always registered, but an "
		     "access missed it");
}

static void out_60_40(void *unused)
{
	int ignored = out(0x60, 0);

	(void)ignored;
	out_40(unused);
}

static void out_70(void *unused)
{
	int ignored = out(0x70, 0);

	(void)unused;
	(void)ignored;
}

static void out_then_done(void *unused)
{
	out_40(unused);
	smp_store_release(&done, 1);
}

static void last_out(void *unused)
{
	int ignored = out_on(short_lived, 0x40, 0);

	(void)unused;
	(void)ignored;
	smp_store_release(&done, 1);
}

static void stay_inside(void *unused)
{
	(void)unused;
	srcu_read_lock(&domain, &reader[0]);
	while (!smp_load_acquire(&flag)) {
		cpu_relax();
	}
	srcu_read_unlock(&domain, &reader[0]);
}

/* At the end: sorted and complete. */
static void check_table(u32 count)
{
	struct bus_table *table = bus.table;

	bench_assert(table && table->count == count,
		     "%u devices at the end, expected %u",
		     table ? table->count : 0, count);
	for (u32 i = 1; i < count; i++) {
		bench_assert(table->ranges[i - 1].last < table->ranges[i].base,
			     "entry %u is not sorted at the end", i);
	}
}

/* The last table, and nothing else, is left over. */
static void finish(u32 count)
{
	check_table(count);
	srcu_barrier(&domain);
	bench_assert(bench_live() == 1, "%d old tables are leaked",
		     bench_live() - 1);
}

/* The only one that needs bus_destroy(). */
static void finish_destroyed(void)
{
	bench_assert(bench_live() == 0, "%d tables are leaked", bench_live());
}

static void finish_1(void)
{
	finish(1);
}

static void finish_2(void)
{
	finish(2);
}

static void finish_3(void)
{
	finish(3);
}

/* table */
#define HOST(function, argument) { "host", function, argument }
#define VCPU(n, function) { "vCPU" #n, function, NULL }

const struct bench_scenario bench_scenarios[] = {
	{ "flag-then-exit", prepare,
	  { HOST(add_and_tell, &dev60), VCPU(0, flag_then_out) }, finish_1 },
	{ "exit-flag-exit", prepare,
	  { HOST(add_and_tell, &dev60), VCPU(0, out_flag_out) }, finish_1 },
	{ "flag-then-emulate", prepare_one,
	  { HOST(add_and_tell, &dev60), VCPU(0, emulate_two) }, finish_2 },
	{ "insert-under-lookup", prepare_two,
	  { HOST(add_and_tell, &dev20), VCPU(0, out_40) }, finish_3 },
	{ "two-vcpus", prepare_one,
	  { HOST(add_and_tell, &dev60), VCPU(0, flag_then_out),
	    VCPU(1, out_40) }, finish_2 },
	{ "two-registrations", prepare_one,
	  { HOST(add_and_tell, &dev60), { "host 2", add_and_tell, &dev20 },
	    VCPU(0, out_60_40) }, finish_3 },
	{ "no-wait-for-readers", prepare_one,
	  { HOST(add_and_tell, &dev60), VCPU(0, stay_inside) }, finish_2 },
	{ "lookup-never-blocks", prepare_one,
	  { HOST(hold_lock, NULL), VCPU(0, out_then_done) }, finish_1 },
	{ "unregister", prepare_heap_device,
	  { HOST(remove_70, NULL), VCPU(0, out_70) }, finish_1 },
	{ "teardown", prepare_short_lived,
	  { HOST(tear_down, NULL), VCPU(0, last_out) }, finish_destroyed },
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
/* end of table */
