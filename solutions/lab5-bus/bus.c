/** @file
 * Lab 5, the reference: the bus.
 *
 * Every change makes a new table and publishes it with one store.  Release
 * orders the table's contents before its address, and the whole registration
 * before whatever the registrar does next to let others know of the device.
 * The reader's half is the barrier after the lock: what the vCPU saw before
 * this exit, such as a flag that says "registered", binds the load of the
 * pointer.  Without it the CPU may have loaded the pointer before the flag.
 *
 *	writer                            reader (a vCPU after its VM exit)
 *	fill new table                    srcu_read_lock()
 *	assign_pointer(bus->table, new)   barrier; table = dereference(...)
 *	call_srcu(old table, free)        search, call the device
 *	flag = 1                          srcu_read_unlock()
 *
 * Because the ranges are disjoint, their order by base is also that by end,
 * and the only candidate for an address is the last range that begins at or
 * before it.
 */
#include "bus/bus.h"

#include "bus/access.h"
#include "bus/errno.h"

void bus_init(struct bus *bus, const struct bus_memory *memory,
	      struct srcu *srcu, bus_addr_t last)
{
	bus->table = NULL;
	bus->memory = *memory;
	bus->srcu = srcu;
	bus->last = last.v;
}

static void free_table(struct bus_table *table)
{
	const struct bus *bus = table->bus;

	bus->memory.free(bus->memory.owner, table);
}

/** The grace period is over. */
static void free_later(struct srcu_head *head)
{
	free_table(container_of(head, struct bus_table, head));
}

void bus_destroy(struct bus *bus)
{
	srcu_barrier(bus->srcu); /* tables that wait know the bus */
	if (bus->table) {
		free_table(bus->table);
	}
	bus->table = NULL;
}

static struct bus_table *new_table(struct bus *bus, u32 count)
{
	struct bus_table *table = bus->memory.alloc(
		bus->memory.owner,
		sizeof(*table) + count * sizeof(table->ranges[0]));

	if (table) {
		table->bus = bus;
		table->count = count;
	}
	return table;
}

/** The refusals that need only the device and the bus' size. */
static int check(const struct bus *bus, const struct bus_device *device)
{
	u64 last = device->base.v + device->length - 1;

	if (!device->access || !(device->widths & BUS_WIDTH_ANY)) {
		return -EINVAL;
	}
	if (!device->length || last < device->base.v || last > bus->last) {
		return -EINVAL;
	}
	return 0;
}

/** How many ranges begin at or before base: where a new one goes. */
static u32 place_of(const struct bus_table *table, u64 base)
{
	u32 i = 0;

	while (table && i < table->count && table->ranges[i].base <= base) {
		i++;
	}
	return i;
}

/** Only the two neighbours can overlap: the table is sorted and disjoint. */
static bool overlaps(const struct bus_table *table, u32 place,
		     const struct bus_range *range)
{
	if (place > 0 && table->ranges[place - 1].last >= range->base) {
		return true;
	}
	return table && place < table->count &&
	       table->ranges[place].base <= range->last;
}

int bus_register(struct bus *bus, const struct bus_device *device)
{
	struct bus_range range = {
		.base = device->base.v,
		.last = device->base.v + device->length - 1,
		.device = device,
	};
	struct bus_table *old = bus->table, *new;
	u32 count = old ? old->count : 0;
	u32 place = place_of(old, range.base);

	if (check(bus, device)) {
		return -EINVAL;
	}
	if (overlaps(old, place, &range)) {
		return -EEXIST;
	}
	if (count == BUS_DEVICES_MAX) {
		return -ENOSPC;
	}
	new = new_table(bus, count + 1);
	if (!new) {
		return -ENOMEM;
	}
	if (old) {
		memcpy(new->ranges, old->ranges, place * sizeof(range));
		memcpy(&new->ranges[place + 1], &old->ranges[place],
		       (count - place) * sizeof(range));
	}
	new->ranges[place] = range;
	rcu_assign_pointer(bus->table, new);
	if (old) {
		call_srcu(bus->srcu, &old->head, free_later);
	}
	return 0;
}

/** The device's place in the table, or the table's count. */
static u32 find_device(const struct bus_table *table,
		       const struct bus_device *device)
{
	u32 i;

	for (i = 0; i < table->count; i++) {
		if (table->ranges[i].device == device) {
			break;
		}
	}
	return i;
}

int bus_unregister(struct bus *bus, const struct bus_device *device)
{
	struct bus_table *old = bus->table, *new = NULL;
	u32 place = old ? find_device(old, device) : 0;

	if (!old || place == old->count) {
		return -ENOENT;
	}
	if (old->count > 1) {
		new = new_table(bus, old->count - 1);
		if (!new) {
			return -ENOMEM;
		}
		memcpy(new->ranges, old->ranges,
		       place * sizeof(old->ranges[0]));
		memcpy(&new->ranges[place], &old->ranges[place + 1],
		       (new->count - place) * sizeof(old->ranges[0]));
	}
	rcu_assign_pointer(bus->table, new);
	synchronize_srcu(bus->srcu); /* nobody is inside of the device now */
	free_table(old);
	return 0;
}

/**
 * The last range that begins at or before address, else the first one.  The
 * candidates are range[0..count-1]; each round keeps one half of them.
 */
static const struct bus_range *search(const struct bus_table *table,
				      u64 address)
{
	const struct bus_range *range = table->ranges;
	size_t count = table->count;

	while (count > 1) {
		size_t half = count / 2;

		if (range[half].base <= address) {
			range += half;
		}
		count -= half;
	}
	return range;
}

/** Whether the whole access lies inside; written so that nothing can wrap. */
static bool contains(const struct bus_range *range,
		     const struct bus_access *access)
{
	u64 address = access->address.v;

	return address >= range->base && address <= range->last &&
	       access->length - 1 <= range->last - address;
}

/** Whether the device declared this width; 3, 5, 6 and 7 bytes are none. */
static bool takes(const struct bus_device *device, u32 length)
{
	bool is_width = length <= 8 && (length & (length - 1)) == 0;

	return is_width && (device->widths & length);
}

int bus_dispatch(const struct bus *bus, struct bus_access *access)
{
	const struct bus_table *table;
	const struct bus_range *range;
	int result;

	/* What was seen before the section binds the load of the pointer. */
	smp_mb__after_srcu_read_lock();
	table = srcu_dereference(bus->table, bus->srcu);
	if (!table) {
		return -EOPNOTSUPP;
	}
	range = search(table, access->address.v);
	if (!contains(range, access) || !takes(range->device, access->length)) {
		return -EOPNOTSUPP;
	}
	access->offset = access->address.v - range->base;
	result = range->device->access(range->device->opaque, access);
	if (result) {
		return -EOPNOTSUPP;
	}
	if (!access->is_write) {
		access->value &= BITS(8 * access->length - 1, 0);
	}
	return 0;
}

int bus_dispatch_alone(const struct bus *bus, struct srcu_reader *reader,
		       struct bus_access *access)
{
	int result;

	srcu_read_lock(bus->srcu, reader);
	result = bus_dispatch(bus, access);
	srcu_read_unlock(bus->srcu, reader);
	return result;
}

void bus_next_instruction(const struct bus *bus)
{
	(void)bus;
	smp_rmb(); /* loads of the one before loads of the next */
}
