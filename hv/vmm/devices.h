/** @file
 * The devices of a test's VM, where hypercall.h says that they are.
 *
 * Six of memory and two of ports.  Those of the VMM answer exits; the two in
 * the core hang on the core's bus, so that their accesses cause none.
 */
#ifndef HV_VMM_DEVICES_H
#define HV_VMM_DEVICES_H

#include "hv/vmm/device.h"

#define DEVICES_FIFO_SIZE 64
#define DEVICES_PORTS 8

/** A device with storage behind it. */
struct devices_scratch {
	struct device device;
	u8 bytes[4096];
	u8 beyond[8]; /* so that 8 bytes can be read at any offset */
};

/** A queue: a load takes what was filled in first. */
struct devices_fifo {
	struct device device;
	u64 value[DEVICES_FIFO_SIZE];
	unsigned int head; /* the next to be taken; values up to LEFT follow */
};

/** All of them; one per test's VM. */
struct devices {
	struct devices_fifo fifo;
	struct device counter;
	struct devices_scratch scratch;
	struct device pattern;
	struct devices_scratch core_scratch;
	struct device core_pattern;
	struct device port_sink;
	struct devices_scratch port_scratch; /* DEVICES_PORTS ports of it */
};

/** All devices as they are when a test begins. */
void devices_init(struct devices *all);

/**
 * Find the VMM's device for an access to guest-physical memory.
 * @return the device in which [address, address + len) lies whole, or NULL
 */
struct device *devices_find(struct devices *all, gpa_t address,
			    unsigned int len);

/** The same for ports. */
struct device *devices_find_port(struct devices *all, u16 port,
				 unsigned int len);

/** Any device, in the core or outside, by its first address; or NULL. */
struct device *devices_by_base(struct devices *all, u64 base);

/** Set counts and contents of one device back to how they began. */
void devices_reset(struct devices *all, struct device *device);

/** What these kinds do; also for devices that a test makes (made_device.c). */
void devices_fifo_access(struct device *device, struct bus_access *a);
void devices_scratch_access(struct device *device, struct bus_access *a);
void devices_pattern_access(struct device *device, struct bus_access *a);

/** One more value at the queue's end; a full queue drops it. */
void devices_fifo_fill(struct device *device, u64 value);

/** All bytes become the value's lowest one. */
void devices_scratch_fill(struct device *device, u64 value);

#endif
