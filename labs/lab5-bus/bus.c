/** @file
 * Lab 5: the bus, and who may rely on what about it.
 *
 * This is your file.  The contract of each function stands in bus/bus.h, the
 * handout in labs/lab5-bus/README.md.  Go through the steps in their order;
 * when a function is written, its lab_not_written() goes.  `make host LAB=5`
 * tries your functions without a VM and puts them on the barrier bench;
 * `make grade LAB=5` names the step that is missing, and later the rule that
 * is broken.
 *
 * Three rules hold everywhere:
 *   - a table that has been published is never changed again;
 *   - what another CPU may change at the same time is read once and marked
 *     (READ_ONCE(), srcu_dereference()), and written marked, too;
 *   - whoever changes a bus holds its owner's lock already: writers never
 *     meet, and readers take no lock.
 * The helpers and their order below are a proposal.  The functions of the
 * header are not.
 */
#include "bus/bus.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "bus/lab.h"

#define HEADER "bus/bus.h"

/* For as long as the functions below ignore what they are given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

static bool ring(const struct bus_table *table, const struct bus_access *access,
		 struct bus_hint *hint);

/* Written already: nothing about order is in these. */

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
 * The present table's entries in a new one, which nobody else knows yet.  The
 * array that shall have one more gets a gap at place, which you fill; the one
 * that shall have one less goes without the entry there.
 * @return the new table, or NULL: no memory
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

/* 5.3 The old table -------------------------------------------------------- */

/** A table has been replaced: free it as soon as nobody looks at it. */
static void retire(struct bus *bus, struct bus_table *old)
{
	/*
	 * There may be a reader who has found it, and it may take its time.
	 * Nobody waits for that one here: hand the table to call_srcu(), with
	 * a function of your own that frees it (its argument is the head inside
	 * of the table: container_of(), table_free()).
	 */
	lab_not_written("5.3", "retire", HEADER);
}

/* 5.2 Publishing ----------------------------------------------------------- */

/** Put the new table, which is complete, in the old one's place. */
static void publish(struct bus *bus, struct bus_table *new)
{
	/*
	 * 1. One store makes the table visible.  Everything that was written
	 *    into it must be visible before, on every CPU: which of the macros
	 *    of bus/access.h says that?  And what this CPU does next (it tells
	 *    somebody of the device) must not be visible before.
	 * 2. retire() the one that was there, if there was one.
	 */
	lab_not_written("5.2", "publish", HEADER);
}

/* 5.1 A sorted table ------------------------------------------------------- */

/** @return 0, or -EINVAL: what bus_register() says about the device alone */
static int check(const struct bus *bus, const struct bus_device *device)
{
	/*
	 * No access function; no width that there is; length 0; a last address
	 * (base + length - 1, not base + length) that has wrapped, or that is
	 * behind bus->last.
	 */
	lab_not_written("5.1", "check", HEADER);
}

/**
 * The last range that begins at or before address, else the first one: the
 * only one that the address can lie in, since ranges are sorted and disjoint.
 */
static u32 search(const struct bus_table *table, u64 address)
{
	/*
	 * Binary search, among a thousand devices ten rounds.  Keep in mind
	 * which half can be given up, and how many candidates are left; there
	 * is nothing to return early for.
	 */
	lab_not_written("5.1", "search", HEADER);
}

int bus_register(struct bus *bus, const struct bus_device *device)
{
	/*
	 * table_current() has the present table, an empty one at first.
	 * 1. All refusals, before any memory is taken: check(), overlap,
	 *    BUS_DEVICES_MAX.  Of a sorted table only two neighbours of the new
	 *    range's place can overlap it.
	 * 2. copy() with a gap at that place; -ENOMEM.
	 * 3. Fill the gap (struct bus_range: last is the last address inside).
	 * 4. publish().
	 */
	lab_not_written("5.1", "bus_register", HEADER);
}

/* 5.4 Lookup --------------------------------------------------------------- */

/** Inside of a read section: the table to search in, NULL if there is none. */
static const struct bus_table *look(const struct bus *bus)
{
	/*
	 * Read bus->table, once.  But before: the guest may have seen a flag
	 * that says "registered", one instruction ago.  What keeps this CPU
	 * from having read bus->table before that flag?  The read section has
	 * begun meanwhile; bus/access.h has a barrier that makes use of it.
	 */
	lab_not_written("5.4", "look", HEADER);
}

/** Call the device that the access lies in, if there is one. */
static int offer(const struct bus_table *table, struct bus_access *access,
		 struct bus_hint *hint)
{
	/*
	 * 1. The range: hint->range may say which, or be any number at all; if
	 *    it is no good, search(), and leave the place in the hint.
	 * 2. Nobody's: there are no ranges, or the access does not lie whole
	 *    inside (base <= address, and the last byte, computed so that it
	 *    does not wrap).
	 * 3. Refused: its length is not one of the device's widths
	 *    (bus_takes()).
	 * 4. Fill access->offset and call the device; whatever error it
	 *    returns, yours is -EOPNOTSUPP.
	 * 5. Of a read's value only the low bytes count: table_low_bytes().
	 */
	lab_not_written("5.4", "offer", HEADER);
}

int bus_dispatch_hint(const struct bus *bus, struct bus_access *access,
		      struct bus_hint *hint)
{
	/*
	 * look(); without a table, -EOPNOTSUPP.  A write, and doorbells in the
	 * table: ring() first; true: done.  Else offer().
	 */
	lab_not_written("5.4", "bus_dispatch_hint", HEADER);
}

int bus_dispatch_alone(const struct bus *bus, struct srcu_reader *reader,
		       struct bus_access *access)
{
	/*
	 * bus_dispatch() with a read section around it: srcu_read_lock(),
	 * srcu_read_unlock().  How far does the section have to reach?
	 */
	lab_not_written("5.4", "bus_dispatch_alone", HEADER);
}

/* 5.5 Unregister and wait -------------------------------------------------- */

/**
 * Publish a table without the entry at place, and come back when nobody can be
 * inside of that device or doorbell any more.
 */
static int take_off(struct bus *bus, u32 count, u32 doorbells, u32 place)
{
	/*
	 * 1. copy(); -ENOMEM leaves everything as it was.  Of the last entry
	 *    there is nothing to copy: then bus->table becomes NULL.
	 * 2. Publish it.  3. Wait: synchronize_srcu().  Why in this order?
	 * 4. Free the old table.
	 */
	lab_not_written("5.5", "take_off", HEADER);
}

int bus_unregister(struct bus *bus, const struct bus_device *device)
{
	/* table_find_device(), -ENOENT; the rest is take_off(). */
	lab_not_written("5.5", "bus_unregister", HEADER);
}

/* 5.6 Doorbells ------------------------------------------------------------ */

/**
 * Whether one store could ring both.  A store is written down as a bell, too
 * (bus/table.h): its own length, matching its own value; so this also says
 * whether a store rings a doorbell.
 */
static bool meets(const struct bus_bell *bell, const struct bus_bell *other)
{
	/*
	 * The same address.  The same length, or one of them is of any (0);
	 * then values do not count.  The same value, or one of them does not
	 * match a value.
	 */
	lab_not_written("5.6", "meets", HEADER);
}

/** Written already: the last bell that is not behind key, else the first. */
static u32 search_bells(const struct bus_table *table,
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
	return first;
}

/** Written already: how many bells are not behind key, so where it goes. */
static u32 place_of_bell(const struct bus_table *table,
			 const struct bus_bell *key)
{
	u32 i = search_bells(table, key);

	return i + (i < table->doorbells &&
		    !table_is_behind(&table->bells[i], key));
}

int bus_register_doorbell(struct bus *bus, const struct bus_doorbell *doorbell)
{
	/*
	 * As bus_register(), step by step: table_make_bell() checks the
	 * doorbell and writes it down, place_of_bell() says where it goes,
	 * meets() asks the two neighbours there; BUS_DOORBELLS_MAX.
	 */
	lab_not_written("5.6", "bus_register_doorbell", HEADER);
}

/** Written already, for it is bus_unregister() once more. */
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

/** There are doorbells: ring the one that this store meets. */
static bool ring(const struct bus_table *table, const struct bus_access *access,
		 struct bus_hint *hint)
{
	/*
	 * Write the store down as a bell; try the one at hint->bell, which may
	 * be any number, then search_bells(), and leave the place in the hint.
	 */
	lab_not_written("5.6", "ring", HEADER);
}

/** Inside of a read section. */
const struct bus_doorbell *bus_find_doorbell(const struct bus *bus,
					     bus_addr_t address)
{
	/*
	 * look(), and search_bells() for { .address }: the one that is found
	 * counts if it has this very address and length 0.
	 */
	lab_not_written("5.6", "bus_find_doorbell", HEADER);
}

/* 5.7 Between two instructions --------------------------------------------- */

void bus_next_instruction(const struct bus *bus)
{
	/*
	 * The emulation loop runs up to 130 instructions in one read section,
	 * so look()'s barrier is as old as the section.  Reads of the
	 * instruction before must be done before those of the one that comes.
	 */
	lab_not_written("5.7", "bus_next_instruction", HEADER);
}

/* 5.8 Teardown ------------------------------------------------------------- */

void bus_destroy(struct bus *bus)
{
	/*
	 * No reader is left, but retired tables may still wait for their grace
	 * period; the function that frees them needs the bus.
	 */
	lab_not_written("5.8", "bus_destroy", HEADER);
}
