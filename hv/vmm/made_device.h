/** @file
 * Devices that a test makes while it runs (hypercall_device.h).
 *
 * They are the same devices as those that every VM has, and besides each one
 * keeps a log of what it was asked.  A device in the core hangs on the core's
 * bus; one outside is found by made_device_find() at an exit.
 */
#ifndef HV_VMM_MADE_DEVICE_H
#define HV_VMM_MADE_DEVICE_H

#include "hv/vmm/devices.h"

#define MADE_DEVICE_LOG 64

/** One of them; its first member is the device, whatever kind it is. */
struct made_device {
	/* Fixed once it is made. */
	union {
		struct device device;
		struct devices_fifo fifo;	/* FIFO, STREAM */
		struct devices_scratch scratch; /* MIRROR, LATCH */
	};
	struct bus_device bus; /* as the core's bus sees it */
	u8 kind;	       /* enum device_kind */
	u8 side;	       /* enum device_side */
	u8 widths;	       /* mask of enum bus_width */
	/* What its kind does; device.access logs and calls it. */
	void (*access)(struct device *device, struct bus_access *a);
	struct made_devices *all;

	/* Written at each access. */
	u64 logged; /* accesses; the first MADE_DEVICE_LOG are in log[] */
	struct hypercall_access log[MADE_DEVICE_LOG];
};

/** All of a test. */
struct made_devices {
	unsigned int count;
	u64 order; /* accesses so far, of all of them */
	struct made_device device[DEVICES_MADE_MAX];
};

/**
 * Make one.  It is not on any bus yet: for a device in the core, its member
 * bus is what to register; until then the caller may take it back by lowering
 * all->count again.
 * @param all zeroed at first
 * @param plan from the guest, anything
 * @param out the device
 * @return 0; -EINVAL; -ENOSPC; -EEXIST: overlaps one of the same side
 */
int made_device_make(struct made_devices *all,
		     const struct hypercall_device *plan,
		     struct made_device **out) __must_check;

/** @return the device outside in which the access lies whole, or NULL */
struct device *made_device_find(struct made_devices *all, gpa_t address,
				unsigned int len);

/** The name that a guest knows a device by; not a GPA and not a port. */
u64 made_device_name(const struct made_devices *all,
		     const struct made_device *device);

/** @return the device of that name, or NULL */
struct made_device *made_device_named(struct made_devices *all, u64 name);

/** Counts, contents and log as they were when it was made. */
void made_device_reset(struct made_device *device);

#endif
