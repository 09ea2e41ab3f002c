/** @file
 * Devices: what they have seen, what they shall give, and new ones.
 *
 * A device keeps its own count, outside of the guest, and that is the one which
 * a test believes: an instruction that was run twice looks right from inside.
 *
 * A guest names a device by its first address, or, if it has made the device
 * itself, by the number that it was given for it.
 */
#include "hv/vmm/calls_groups.h"

/**
 * A device by its first address, or a made one by its name; or NULL. Names of
 * made devices begin above every address, so the two cannot be confused
 * (made_device.c).
 */
static struct device *find(struct bed *bed, u64 name)
{
	struct made_device *made = made_device_named(&bed->made, name);

	return made ? &made->device : devices_by_base(&bed->devices, name);
}

s64 calls_device_read(struct bed *bed, const u64 *args)
{
	const struct device *device = find(bed, args[0]);

	if (!device || args[1] >= DEVICE_COUNT_COUNT) {
		return -EINVAL;
	}
	return (s64)device->count[args[1]];
}

/**
 * For each kind it is something else: one more value in a FIFO, all bytes of a
 * scratch. A device without contents refuses it.
 */
s64 calls_device_fill(struct bed *bed, const u64 *args)
{
	struct device *device = find(bed, args[0]);

	if (!device || !device->fill) {
		return -EINVAL;
	}
	device->fill(device, args[1]);
	return 0;
}

s64 calls_device_reset(struct bed *bed, const u64 *args)
{
	struct made_device *made = made_device_named(&bed->made, args[0]);
	struct device *device = find(bed, args[0]);

	if (!device) {
		return -EINVAL;
	}
	if (made) {
		made_device_reset(made);
	} else {
		devices_reset(&bed->devices, device);
	}
	return 0;
}

/**
 * A device in the core is registered on the VM's bus, which may refuse it: no
 * memory for the new table, or a place that is taken. Then the entry is given
 * back. It was the last one, so counting down is enough.
 */
s64 calls_device_make(struct bed *bed, const u64 *args)
{
	const struct hypercall_device *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_device plan;
	struct made_device *made;
	int error;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&plan, from, sizeof(plan));
	error = made_device_make(&bed->made, &plan, &made);
	if (!error && plan.side == DEVICE_IN_CORE) {
		error = vm_register_device(bed->vm, &bed->vm->mmio_bus,
					   &made->bus);
		bed->made.count -= error != 0;
	}
	return error ? error : (s64)made_device_name(&bed->made, made);
}

/**
 * `made` may be NULL where the size is taken; sizeof does not follow the
 * pointer.
 */
s64 calls_device_log(struct bed *bed, const u64 *args)
{
	const struct made_device *made =
		made_device_named(&bed->made, args[0]);
	void *to = bed_memory(bed, args[1], sizeof(made->log[0]));

	if (!made) {
		return -EINVAL;
	}
	if (!to) {
		return -EFAULT;
	}
	if (args[2] >= made->logged || args[2] >= MADE_DEVICE_LOG) {
		return -ENOENT;
	}
	memcpy(to, &made->log[args[2]], sizeof(made->log[0]));
	return 0;
}

/**
 * The bytes of a mirror and those of the guest, or -errno. A mirror is storage
 * that the guest and its device are compared by: a test fills both, runs the
 * same instructions on memory and on the device, and compares. Only that kind
 * has bytes to put and get as a block.
 */
static int find_bytes(struct bed *bed, const u64 *args, u8 **device,
		      void **guest)
{
	struct made_device *made = made_device_named(&bed->made, args[0]);

	*guest = bed_memory(bed, args[1], args[2]);
	if (!*guest) {
		return -EFAULT;
	}
	if (!made || made->kind != DEVICE_MIRROR ||
	    args[2] > made->device.length) {
		return -EINVAL;
	}
	*device = made->scratch.bytes;
	return 0;
}

s64 calls_device_put(struct bed *bed, const u64 *args)
{
	u8 *device;
	void *guest;
	int error = find_bytes(bed, args, &device, &guest);

	if (!error) {
		memcpy(device, guest, args[2]);
	}
	return error;
}

s64 calls_device_get(struct bed *bed, const u64 *args)
{
	u8 *device;
	void *guest;
	int error = find_bytes(bed, args, &device, &guest);

	if (!error) {
		memcpy(guest, device, args[2]);
	}
	return error;
}
