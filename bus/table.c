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

const struct bus_table *table_current(const struct bus *bus)
{
	static const struct bus_table empty = {
		.bells = (void *)empty.ranges,
	};

	return bus->table ? bus->table : &empty;
}

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
