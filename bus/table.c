/** @file
 * Tables come and go here, and doorbells are refused or written down, before
 * any table is touched.
 *
 * The bus compares the low bytes of a store's value, as many as the store has.
 * Where in the guest's operand these bytes stood, aligned or not, it never
 * learns.
 */
#include "bus/table.h"

#include "bus/bus.h"
#include "bus/errno.h"

/*
 * One piece, so that a table has one life: it is published by one pointer and
 * given back by one callback.  The head for call_srcu() is in it as well, so
 * that to free a table never needs memory, which might be lacking just then.
 */
struct bus_table *table_new(const struct bus *bus, u32 count, u32 doorbells)
{
	struct bus_table *table = bus->memory.alloc(
		bus->memory.owner, sizeof(*table) +
					   count * sizeof(table->ranges[0]) +
					   doorbells * sizeof(table->bells[0]));

	if (table) {
		table->bus = bus;
		table->count = count;
		table->doorbells = doorbells;
		table->bells = (void *)&table->ranges[count];
	}
	return table;
}

void table_free(struct bus_table *table)
{
	const struct bus *bus = table->bus;

	bus->memory.free(bus->memory.owner, table);
}

/*
 * For writers only.  They hold the lock of the bus, so the pointer cannot
 * change beneath them and a plain load will do.  Readers hold no lock: theirs
 * must be a marked load inside of a read section (spec 6.5).
 */
const struct bus_table *table_current(const struct bus *bus)
{
	static const struct bus_table empty = {
		.bells = (void *)empty.ranges,
	};

	return bus->table ? bus->table : &empty;
}

/* By who it is, not by where: no order helps here.  Only a writer asks, and a
 * registration is rare. */
u32 table_find_device(const struct bus_table *table,
		      const struct bus_device *device)
{
	u32 i = 0;

	while (i < table->count && table->ranges[i].device != device) {
		i++;
	}
	return i;
}

u32 table_find_doorbell(const struct bus_table *table,
			const struct bus_doorbell *doorbell)
{
	u32 i = 0;

	while (i < table->doorbells && table->bells[i].doorbell != doorbell) {
		i++;
	}
	return i;
}

/*
 * Lengths are 0, 1, 2, 4 or 8: a power of two and its predecessor have no bit
 * in common, which lets 0 pass, too.  A doorbell of any length has no value to
 * match, as it is not known how many bytes of the value would count.
 *
 * Whether it lies below the end of the bus is asked by subtraction, for address
 * + length may wrap at 2^64.
 */
int table_make_bell(const struct bus *bus, const struct bus_doorbell *doorbell,
		    struct bus_bell *bell)
{
	u64 last = doorbell->length ? doorbell->length - 1 : 0; /* byte of it */

	*bell = (struct bus_bell){
		.address = doorbell->address.v,
		.length = doorbell->length,
		.matches = doorbell->matches,
		.doorbell = doorbell,
	};
	if (!doorbell->ring || doorbell->length > 8 ||
	    (doorbell->length & last) || (bell->matches && !bell->length)) {
		return -EINVAL;
	}
	if (bell->address > bus->last || bus->last - bell->address < last) {
		return -EINVAL;
	}
	if (bell->matches) {
		bell->value = table_low_bytes(doorbell->value, bell->length);
	}
	return 0;
}
