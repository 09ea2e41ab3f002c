/** @file
 * The bus on the bench: what must never happen between vCPUs and the host.
 *
 * The guest's own protocol is a flag: whoever has registered a device says so
 * with a release.  The vCPU reads the flag in one instruction and touches the
 * device in the next, and nothing but the bus orders the two.
 *
 * The vCPUs may write to what is their own and to nothing else.
 *
 * on the bench: solutions/lab5-bus/bus.c bus/table.c
 * on the bench: bus/bench/test/lab5_doorbells.c
 */
#include "bus/bench/test/lab5.h"

#include "bus/errno.h"

struct srcu lab5_domain;
struct bus lab5_bus;
struct lab5_vcpu lab5_vcpu[2];
int lab5_lock, lab5_flag;
struct bus_device lab5_dev60;

static struct bus *short_lived;
static struct bus_device dev20, dev40, *dev70, more[2];
static int done;
static bool slow, no_memory; /* how the next allocations go */

static void *take(void *owner, size_t bytes)
{
	(void)owner;
	while (slow && !smp_load_acquire(&done)) {
		cpu_relax();
	}
	return no_memory ? NULL : bench_alloc(bytes, HERE);
}

static void give(void *owner, void *table)
{
	(void)owner;
	bench_free(table, HERE);
}

static int answer(void *opaque, struct bus_access *access)
{
	struct bus_device *device = opaque;

	if (!access->is_write) {
		access->value = device->base.v;
	}
	return device->length ? 0 : -1; /* a use of the device's own memory */
}

static void make(struct bus_device *device, u64 base)
{
	*device = (struct bus_device){ .base = bus_addr(base), .length = 1,
				       .widths = BUS_WIDTH_ANY,
				       .opaque = device, .access = answer };
}

/* Before the threads ------------------------------------------------------- */

static int try_to_add(struct bus *to, struct bus_device *device)
{
	int error;

	bench_lock(&lab5_lock, HERE);
	error = bus_register(to, device);
	bench_unlock(&lab5_lock, HERE);
	return error;
}

static void add_to(struct bus *to, struct bus_device *device)
{
	int error = try_to_add(to, device);

	bench_assert(!error, "bus_register() says %d", error);
}

void lab5_add(struct bus_device *device)
{
	add_to(&lab5_bus, device);
}

static void init(struct bus *new)
{
	bus_init(new, &(struct bus_memory){ take, give, NULL }, &lab5_domain,
		 bus_addr(0xffff));
}

void lab5_prepare(void)
{
	bench_name(&lab5_bus.table, sizeof(lab5_bus.table), "bus->table");
	bench_name(&lab5_flag, sizeof(lab5_flag), "guest flag");
	bench_name(&done, sizeof(done), "done");
	bench_name(&dev20, sizeof(dev20), "device 20");
	bench_name(&dev40, sizeof(dev40), "device 40");
	bench_name(&lab5_dev60, sizeof(lab5_dev60), "device 60");
	make(&dev20, 0x20);
	make(&dev40, 0x40);
	make(&lab5_dev60, 0x60);
	init(&lab5_bus);
}

void lab5_prepare_one(void)
{
	lab5_prepare();
	lab5_add(&dev40);
}

static void prepare_two(void)
{
	lab5_prepare_one();
	lab5_add(&lab5_dev60);
}

static void prepare_20_40(void)
{
	lab5_prepare_one();
	lab5_add(&dev20);
}

static void prepare_three(void)
{
	prepare_two();
	lab5_add(&dev20);
}

static void prepare_heap_device(void)
{
	lab5_prepare_one();
	dev70 = bench_alloc(sizeof(*dev70), HERE);
	make(dev70, 0x70);
	lab5_add(dev70);
}

static void prepare_short_lived(void)
{
	lab5_prepare();
	short_lived = bench_alloc(sizeof(*short_lived), HERE);
	init(short_lived);
	add_to(short_lived, &dev40);
}

static void prepare_slow(void)
{
	lab5_prepare_one();
	slow = true;
}

/* The host's threads ------------------------------------------------------- */

static void add_and_tell(void *device)
{
	lab5_add(device);
	smp_store_release(&lab5_flag, 1);
}

static int try_to_remove(struct bus_device *device)
{
	int error;

	bench_lock(&lab5_lock, HERE);
	error = bus_unregister(&lab5_bus, device);
	bench_unlock(&lab5_lock, HERE);
	return error;
}

static void remove_20(void *unused)
{
	int error = try_to_remove(&dev20);

	(void)unused;
	bench_assert(!error, "bus_unregister() says %d", error);
}

static void remove_70(void *unused)
{
	int error = try_to_remove(dev70);

	(void)unused;
	bench_assert(!error, "bus_unregister() says %d", error);
	bench_free(dev70, HERE);
}

static void add_two(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		make(&more[i], 0x80 + i);
		lab5_add(&more[i]);
	}
	smp_store_release(&lab5_flag, 1);
}

/* Whatever fails leaves the bus as it was. */
static void change_without_memory(void *unused)
{
	struct bus_doorbell bell = { .address = bus_addr(0x50),
				     .ring = (void (*)(void *))(uintptr_t)1 };
	int error;

	(void)unused;
	no_memory = true;
	error = try_to_add(&lab5_bus, &lab5_dev60);
	bench_assert(error == -ENOMEM, "bus_register() without memory says %d",
		     error);
	error = try_to_remove(&dev20);
	bench_assert(error == -ENOMEM,
		     "bus_unregister() without memory says %d", error);
	bench_lock(&lab5_lock, HERE);
	error = bus_register_doorbell(&lab5_bus, &bell);
	bench_unlock(&lab5_lock, HERE);
	bench_assert(error == -ENOMEM,
		     "bus_register_doorbell() without memory says %d", error);
	no_memory = false;
}

/* The VM ends when its last vCPU has left; a table may still wait. */
static void tear_down(void *unused)
{
	(void)unused;
	add_to(short_lived, &lab5_dev60);
	while (!smp_load_acquire(&done)) {
		cpu_relax();
	}
	bus_destroy(short_lived);
	bench_free(short_lived, HERE);
}

/* The vCPUs' --------------------------------------------------------------- */

/* A vCPU writes to its own memory only; the access is on its stack. */
static int out_on(const struct bus *on, u64 port, int vcpu)
{
	struct bus_access access = { .address = bus_addr(port), .length = 1,
				     .is_write = true };
	int error;

	bench_private(&lab5_vcpu[vcpu], sizeof(lab5_vcpu[vcpu]));
	error = bus_dispatch_alone(on, &lab5_vcpu[vcpu].reader, &access);
	bench_private(NULL, 0);
	return error;
}

int lab5_out(u64 port, int vcpu)
{
	return out_on(&lab5_bus, port, vcpu);
}

/* What the device 20 says is 20; nobody says 0. */
static u64 in(u64 port, struct bus_hint *hint)
{
	struct bus_access access = { .address = bus_addr(port), .length = 1 };
	int error;

	srcu_read_lock(&lab5_domain, &lab5_vcpu[0].reader);
	bench_private(&lab5_vcpu[0], sizeof(lab5_vcpu[0]));
	error = bus_dispatch_hint(&lab5_bus, &access, hint);
	bench_private(NULL, 0);
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[0].reader);
	return error ? 0 : access.value;
}

static void flag_then_out(void *unused)
{
	int seen = READ_ONCE(lab5_flag), result = lab5_out(0x60, 0);

	(void)unused;
	bench_assert(!seen || !result, "the guest saw flag = 1, so device 60 is"
		     " registered, but its OUT found no device");
}

/* The second exit's section is begun by who calls the bus, as for MMIO. */
static void out_flag_in(void *unused)
{
	int seen, ignored = lab5_out(0x60, 0);
	struct bus_hint hint = { 0, 0 };

	(void)unused;
	(void)ignored;
	seen = READ_ONCE(lab5_flag);
	bench_assert(in(0x60, &hint) == 0x60 || !seen, "the guest saw flag = 1,"
		     " so device 60 is registered, but its IN found no device");
}

/* Two instructions of the emulation loop, in one read section. */
static void emulate_two(void *unused)
{
	struct bus_access access = { .address = bus_addr(0x60), .length = 1,
				     .is_write = true };
	int seen, result;

	(void)unused;
	srcu_read_lock(&lab5_domain, &lab5_vcpu[0].reader);
	bus_next_instruction(&lab5_bus);
	seen = READ_ONCE(lab5_flag);
	bus_next_instruction(&lab5_bus);
	result = bus_dispatch(&lab5_bus, &access);
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[0].reader);
	bench_assert(!seen || !result, "emulated instruction 1 saw flag = 1, "
		     "but instruction 2 (OUT 60) found no device");
}

static void out_40(void *unused)
{
	(void)unused;
	bench_assert(!lab5_out(0x40, 1), "device 40 was always registered, but "
		     "an access missed it");
}

static void out_60_40(void *unused)
{
	int ignored = lab5_out(0x60, 0);

	(void)ignored;
	out_40(unused);
}

static void out_70(void *unused)
{
	int ignored = lab5_out(0x70, 0);

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
	srcu_read_lock(&lab5_domain, &lab5_vcpu[0].reader);
	while (!smp_load_acquire(&lab5_flag)) {
		cpu_relax();
	}
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[0].reader);
}

/* Hints of another bus, of no bus, and of this one as it was. */
static void in_with_hints(void *unused)
{
	struct bus_hint hint = { .range = ~0u, .bell = ~0u };

	(void)unused;
	bench_assert(in(0x60, &hint) == 0x60 && in(0x60, &hint) == 0x60,
		     "a hint led an IN from port 60 astray");
	hint.range = 3; /* right while there are three */
	bench_assert(in(0x60, &hint) == 0x60,
		     "an old hint led an IN from port 60 astray");
	hint.range = 1;
	bench_assert(in(0x60, &hint) == 0x60,
		     "another device's hint led an IN from port 60 astray");
	bench_assert(in(0x30, &hint) == 0, "nobody is at port 30");
}

/* A table is read from its beginning to its end while others follow it. */
static void read_one_table(void *unused)
{
	const struct bus_table *table;

	(void)unused;
	srcu_read_lock(&lab5_domain, &lab5_vcpu[0].reader);
	smp_mb__after_srcu_read_lock();
	table = srcu_dereference(lab5_bus.table, &lab5_domain);
	for (u32 i = 0; i < table->count; i++) {
		u64 base = table->ranges[i].base;

		bench_assert(base == table->ranges[i].device->base.v,
			     "entry %u is not its device's", i);
		if (i == 0) {
			while (!smp_load_acquire(&lab5_flag)) {
				cpu_relax();
			}
		}
	}
	srcu_read_unlock(&lab5_domain, &lab5_vcpu[0].reader);
}

static void out_40_twice(void *unused)
{
	out_40(unused);
	out_40(unused);
}

/* At the end: sorted and complete. */
static void check_table(u32 devices, u32 doorbells)
{
	struct bus_table *table = lab5_bus.table;

	bench_assert(table && table->count == devices,
		     "%u devices at the end, expected %u",
		     table ? table->count : 0, devices);
	bench_assert(table->doorbells == doorbells,
		     "%u doorbells at the end, expected %u", table->doorbells,
		     doorbells);
	for (u32 i = 1; i < devices; i++) {
		bench_assert(table->ranges[i - 1].last < table->ranges[i].base,
			     "entry %u is not sorted at the end", i);
	}
}

/* The last table, and nothing else, is left over. */
void lab5_finish(u32 devices, u32 doorbells)
{
	check_table(devices, doorbells);
	srcu_barrier(&lab5_domain);
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
	lab5_finish(1, 0);
}

static void finish_2(void)
{
	lab5_finish(2, 0);
}

static void finish_3(void)
{
	lab5_finish(3, 0);
}

/* table */
#define HOST(function, argument) { "host", function, argument }
#define VCPU(n, function) { "vCPU" #n, function, NULL }

const struct bench_scenario bench_scenarios[] = {
	{ "flag-then-exit", lab5_prepare,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, flag_then_out) }, finish_1 },
	{ "exit-flag-exit", lab5_prepare,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, out_flag_in) }, finish_1 },
	{ "flag-then-emulate", lab5_prepare_one,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, emulate_two) }, finish_2 },
	{ "insert-under-lookup", prepare_two,
	  { HOST(add_and_tell, &dev20), VCPU(0, out_40) }, finish_3 },
	{ "two-vcpus", lab5_prepare_one,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, flag_then_out),
	    VCPU(1, out_40) }, finish_2 },
	{ "two-registrations", lab5_prepare_one,
	  { HOST(add_and_tell, &lab5_dev60), { "host 2", add_and_tell, &dev20 },
	    VCPU(0, out_60_40) }, finish_3 },
	{ "no-wait-for-readers", lab5_prepare_one,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, stay_inside) }, finish_2 },
	{ "lookup-never-blocks", prepare_slow,
	  { HOST(add_and_tell, &lab5_dev60), VCPU(0, out_then_done) },
	  finish_2 },
	{ "unregister", prepare_heap_device,
	  { HOST(remove_70, NULL), VCPU(0, out_70) }, finish_1 },
	{ "teardown", prepare_short_lived,
	  { HOST(tear_down, NULL), VCPU(0, last_out) }, finish_destroyed },
	{ "stale-hint", prepare_three,
	  { HOST(remove_20, NULL), VCPU(0, in_with_hints) }, finish_2 },
	{ "one-consistent-table", lab5_prepare_one,
	  { HOST(add_two, NULL), VCPU(0, read_one_table) }, finish_3 },
	{ "no-memory", prepare_20_40,
	  { HOST(change_without_memory, NULL), VCPU(0, out_40_twice) },
	  finish_2 },
	{ "doorbell-flag", lab5_doorbells_prepare_none,
	  { HOST(lab5_doorbells_add, NULL), VCPU(0, lab5_doorbells_flag_store),
	    VCPU(1, lab5_doorbells_flag_find) }, lab5_doorbells_finish_added },
	{ "doorbell-unregister", lab5_doorbells_prepare_one,
	  { HOST(lab5_doorbells_remove, NULL), VCPU(0, lab5_doorbells_store),
	    VCPU(1, lab5_doorbells_find) }, lab5_doorbells_finish_removed },
	{ "doorbell-no-wait", lab5_doorbells_prepare_none,
	  { HOST(lab5_doorbells_add, NULL), VCPU(0, stay_inside) },
	  lab5_doorbells_finish_added },
	{ "doorbell-beside-devices", lab5_doorbells_prepare_one,
	  { HOST(lab5_doorbells_add_others, NULL),
	    VCPU(0, lab5_doorbells_store_always) },
	  lab5_doorbells_finish_others },
	{ "doorbell-rules", lab5_doorbells_prepare_many,
	  { VCPU(0, lab5_doorbells_rules) }, lab5_doorbells_finish_many },
	{ "doorbell-refusals", lab5_doorbells_prepare_many,
	  { HOST(lab5_doorbells_refusals, NULL) }, lab5_doorbells_finish_many },
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
/* end of table */
