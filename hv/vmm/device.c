/** @file
 * What all devices have in common: an access is counted.
 *
 * Those in the core are asked by several vCPUs at once, with no lock around.
 * So the two counts are added to atomically, or a test of two vCPUs would miss
 * some; "the last value" is just stored, since no test asks for it while two
 * are at it.
 */
#include "hv/vmm/device.h"

int device_access(void *opaque, struct bus_access *a)
{
	struct device *device = opaque;

	device->access(device, a);
	a->value = device_mask(a->value, a->length);
	__atomic_fetch_add(
		&device->count[a->is_write ? DEVICE_WRITES : DEVICE_READS], 1,
		__ATOMIC_RELAXED);
	device->count[DEVICE_LAST_VALUE] = a->value;
	device->count[DEVICE_LAST_LENGTH] = a->length;
	device->count[DEVICE_LAST_OFFSET] = a->offset;
	return 0;
}
