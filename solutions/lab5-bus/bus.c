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
 * Ranges are disjoint, and no two doorbells want one store.  Therefore, in
 * both arrays, the only candidate is the last entry that is not behind what is
 * searched for, and only two neighbours can collide with what is inserted.
 */
#include "bus/bus.h"

#include "bus/access.h"
#include "bus/errno.h"

/** The grace period is over. */
static void free_later(struct srcu_head *head)
{
	table_free(container_of(head, struct bus_table, head));
}

void bus_destroy(struct bus *bus)
{
	srcu_barrier(bus->srcu); /* tables that wait know the bus */
	if (bus->table) {
		table_free(bus->table);
	}
	bus->table = NULL;
}

/* A writer's next table ---------------------------------------------------- */

static void copy_ranges(struct bus_table *new, const struct bus_table *old,
			u32 place)
{
	u32 to = place + (new->count > old->count);
	u32 from = place + (new->count < old->count);

	memcpy(new->ranges, old->ranges, place * sizeof(new->ranges[0]));
	memcpy(&new->ranges[to], &old->ranges[from],
	       (new->count - to) * sizeof(new->ranges[0]));
}

static void copy_bells(struct bus_table *new, const struct bus_table *old,
		       u32 place)
{
	u32 to = place + (new->doorbells > old->doorbells);
	u32 from = place + (new->doorbells < old->doorbells);

	memcpy(new->bells, old->bells, place * sizeof(new->bells[0]));
	memcpy(&new->bells[to], &old->bells[from],
	       (new->doorbells - to) * sizeof(new->bells[0]));
}

/**
 * The old table's entries in a new one.  The array that shall have one more
 * gets a gap at place, the one that shall have one less goes without the entry
 * there.
 */
static struct bus_table *copy(struct bus *bus, u32 count, u32 doorbells,
			      u32 place)
{
	const struct bus_table *old = table_current(bus);
	struct bus_table *new = table_new(bus, count, doorbells);

	if (new) {
		copy_ranges(new, old, count == old->count ? 0 : place);
		copy_bells(new, old, doorbells == old->doorbells ? 0 : place);
	}
	return new;
}

/** Put it in the old one's place, which is freed later: wait for nobody. */
static void publish(struct bus *bus, struct bus_table *new)
{
	struct bus_table *old = bus->table;

	rcu_assign_pointer(bus->table, new);
	if (old) {
		call_srcu(bus->srcu, &old->head, free_later);
	}
}

/** Publish a copy without that entry, and wait until nobody is inside of it. */
static int take_off(struct bus *bus, u32 count, u32 doorbells, u32 place)
{
	struct bus_table *old = bus->table, *new = NULL;

	if (count || doorbells) {
		new = copy(bus, count, doorbells, place);
		if (!new) {
			return -ENOMEM;
		}
	}
	rcu_assign_pointer(bus->table, new);
	synchronize_srcu(bus->srcu);
	table_free(old);
	return 0;
}

/* Devices ------------------------------------------------------------------ */

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

/**
 * How many ranges begin at or before address.  A new one goes there, and of
 * those in front only the last can hold the address.  Each round keeps one
 * half of the candidates ranges[first..first + count - 1].
 */
static u32 place_of(const struct bus_table *table, u64 address)
{
	size_t first = 0, count = table->count;

	while (count > 1) {
		size_t half = count / 2;

		if (table->ranges[first + half].base <= address) {
			first += half;
		}
		count -= half;
	}
	return first + (count && table->ranges[first].base <= address);
}

/** Only the two neighbours can overlap: the table is sorted and disjoint. */
static bool overlaps(const struct bus_table *table, u32 place,
		     const struct bus_range *range)
{
	if (place > 0 && table->ranges[place - 1].last >= range->base) {
		return true;
	}
	return place < table->count && table->ranges[place].base <= range->last;
}

int bus_register(struct bus *bus, const struct bus_device *device)
{
	struct bus_range range = {
		.base = device->base.v,
		.last = device->base.v + device->length - 1,
		.device = device,
	};
	const struct bus_table *old = table_current(bus);
	u32 place = place_of(old, range.base);
	struct bus_table *new;

	if (check(bus, device)) {
		return -EINVAL;
	}
	if (overlaps(old, place, &range)) {
		return -EEXIST;
	}
	if (old->count == BUS_DEVICES_MAX) {
		return -ENOSPC;
	}
	new = copy(bus, old->count + 1, old->doorbells, place);
	if (!new) {
		return -ENOMEM;
	}
	new->ranges[place] = range;
	publish(bus, new);
	return 0;
}

int bus_unregister(struct bus *bus, const struct bus_device *device)
{
	const struct bus_table *old = table_current(bus);
	u32 place = table_find_device(old, device);

	if (place == old->count) {
		return -ENOENT;
	}
	return take_off(bus, old->count - 1, old->doorbells, place);
}

/* Doorbells ---------------------------------------------------------------- */

/**
 * Whether one store could ring both.  A store is as a doorbell of its own
 * length and value, and rings what it meets.
 */
static bool meets(const struct bus_bell *bell, const struct bus_bell *other)
{
	if (bell->address != other->address) {
		return false;
	}
	if (!bell->length || !other->length) {
		return true;
	}
	return bell->length == other->length &&
	       (!bell->matches || !other->matches ||
		bell->value == other->value);
}

/**
 * How many are not behind the key.  A new one goes there, and a store can ring
 * only the last in front: one of any length is alone at its address, one of
 * any value alone with its length.
 */
static u32 place_of_bell(const struct bus_table *table,
			 const struct bus_bell *key)
{
	size_t first = 0, count = table->doorbells;

	while (count > 1) {
		size_t half = count / 2;

		if (!table_is_behind(&table->bells[first + half], key)) {
			first += half;
		}
		count -= half;
	}
	return first + (count && !table_is_behind(&table->bells[first], key));
}

/** As with ranges, only the two neighbours can. */
static bool collides(const struct bus_table *table, u32 place,
		     const struct bus_bell *bell)
{
	return (place > 0 && meets(&table->bells[place - 1], bell)) ||
	       (place < table->doorbells && meets(&table->bells[place], bell));
}

int bus_register_doorbell(struct bus *bus, const struct bus_doorbell *doorbell)
{
	const struct bus_table *old = table_current(bus);
	struct bus_table *new;
	struct bus_bell bell;
	u32 place;

	if (table_make_bell(bus, doorbell, &bell)) {
		return -EINVAL;
	}
	place = place_of_bell(old, &bell);
	if (collides(old, place, &bell)) {
		return -EEXIST;
	}
	if (old->doorbells == BUS_DOORBELLS_MAX) {
		return -ENOSPC;
	}
	new = copy(bus, old->count, old->doorbells + 1, place);
	if (!new) {
		return -ENOMEM;
	}
	new->bells[place] = bell;
	publish(bus, new);
	return 0;
}

int bus_unregister_doorbell(struct bus *bus,
			    const struct bus_doorbell *doorbell)
{
	const struct bus_table *old = table_current(bus);
	u32 place = table_find_doorbell(old, doorbell);

	if (place == old->doorbells) {
		return -ENOENT;
	}
	return take_off(bus, old->count, old->doorbells - 1, place);
}

/* Lookup ------------------------------------------------------------------- */

/** Whether the whole access lies inside; written so that nothing can wrap. */
static bool contains(const struct bus_range *range,
		     const struct bus_access *access)
{
	u64 address = access->address.v;

	return address >= range->base && address <= range->last &&
	       access->length - 1 <= range->last - address;
}

/** Whether place_of() would say so; place may be any number. */
static bool is_place(const struct bus_table *table, u32 place, u64 address)
{
	if (place > table->count) {
		return false;
	}
	if (place < table->count && table->ranges[place].base <= address) {
		return false;
	}
	return !place || table->ranges[place - 1].base <= address;
}

/** The only range that the access can lie in, or NULL. */
static const struct bus_range *find_range(const struct bus_table *table,
					  u64 address, struct bus_hint *hint)
{
	u32 place = hint->range;

	if (!is_place(table, place, address)) {
		place = place_of(table, address);
		hint->range = place;
	}
	return place ? &table->ranges[place - 1] : NULL;
}

/** The access lies inside; out of line, for many lie in no device. */
static __noinline int call(const struct bus_range *range,
			   struct bus_access *access)
{
	const struct bus_device *device = range->device;

	if (!bus_takes(device, access->length)) {
		return -EOPNOTSUPP;
	}
	access->offset = access->address.v - range->base;
	if (device->access(device->opaque, access)) {
		return -EOPNOTSUPP;
	}
	if (!access->is_write) {
		access->value = table_low_bytes(access->value, access->length);
	}
	return 0;
}

/** Offer it to the device that it lies in. */
static inline int offer(const struct bus_table *table,
			struct bus_access *access, struct bus_hint *hint)
{
	const struct bus_range *range =
		find_range(table, access->address.v, hint);

	if (!range || !contains(range, access)) {
		return -EOPNOTSUPP;
	}
	return call(range, access);
}

/**
 * The last bell at the address or in front of it, else the first one; there
 * are some.  Hardly ever there are two at one address.
 */
static const struct bus_bell *last_bell(const struct bus_table *table,
					u64 address)
{
	const struct bus_bell *bell = table->bells;
	size_t count = table->doorbells;

	while (count > 1) {
		size_t half = count / 2;

		if (bell[half].address <= address) {
			bell += half;
		}
		count -= half;
	}
	return bell;
}

/** The doorbell that the store rings, or NULL; the hint is tried first. */
static const struct bus_bell *find_bell(const struct bus_table *table,
					const struct bus_bell *store,
					struct bus_hint *hint)
{
	const struct bus_bell *bell = table->bells;
	u32 place = hint->bell;

	if (place < table->doorbells && meets(&bell[place], store)) {
		return &bell[place];
	}
	bell = last_bell(table, store->address);
	if (bell->address == store->address && !meets(bell, store)) {
		place = place_of_bell(table, store);
		bell = &table->bells[place ? place - 1 : 0];
	}
	if (!meets(bell, store)) {
		return NULL;
	}
	hint->bell = bell - table->bells;
	return bell;
}

/** Ring the doorbell that this store meets; there are some. */
static bool ring(const struct bus_table *table, const struct bus_access *access,
		 struct bus_hint *hint)
{
	struct bus_bell store = { .address = access->address.v,
				  .length = access->length,
				  .matches = true };
	const struct bus_bell *bell;

	if (access->length - 1 >= sizeof(store.value)) {
		return false; /* there is no such store */
	}
	store.value = table_low_bytes(access->value, access->length);
	bell = find_bell(table, &store, hint);
	if (bell) {
		bell->doorbell->ring(bell->doorbell->opaque);
	}
	return bell;
}

/** A store while there are doorbells; out of line for all that are not. */
static __noinline int ring_or_offer(const struct bus_table *table,
				    struct bus_access *access,
				    struct bus_hint *hint)
{
	return ring(table, access, hint) ? 0 : offer(table, access, hint);
}

/** Inside of a section: the table that every other step works on. */
static const struct bus_table *look(const struct bus *bus)
{
	/* What was seen before the section binds the load of the pointer. */
	smp_mb__after_srcu_read_lock();
	return srcu_dereference(bus->table, bus->srcu);
}

int bus_dispatch_hint(const struct bus *bus, struct bus_access *access,
		      struct bus_hint *hint)
{
	const struct bus_table *table = look(bus);

	if (!table) {
		return -EOPNOTSUPP;
	}
	if (access->is_write && table->doorbells) {
		return ring_or_offer(table, access, hint);
	}
	return offer(table, access, hint);
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

const struct bus_doorbell *bus_find_doorbell(const struct bus *bus,
					     bus_addr_t address)
{
	const struct bus_table *table = look(bus);
	const struct bus_bell *bell;

	if (!table || !table->doorbells) {
		return NULL;
	}
	bell = last_bell(table, address.v);
	if (bell->address != address.v || bell->length) {
		return NULL;
	}
	return bell->doorbell;
}

void bus_next_instruction(const struct bus *bus)
{
	(void)bus;
	smp_rmb(); /* loads of the one before loads of the next */
}
