/** @file
 * The bus: which device in the core answers an address (lab 5).
 *
 * One type serves both kinds of I/O.  On the MMIO bus an address is a guest
 * physical address, on the port bus a port number.  A device has a range of
 * addresses; an access belongs to it only if it lies whole inside.  What
 * straddles an end belongs to nobody and goes to the VMM, undivided.
 *
 * The ranges stand in a sorted table (bus/table.h) that is never changed once
 * published: registering builds a new one and puts it in the old one's place,
 * so that a reader sees one consistent table without taking a lock.
 *
 * A doorbell is no device but one address: a store there calls a function that
 * lets somebody know, and is done.  Loads never ring (spec 10.7).  A doorbell
 * may lie inside a device's range; then it is asked first, and stores that it
 * does not want, and all loads, are the device's.
 *
 * Writers (bus_register() and its like) exclude each other by a lock of the
 * caller's.  bus_dispatch() takes none: it runs in a read section of the bus'
 * SRCU domain, and an old table is freed when no section can see it.
 *
 * The promise (spec 6.5): whoever has seen, by whatever way, that a device is
 * registered finds it with the next access.  And bus_register() waits for
 * nobody.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "bus/access.h"
#include "bus/srcu.h"
#include "bus/table.h"
#include "bus/types.h"

/** A guest physical address on the MMIO bus, a port number on the port bus. */
typedef struct {
	u64 v;
} bus_addr_t;

static inline bus_addr_t bus_addr(u64 v)
{
	return (bus_addr_t){ v };
}

/** A bus holds at most this many devices (spec 6.1). */
#define BUS_DEVICES_MAX 1000

/** And, not counted among them, so many doorbells. */
#define BUS_DOORBELLS_MAX 4096

/** Access widths, as a mask: a width of n bytes is the bit of value n. */
enum bus_width {
	BUS_WIDTH_1 = 1,
	BUS_WIDTH_2 = 2,
	BUS_WIDTH_4 = 4,
	BUS_WIDTH_8 = 8,
	BUS_WIDTH_ANY = 15,
};

/** One access of at most 8 bytes. */
struct bus_access {
	bus_addr_t address;
	u64 offset; /* address minus the device's base; filled by the bus */
	u32 length; /* bytes, 1 to 8 */
	bool is_write;
	u64 value; /* little endian, its low length bytes count */
};

/**
 * A device, filled by its owner and left alone while it is registered.
 */
struct bus_device {
	const char *name;
	bus_addr_t base;
	u64 length;   /* bytes or ports, at least 1 */
	u8 widths;    /* mask of enum bus_width: the bus refuses any other */
	void *opaque; /* handed to access() */
	/**
	 * Carry one access out.  May run on several CPUs at once, each in a
	 * read section: it may register, but not unregister on this bus.
	 *
	 * @param opaque  the device's own
	 * @param access  inside the device and of a declared width; a read's
	 *                result goes to access->value
	 * @return 0, or -EOPNOTSUPP to leave it to the VMM
	 */
	int (*access)(void *opaque, struct bus_access *access);
};

/** Whether the device declared this width; 3, 5, 6 and 7 bytes are none. */
static inline bool bus_takes(const struct bus_device *device, u32 length)
{
	bool is_width = length <= 8 && (length & (length - 1)) == 0;

	return is_width && (device->widths & length);
}

/**
 * A doorbell, filled by its owner and left alone while it is registered.
 *
 * Two doorbells that one store could ring collide: same address, same length
 * or one of any length, same value or one of any value.
 */
struct bus_doorbell {
	const char *name;
	bus_addr_t address; /* of the store: not a byte further on */
	u32 length;	    /* bytes: 1, 2, 4, 8; 0: any */
	bool matches;	    /* only stores of this value; not with length 0 */
	u64 value;	    /* its low length bytes count */
	/** Let somebody know; as with access() of a device. */
	void (*ring)(void *opaque);
	void *opaque;
};

/**
 * Where the last access of somebody was answered: most go where the one before
 * went.  A guess, and any number is allowed: -1, or a place long gone.
 */
struct bus_hint {
	u32 range;
	u32 bell;
};

/** Where tables live. */
struct bus_memory {
	/** bytes of memory, or NULL */
	void *(*alloc)(void *owner, size_t bytes);
	/** Give it back; nobody looks at it any more. */
	void (*free)(void *owner, void *table);
	void *owner;
};

struct bus {
	/* changed by writers, read by everybody inside of a read section */
	struct bus_table *table; /* NULL when there is nothing on it */
	/* fixed by bus_init() */
	struct bus_memory memory;
	struct srcu *srcu; /* the domain of all who call bus_dispatch() */
	u64 last;	   /* the bus' last address */
};

/**
 * Make an empty bus.
 *
 * @param bus     the bus
 * @param memory  is copied; its owner must live as long as the bus
 * @param srcu    the domain that every reader of the bus belongs to
 * @param last    the last address there is: 0xffff for ports
 */
static inline void bus_init(struct bus *bus, const struct bus_memory *memory,
			    struct srcu *srcu, bus_addr_t last)
{
	*bus = (struct bus){
		.memory = *memory,
		.srcu = srcu,
		.last = last.v,
	};
}

/**
 * Forget all devices and free the table, and those that still wait for a
 * grace period.  Step 5.8.  No reader may be left.
 */
void bus_destroy(struct bus *bus);

/**
 * Put a device on the bus.  Steps 5.1 to 5.3.
 *
 * Once it has returned, whoever learns of it, by whatever way, finds the
 * device with the next access.  It does not wait for readers.
 *
 * @param bus     the bus; writers exclude each other
 * @param device  must live until bus_unregister() has returned
 * @return 0; -EINVAL: no access function, no known width, or the range is
 *         empty, wraps, or ends behind the bus; -EEXIST: it overlaps a
 *         device's; -ENOSPC: BUS_DEVICES_MAX are there; -ENOMEM.  The bus is
 *         as before unless the result is 0.
 */
int __must_check bus_register(struct bus *bus, const struct bus_device *device);

/**
 * Take a device off the bus.  Step 5.5.  Waits until no access to it is under
 * way, so not from inside a read section.
 *
 * @param bus     the bus; writers exclude each other
 * @param device  as it was registered
 * @return 0; -ENOENT: it is not on the bus; -ENOMEM.  The bus is as before
 *         unless the result is 0 (spec 10.8).
 */
int __must_check bus_unregister(struct bus *bus,
				const struct bus_device *device);

/**
 * Put a doorbell on the bus.  Step 5.6.  As bus_register() it waits for nobody,
 * and who learns of the doorbell rings it with the next store.
 *
 * @param bus      the bus; writers exclude each other
 * @param doorbell must live until bus_unregister_doorbell() has returned
 * @return 0; -EINVAL: no ring function, no such length, a value without a
 *         length, or it ends behind the bus; -EEXIST: it collides;
 *         -ENOSPC: BUS_DOORBELLS_MAX are there; -ENOMEM.  The bus is as before
 *         unless the result is 0.
 */
int __must_check bus_register_doorbell(struct bus *bus,
				       const struct bus_doorbell *doorbell);

/**
 * Take a doorbell off the bus.  Step 5.6.  Waits until nobody is ringing it, so
 * not from inside a read section.
 *
 * @param bus      the bus; writers exclude each other
 * @param doorbell as it was registered
 * @return 0; -ENOENT: it is not on the bus; -ENOMEM.  The bus is as before
 *         unless the result is 0 (spec 10.8).
 */
int __must_check bus_unregister_doorbell(struct bus *bus,
					 const struct bus_doorbell *doorbell);

/**
 * Offer an access to the doorbell that it rings (step 5.6), else to the device
 * that it lies in (step 5.4).  The caller is in a read section of the bus'
 * domain, and stays in it until this returns.  It writes to access and hint,
 * and to nothing that CPUs share.
 *
 * @param bus     the bus
 * @param access  address, length, is_write, and value of a write
 * @param hint    a guess at the answer, which spares the search (spec 6.4): any
 *                content is right, and it may be the better for the next access
 * @return 0: done, a read's bytes are in access->value, the rest of it 0;
 *         -EOPNOTSUPP: nobody's, or refused by width or device; ask the VMM
 */
int __must_check bus_dispatch_hint(const struct bus *bus,
				   struct bus_access *access,
				   struct bus_hint *hint);

/** The same without a guess. */
static inline int __must_check bus_dispatch(const struct bus *bus,
					    struct bus_access *access)
{
	struct bus_hint none = { 0, 0 };

	return bus_dispatch_hint(bus, access, &none);
}

/**
 * The same for an access that is an exit of its own: with a read section
 * around it.  Step 5.4.
 * @param reader the caller's, outside of any section
 */
int __must_check bus_dispatch_alone(const struct bus *bus,
				    struct srcu_reader *reader,
				    struct bus_access *access);

/**
 * Whose doorbell of any length is at exactly this address?  For a store whose
 * length and value are not known yet: whoever learns that it is a store, and no
 * load, calls ring() and is done.  The caller is in a read section of the bus'
 * domain, and stays in it until it has rung.  Step 5.6.
 *
 * @param bus     the bus
 * @param address of the store
 * @return the doorbell; NULL: none, offer the access to bus_dispatch()
 */
const struct bus_doorbell *__must_check
bus_find_doorbell(const struct bus *bus, bus_addr_t address);

/**
 * Whether nothing is on the bus: spares an exit its read section.  What was
 * seen before binds this look as it does bus_dispatch().
 */
static inline bool bus_is_empty(const struct bus *bus)
{
	smp_rmb();
	return !READ_ONCE(bus->table);
}

/**
 * Between two instructions that are emulated in one read section (spec 9):
 * what the first has seen binds the accesses of the second.  Step 5.7.
 */
void bus_next_instruction(const struct bus *bus);

#endif
