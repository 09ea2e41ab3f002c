/** @file
 * Devices by number on the core's buses (hypercall_bus.h).
 *
 * They are touched from inside the core, by several vCPUs at once and without
 * the bed's lock; what they count is therefore exact only for one vCPU at a
 * time.
 */
#ifndef HV_VMM_BUS_DEVICES_H
#define HV_VMM_BUS_DEVICES_H

#include "bus/bus.h"
#include "hv/vcpu/vm.h"
#include "hv/vmm/hypercall.h"

/** One of them. */
struct bus_devices_one {
	/* Fixed while it is registered. */
	struct bus_device device;
	struct bus_doorbell doorbell; /* what it is with BUS_RINGS */
	struct bus_devices *all;
	struct bus *bus; /* that it is on; NULL: on none */
	u32 number;
	u32 behaviour; /* enum hypercall_bus_behaviour */

	/* Written at each access. */
	u64 accesses;
	u64 offset;
	u64 value;
	u32 size;
	bool is_write;
};

/** All of a test, and who waits for whom. */
struct bus_devices {
	struct vm *vm;

	/* Written by the CPU that is parked. */
	u32 parked;
	u32 gave_up;
	/* Written by the CPU that lets it go. */
	u32 released;
	u32 removing; /* bus_unregister() has been called */
	u32 removed;  /* ... and has come back */

	struct bus_devices_one one[BUS_NUMBERS];
};

/** Make them, on no bus. @return NULL: there is no memory */
struct bus_devices *bus_devices_make(struct vm *vm) __must_check;

/**
 * Put a device, or a doorbell, on a bus.
 * @param plan from the guest; its number, bus and behaviour are in range
 * @return as bus_register() and bus_register_doorbell(); -EBUSY: that number
 *	is on a bus
 */
int bus_devices_add(struct bus_devices *all,
		    const struct hypercall_bus *plan) __must_check;

/**
 * Take it off again.
 * @param number of any device; one that was never added is unknown to the bus
 * @param inside it has come back although a vCPU was inside of the device
 * @return as bus_unregister()
 */
int bus_devices_remove(struct bus_devices *all, u32 number,
		       u32 *inside) __must_check;

/**
 * Destroy the buses of another VM, right after devices were put on one of
 * them while somebody read it.
 * @param count how many devices
 * @param left pages that the buses have not given back
 * @return 0, or why that VM could not be made
 */
int bus_devices_end(struct bus_devices *all, u32 count,
		    u64 *left) __must_check;

#endif
