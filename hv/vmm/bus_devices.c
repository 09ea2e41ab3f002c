/** @file
 * Devices by number, and the places where a vCPU can be parked.
 *
 *	CPU 1, in the device              CPU 0, in a hypercall
 *	parked = 1                        removing = 1
 *	wait until removing               bus_unregister() must wait ...
 *	stay for a while                  ... and not come back before
 *	parked = 0                        removed = 1, was parked still 1?
 *
 * A device that nobody releases gives up after a number of ticks: a bus that
 * waits for the wrong thing then fails a check, in place of standing still.
 */
#include "hv/vmm/bus_devices.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/x86/cpu.h"

/**
 * Half of what the watchdog allows a CPU that waits. In ticks of the CPU that
 * waits; the unit is the watchdog's own.
 */
#define PATIENCE_TICKS 30

/** Turns that a device stays after it was asked to go: many times what an
 * unregister takes which does not wait. */
#define STAY_TURNS 50000

/* Parking ------------------------------------------------------------------ */

/**
 * The word is looked at once more at the end: it may have come with the last
 * tick.
 * @return false: it has taken too long
 */
static bool wait_for(const u32 *word)
{
	u64 begun = this_cpu()->ticks;

	cpu_begin_waiting();
	while (!smp_load_acquire(word) &&
	       READ_ONCE(this_cpu()->ticks) - begun < PATIENCE_TICKS) {
		cpu_relax();
	}
	cpu_end_waiting();
	return smp_load_acquire(word);
}

/**
 * Longer than it should take, unless it is seen to have happened. An unregister
 * that does not wait would come back within these turns and be caught. One that
 * does wait cannot, so the device must go by itself.
 */
static void stay_until(const u32 *word)
{
	for (u32 i = 0; i < STAY_TURNS && !smp_load_acquire(word); i++) {
		cpu_relax();
	}
}

/**
 * `parked` is 1 as long as a vCPU is in here, that is, in a read section of the
 * bus. Whoever unregisters the device meanwhile must wait for that section to
 * end (spec 6.3).
 */
static void park(struct bus_devices *all, u32 behaviour)
{
	const u32 *word = behaviour == BUS_PARKS ? &all->released
						 : &all->removing;

	smp_store_release(&all->parked, 1);
	if (!wait_for(word)) {
		all->gave_up++;
	}
	if (behaviour == BUS_PARKS_REMOVED) {
		stay_until(&all->removed);
	}
	smp_store_release(&all->parked, 0);
}

/* The device --------------------------------------------------------------- */

/**
 * Counted before anything else, also an access that it then refuses. A value
 * follows from the device's number, so a load says who has answered.
 */
static int touch(void *opaque, struct bus_access *a)
{
	struct bus_devices_one *one = opaque;

	one->accesses++;
	one->offset = a->offset;
	one->value = a->value;
	one->size = a->length;
	one->is_write = a->is_write;
	if (one->behaviour == BUS_ODD_ERROR) {
		return -ENOMEM;
	}
	if (one->behaviour == BUS_WRITE_ONLY && !a->is_write) {
		return -EOPNOTSUPP;
	}
	if (one->behaviour == BUS_PARKS ||
	    one->behaviour == BUS_PARKS_REMOVED) {
		park(one->all, one->behaviour);
	}
	if (!a->is_write) {
		a->value = hypercall_stream(one->number);
	}
	return 0;
}

/**
 * A doorbell's access has neither value nor offset: it was rung, and that is
 * all.
 */
static void ring(void *opaque)
{
	struct bus_devices_one *one = opaque;

	one->accesses++;
}

/** Pages from the allocator are zero: no device is on a bus. */
struct bus_devices *bus_devices_make(struct vm *vm)
{
	size_t pages = (sizeof(struct bus_devices) + PAGE_SIZE - 1) / PAGE_SIZE;
	struct bus_devices *all = page_alloc_contig(vm->owner, pages, 1);

	if (all) {
		all->vm = vm;
	}
	return all;
}

/**
 * What one is told about itself; it is on no bus yet. Device and doorbell are
 * both filled; `behaviour` says later which of the two goes on the bus. A
 * device without a function is one that registering must refuse.
 */
static void prepare(struct bus_devices_one *one, struct bus_devices *all,
		    const struct hypercall_bus *plan)
{
	memset(one, 0, sizeof(*one));
	one->all = all;
	one->number = plan->number;
	one->behaviour = plan->behaviour;
	one->doorbell = (struct bus_doorbell){
		.name = "by number",
		.address = bus_addr(plan->base),
		.length = (u32)plan->length,
		.ring = ring,
		.opaque = one,
	};
	one->device = (struct bus_device){
		.name = "by number",
		.base = bus_addr(plan->base),
		.length = plan->length,
		.widths = (u8)plan->widths,
		.opaque = one,
		.access = plan->behaviour == BUS_NO_FUNCTION ? NULL : touch,
	};
}

/** `bus` is set last and says "it is registered". */
int bus_devices_add(struct bus_devices *all, const struct hypercall_bus *plan)
{
	struct bus_devices_one *one = &all->one[plan->number];
	struct bus *bus = plan->bus == BUS_OF_PORTS ? &all->vm->port_bus
						    : &all->vm->mmio_bus;
	int error;

	if (one->bus) {
		return -EBUSY;
	}
	prepare(one, all, plan);
	error = plan->behaviour == BUS_RINGS
			? vm_register_doorbell(all->vm, bus, &one->doorbell)
			: vm_register_device(all->vm, bus, &one->device);
	if (!error) {
		one->bus = bus;
	}
	return error;
}

/**
 * A device that was never added is tried as well, on the memory bus: the bus
 * has to say that it does not know it. `inside` is read after the call came
 * back and before anybody is told.
 */
int bus_devices_remove(struct bus_devices *all, u32 number, u32 *inside)
{
	struct bus_devices_one *one = &all->one[number];
	struct bus *bus = one->bus ? one->bus : &all->vm->mmio_bus;
	int error;

	smp_store_release(&all->removing, 1);
	error = one->behaviour == BUS_RINGS
			? vm_unregister_doorbell(all->vm, bus, &one->doorbell)
			: vm_unregister_device(all->vm, bus, &one->device);
	*inside = smp_load_acquire(&all->parked);
	smp_store_release(&all->removed, 1);
	if (!error) {
		one->bus = NULL;
	}
	return error;
}

/* The end ------------------------------------------------------------------ */

/**
 * Somebody reads, so that no table but the last can be freed yet. Each
 * registration replaces the bus' table by a larger one, and the old one is
 * freed when no reader can have it. With a reader in its section the whole
 * time, all of them pile up: the most that the end of a VM can have to free.
 */
static int fill(struct bus_devices *all, struct vm *vm, u32 count)
{
	struct srcu_reader reader = { 0 };
	int error = srcu_add_reader(&vm->srcu, &reader);

	srcu_read_lock(&vm->srcu, &reader);
	for (u32 i = 0; i < count && !error; i++) {
		all->one[i].device = (struct bus_device){
			.name = "of a VM that ends",
			.base = bus_addr(i),
			.length = 1,
			.widths = BUS_WIDTH_ANY,
			.opaque = &all->one[i],
			.access = touch,
		};
		error = vm_register_device(vm, &vm->mmio_bus,
					   &all->one[i].device);
	}
	srcu_read_unlock(&vm->srcu, &reader);
	srcu_remove_reader(&vm->srcu, &reader);
	return error;
}

/**
 * Another VM than the test's, so that its end can be watched from outside.
 * `left` is 0 if both buses have given everything back.
 */
int bus_devices_end(struct bus_devices *all, u32 count, u64 *left)
{
	struct vm *vm;
	int error = vm_create(&vm);

	if (error) {
		return error;
	}
	error = fill(all, vm, count);
	bus_destroy(&vm->mmio_bus);
	bus_destroy(&vm->port_bus);
	*left = vm->bus_pages;
	vm_destroy(vm);
	return error;
}
