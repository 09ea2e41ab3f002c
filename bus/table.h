/** @file
 * The bus' table: what is on a bus at one moment, as lookups find it.
 *
 * A table is one piece of memory, two sorted arrays behind a head.  It is
 * filled by a writer, published, and from then on only read.  The arrays hold
 * copies of what a search compares, so that it touches no memory of a device's
 * or a doorbell's owner but of the one it has found.
 *
 *	+-------------+---------------+-----+----------------------+-----+
 *	| head counts | base last dev | ... | address length value | ... |
 *	+-------------+---------------+-----+----------------------+-----+
 *	              ranges: by base,       bells: by address, then
 *	              disjoint               length, then value
 *
 * A bell is written down in one form: what does not count is 0.  A store is
 * written down in the same form, as a doorbell that matches exactly its value;
 * then one comparison orders both.
 *
 *	address   length   value
 *	0x1000    0        0        any store at 0x1000
 *	0x2000    2        0        matches 0 (or any value: then it is alone)
 *	0x2000    2        7        matches 7
 *	0x2000    4        0        another length: another doorbell
 */
#ifndef BUS_TABLE_H
#define BUS_TABLE_H

#include "bus/srcu.h"
#include "bus/types.h"

struct bus;
struct bus_device;
struct bus_doorbell;

/** A range of the table; last is the last address inside. */
struct bus_range {
	u64 base;
	u64 last;
	const struct bus_device *device;
};

/** A doorbell of the table. */
struct bus_bell {
	u64 address;
	u64 value;  /* 0 if it matches none; 0 beyond its length */
	u32 length; /* 0: any */
	bool matches;
	const struct bus_doorbell *doorbell;
};

struct bus_table {
	struct srcu_head head;	/* for call_srcu() */
	const struct bus *bus;	/* whose memory it is */
	u32 count;		/* of ranges */
	u32 doorbells;		/* of bells */
	struct bus_bell *bells; /* behind the ranges */
	struct bus_range ranges[];
};

/**
 * Get memory for a table from the bus' owner; both arrays are to be filled.
 * @param bus       the bus
 * @param count     how many ranges
 * @param doorbells how many bells
 * @return the table, or NULL
 */
struct bus_table *table_new(const struct bus *bus, u32 count, u32 doorbells);

/** Give it back; nobody looks at it any more. */
void table_free(struct bus_table *table);

/**
 * What a writer finds, who holds the lock of the bus.
 * @return the table; of an empty bus, which has none, one with nothing in it
 */
const struct bus_table *table_current(const struct bus *bus);

/** The place of the device's range, or the table's count. */
u32 table_find_device(const struct bus_table *table,
		      const struct bus_device *device);

/** The place of the doorbell's bell, or how many there are. */
u32 table_find_doorbell(const struct bus_table *table,
			const struct bus_doorbell *doorbell);

/**
 * Write a doorbell down as an entry.
 * @param bus      whose last address bounds it
 * @param doorbell as bus_register_doorbell() has it
 * @param bell     is filled
 * @return 0; -EINVAL as bus_register_doorbell()
 */
int __must_check table_make_bell(const struct bus *bus,
				 const struct bus_doorbell *doorbell,
				 struct bus_bell *bell);

/** The bytes of a value that a length of 1 to 8 has. */
static inline u64 table_low_bytes(u64 value, u32 length)
{
	return value & BITS(8 * length - 1, 0);
}

/** By address, then length, then value: whether bell comes after other. */
static inline bool table_is_behind(const struct bus_bell *bell,
				   const struct bus_bell *other)
{
	if (bell->address != other->address) {
		return bell->address > other->address;
	}
	if (bell->length != other->length) {
		return bell->length > other->length;
	}
	return bell->value > other->value;
}

#endif
