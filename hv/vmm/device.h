/** @file
 * A device: a struct and a function that is called for each access.
 *
 * Devices here do little and count everything: their counts are the witness,
 * outside of the guest, of what the hypervisor really did to them.  A device
 * neither knows the time nor who asks; the same device works behind an exit to
 * the VMM and on the bus in the core, and so it speaks of an access as the bus
 * does (struct bus_access): its offset, length, direction and value.
 */
#ifndef HV_VMM_DEVICE_H
#define HV_VMM_DEVICE_H

#include "bus/bus.h"
#include "bus/types.h"
#include "hv/vmm/hypercall.h"

struct device {
	/* Fixed. */
	u64 base;   /* guest-physical address, or port */
	u64 length; /* bytes */
	void (*access)(struct device *device, struct bus_access *a);
	void (*fill)(struct device *device, u64 value); /* NULL: nothing to */

	/* Written by device_access(). */
	u64 count[DEVICE_COUNT_COUNT]; /* by enum device_count */
};

/**
 * Do one access and count it; fits struct bus_device.
 * @param device a struct device, inside of which the access lies whole
 * @param a what is asked; bytes of value beyond its length may hold anything,
 *	and are 0 afterwards
 * @return 0
 */
int device_access(void *device, struct bus_access *a);

/** The low len bytes of a value. @param len 1 to 8 */
static inline u64 device_mask(u64 value, unsigned int len)
{
	return value & (~0ull >> (64 - 8 * len));
}

/** @return whether an access of len bytes at address lies whole inside */
static inline bool device_contains(const struct device *device, u64 address,
				   unsigned int len)
{
	u64 offset = address - device->base;

	return offset < device->length && len <= device->length - offset;
}

#endif
