/** @file
 * Making devices, and what they do.
 *
 *	access --> logged_access() --> the log, the widths
 *	                           --> fifo, stream, latch, mirror, pattern
 *
 * FIFO, mirror and pattern are those of devices.c.  A stream is a FIFO for
 * those who pop thousands of times.  A latch is the register that every driver
 * writer knows: reading it changes it, so whoever reads it twice gets the
 * wrong value, now or the next time.
 *
 * The devices of devices.c are there for every test, at fixed addresses and
 * with any width. A test about widths, about ranges that touch, or about the
 * order of accesses to two devices makes its own. It may put one on the core's
 * bus (DEVICE_IN_CORE) or outside, where the VMM answers (DEVICE_OUTSIDE).
 *
 * A made device keeps a log: offset, value, length, direction and a number that
 * all devices of the test count up together. So "which of the two was touched
 * first" has an answer.
 */
#include "hv/vmm/made_device.h"

#include "bus/errno.h"

/**
 * Names begin here: above every GPA and port. A hypercall that takes a device's
 * address takes a name in the same argument; no bit says which. Ports and
 * addresses end far below.
 */
#define NAME_FIRST BIT(62)

static struct made_device *made_of(struct device *device)
{
	return container_of(device, struct made_device, device);
}

/**
 * Value n of the stream is a function of n, so nothing is stored however often
 * it is read, and the guest can compute what it should have got.
 */
static void stream_access(struct device *device, struct bus_access *a)
{
	if (!a->is_write) {
		a->value = hypercall_stream(made_of(device)->fifo.head++);
	}
}

/**
 * One more in each byte, without carry from one to the next. A carry would make
 * a byte's value depend on its neighbours, and so on how wide the access was.
 * Seven bits of each byte are added to, with the highest one kept out of the
 * sum, and that one is put back by XOR.
 */
static u64 step_bytes(u64 value)
{
	u64 low = 0x7f7f7f7f7f7f7f7full;

	return ((value & low) + 0x0101010101010101ull) ^ (value & ~low);
}

/**
 * A read of any width steps all of its bytes: reading one byte twice and two
 * bytes once leave different values behind. A store changes only the bytes of
 * its length.
 */
static void latch_access(struct device *device, struct bus_access *a)
{
	u64 *value = (u64 *)made_of(device)->scratch.bytes;

	if (a->is_write) {
		*value ^= device_mask(*value ^ a->value, a->length);
	} else {
		a->value = *value;
		*value = step_bytes(*value);
	}
}

static void latch_fill(struct device *device, u64 value)
{
	memcpy(made_of(device)->scratch.bytes, &value, sizeof(value));
}

/** What a kind does. */
struct kind {
	void (*access)(struct device *device, struct bus_access *a);
	void (*fill)(struct device *device, u64 value);
};

static const struct kind kinds[DEVICE_KIND_COUNT] = {
	[DEVICE_FIFO] = { devices_fifo_access, devices_fifo_fill },
	[DEVICE_STREAM] = { stream_access, NULL },
	[DEVICE_LATCH] = { latch_access, latch_fill },
	[DEVICE_MIRROR] = { devices_scratch_access, devices_scratch_fill },
	[DEVICE_PATTERN] = { devices_pattern_access, NULL },
};

/**
 * Lengths of 3, 5, 6 and 7, which occur outside, are widths of "any" only. The
 * widths are a mask in which bit value and width are the same number: 1, 2, 4,
 * 8. A length that is no power of two has more than one bit and must not match
 * by accident.
 */
static bool takes(const struct made_device *made, u32 length)
{
	bool is_width = (length & (length - 1)) == 0;

	return made->widths == BUS_WIDTH_ANY ||
	       (is_width && (made->widths & length));
}

/**
 * The log has an end but the count goes on, so a test sees that it has missed
 * some. `order` is shared by all of the test's devices.
 */
static void record(struct made_device *made, const struct bus_access *a)
{
	if (made->logged < MADE_DEVICE_LOG) {
		made->log[made->logged] = (struct hypercall_access){
			.offset = a->offset,
			.value = device_mask(a->value, a->length),
			.length = a->length,
			.is_write = a->is_write,
			.order = made->all->order,
		};
	}
	made->logged++;
	made->all->order++;
}

/**
 * The bus of the core refuses widths by itself; devices outside have nobody
 * before them, so it is done here for both. A refused read gives all ones, as
 * an address where nobody is does.
 */
static void logged_access(struct device *device, struct bus_access *a)
{
	struct made_device *made = made_of(device);

	if (takes(made, a->length)) {
		made->access(device, a);
		record(made, a);
		return;
	}
	device->count[DEVICE_REFUSED]++;
	if (!a->is_write) {
		a->value = ~0ull;
	}
}

/**
 * `last` may wrap, which the comparison with gpa finds. A length of 0 would
 * make it gpa - 1, but that is asked for as well.
 */
static bool is_valid(const struct hypercall_device *plan)
{
	u64 last = plan->gpa + plan->length - 1;

	return plan->kind < DEVICE_KIND_COUNT &&
	       plan->side < DEVICE_SIDE_COUNT && plan->length &&
	       plan->length <= DEVICE_LENGTH_MAX && last >= plan->gpa &&
	       last < NAME_FIRST && plan->widths <= BUS_WIDTH_ANY;
}

/** Do two ranges have an address in common? */
static bool overlap(const struct device *device,
		    const struct hypercall_device *plan)
{
	return device->base < plan->gpa + plan->length &&
	       plan->gpa < device->base + device->length;
}

/**
 * Two devices may share an address if one is in the core and one outside: the
 * core's is then asked first, which is a rule that a test may be about. The
 * fixed ones lie side by side, so one range covers them all.
 */
static bool is_taken(const struct made_devices *all,
		     const struct hypercall_device *plan)
{
	bool fixed = plan->gpa < DEVICE_NOBODY_GPA &&
		     plan->gpa + plan->length > DEVICE_FIFO_GPA;
	unsigned int i;

	for (i = 0; i < all->count; i++) {
		if (all->device[i].side == plan->side &&
		    overlap(&all->device[i].device, plan)) {
			return true;
		}
	}
	return fixed && plan->side == DEVICE_OUTSIDE;
}

/**
 * The entry is filled completely before `count` makes it visible. For a device
 * in the core the bus gets a pointer into this array, so entries never move.
 */
int made_device_make(struct made_devices *all,
		     const struct hypercall_device *plan,
		     struct made_device **out)
{
	struct made_device *made = &all->device[all->count];

	if (!is_valid(plan)) {
		return -EINVAL;
	}
	if (all->count == DEVICES_MADE_MAX) {
		return -ENOSPC;
	}
	if (is_taken(all, plan)) {
		return -EEXIST;
	}
	memset(made, 0, sizeof(*made));
	made->device.base = plan->gpa;
	made->device.length = plan->length;
	made->device.access = logged_access;
	made->device.fill = kinds[plan->kind].fill;
	made->access = kinds[plan->kind].access;
	made->kind = plan->kind;
	made->side = plan->side;
	made->widths = plan->widths ? plan->widths : BUS_WIDTH_ANY;
	made->all = all;
	made->bus = (struct bus_device){
		.name = "made by the test",
		.base = bus_addr(plan->gpa),
		.length = plan->length,
		.widths = made->widths,
		.opaque = &made->device,
		.access = device_access,
	};
	all->count++;
	*out = made;
	return 0;
}

struct device *made_device_find(struct made_devices *all, gpa_t address,
				unsigned int len)
{
	for (unsigned int i = 0; i < all->count; i++) {
		struct made_device *made = &all->device[i];

		if (made->side == DEVICE_OUTSIDE &&
		    device_contains(&made->device, address.v, len)) {
			return &made->device;
		}
	}
	return NULL;
}

u64 made_device_name(const struct made_devices *all,
		     const struct made_device *device)
{
	return NAME_FIRST + (u64)(device - all->device);
}

/** For anything but a name the difference wraps and is out of range. */
struct made_device *made_device_named(struct made_devices *all, u64 name)
{
	u64 i = name - NAME_FIRST;

	return i < all->count ? &all->device[i] : NULL;
}

/**
 * The made device stays where it is. Its contents go back to what it began
 * with: nothing read yet, all bytes zero.
 */
void made_device_reset(struct made_device *device)
{
	memset(device->device.count, 0, sizeof(device->device.count));
	memset(device->log, 0, sizeof(device->log));
	device->logged = 0;
	if (device->kind == DEVICE_FIFO || device->kind == DEVICE_STREAM) {
		device->fifo.head = 0;
	} else if (device->device.fill) {
		device->device.fill(&device->device, 0);
	}
}
