/** @file
 * What all devices have in common: an access is counted.
 */
#include "hv/vmm/device.h"

void device_access(struct device *device, struct device_access *a)
{
	a->value = device_mask(a->value, a->len);
	device->access(device, a);
	a->value = device_mask(a->value, a->len);
	device->count[a->is_write ? DEVICE_WRITES : DEVICE_READS]++;
	device->count[DEVICE_LAST_VALUE] = a->value;
	device->count[DEVICE_LAST_LENGTH] = a->len;
	device->count[DEVICE_LAST_OFFSET] = a->offset;
}
