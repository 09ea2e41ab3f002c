/** @file
 * The devices that answer a test's guest.
 *
 *	FIFO     a load takes a value: read it twice and one is lost
 *	counter  a load gives how many there have been: each is different
 *	scratch  storage: what was written comes back
 *	pattern  a load's bytes follow from its address: a value that was
 *	         fetched from the wrong place, or with the wrong length, shows
 *
 * Values are little-endian, as the processor's.
 *
 * Each kind shows one mistake. A load that is done twice empties the FIFO or
 * moves the counter on; a store with a wrong length shows in the scratch's
 * neighbours; a load from the wrong place shows in the pattern. Six lie in
 * memory, four of them answered by the VMM and two in the core; two more are
 * ports.
 */
#include "hv/vmm/devices.h"

/**
 * A ring of values: `head` is the next one to give, DEVICE_LEFT how many there
 * are. An empty one gives 0, and a store is counted and otherwise ignored.
 */
void devices_fifo_access(struct device *device, struct bus_access *a)
{
	struct devices_fifo *fifo =
		container_of(device, struct devices_fifo, device);

	if (a->is_write) {
		return;
	}
	a->value = 0;
	if (device->count[DEVICE_LEFT]) {
		a->value = fifo->value[fifo->head];
		fifo->head = (fifo->head + 1) % DEVICES_FIFO_SIZE;
		device->count[DEVICE_LEFT]--;
	}
}

/**
 * A full FIFO drops the value: a test that fills too much finds DEVICE_LEFT too
 * small.
 */
void devices_fifo_fill(struct device *device, u64 value)
{
	struct devices_fifo *fifo =
		container_of(device, struct devices_fifo, device);
	u64 left = device->count[DEVICE_LEFT];

	if (left < DEVICES_FIFO_SIZE) {
		fifo->value[(fifo->head + left) % DEVICES_FIFO_SIZE] = value;
		device->count[DEVICE_LEFT]++;
	}
}

/** device_access() counts after this, so the first load gives 1. */
static void counter_access(struct device *device, struct bus_access *a)
{
	if (!a->is_write) {
		a->value = device->count[DEVICE_READS] + 1;
	}
}

/**
 * So many bytes and no others: another vCPU may store to the neighbours. The
 * builtins become one instruction each. A loop over bytes could be seen half
 * done by another vCPU, which no device would show it.
 */
static void store(u8 *place, u64 value, unsigned int len)
{
	switch (len) {
	case 8:
		__builtin_memcpy(place, &value, 8);
		return;
	case 4:
		__builtin_memcpy(place, &value, 4);
		return;
	default:
		memcpy(place, &value, len);
	}
}

/**
 * The load takes more than it was asked for; device_access() cuts the value off
 * to the length.
 */
void devices_scratch_access(struct device *device, struct bus_access *a)
{
	struct devices_scratch *scratch =
		container_of(device, struct devices_scratch, device);
	u8 *place = scratch->bytes + a->offset;

	if (a->is_write) {
		store(place, a->value, a->length);
	} else {
		/* Eight bytes are always there. */
		__builtin_memcpy(&a->value, place, 8);
	}
}

void devices_scratch_fill(struct device *device, u64 value)
{
	struct devices_scratch *scratch =
		container_of(device, struct devices_scratch, device);

	memset(scratch->bytes, (int)(value & 0xff), sizeof(scratch->bytes));
}

/**
 * From the last byte to the first, as the lowest address is the lowest byte of
 * the value. It is made from the whole address, so no two near places look
 * alike.
 */
void devices_pattern_access(struct device *device, struct bus_access *a)
{
	u64 address = device->base + a->offset + a->length;

	if (a->is_write) {
		return;
	}
	for (unsigned int i = 0; i < a->length; i++) {
		a->value = a->value << 8 | hypercall_pattern(--address);
	}
}

/** Port 0x80 is what PCs use for a short delay: stores vanish. */
static void sink_access(struct device *device, struct bus_access *a)
{
	(void)device;
	if (!a->is_write) {
		a->value = ~0ull;
	}
}

static struct device make(u64 base, u64 length,
			  void (*access)(struct device *,
					 struct bus_access *))
{
	return (struct device){
		.base = base, .length = length, .access = access
	};
}

void devices_init(struct devices *all)
{
	u64 page = PAGE_SIZE;

	memset(all, 0, sizeof(*all));
	all->fifo.device = make(DEVICE_FIFO_GPA, page, devices_fifo_access);
	all->fifo.device.fill = devices_fifo_fill;
	all->counter = make(DEVICE_COUNTER_GPA, page, counter_access);
	all->scratch.device =
		make(DEVICE_SCRATCH_GPA, page, devices_scratch_access);
	all->scratch.device.fill = devices_scratch_fill;
	all->pattern = make(DEVICE_PATTERN_GPA, page, devices_pattern_access);
	all->core_scratch.device =
		make(DEVICE_CORE_SCRATCH_GPA, page, devices_scratch_access);
	all->core_scratch.device.fill = devices_scratch_fill;
	all->core_pattern =
		make(DEVICE_CORE_PATTERN_GPA, page, devices_pattern_access);
	all->port_sink = make(DEVICE_PORT_SINK, 1, sink_access);
	all->port_scratch.device =
		make(DEVICE_PORT_SCRATCH, DEVICES_PORTS,
		     devices_scratch_access);
	all->port_scratch.device.fill = devices_scratch_fill;
}

/**
 * By division and not by a search: this is on the way of each exit that the
 * bench measures. An address below the first device wraps to a huge number and
 * falls to the default. An access that reaches beyond its device is nobody's.
 */
struct device *devices_find(struct devices *all, gpa_t address,
			    unsigned int len)
{
	/* One page each, in this order from DEVICE_FIFO_GPA on. */
	struct device *device;

	switch ((address.v - DEVICE_FIFO_GPA) >> PAGE_SHIFT) {
	case 0:
		device = &all->fifo.device;
		break;
	case 1:
		device = &all->counter;
		break;
	case 2:
		device = &all->scratch.device;
		break;
	case 3:
		device = &all->pattern;
		break;
	default:
		return NULL;
	}
	return device_contains(device, address.v, len) ? device : NULL;
}

/** The sink is one port, and an access to it of any width is its own. */
struct device *devices_find_port(struct devices *all, u16 port,
				 unsigned int len)
{
	if (device_contains(&all->port_sink, port, 1)) {
		return &all->port_sink;
	}
	return device_contains(&all->port_scratch.device, port, len)
		       ? &all->port_scratch.device
		       : NULL;
}

struct device *devices_by_base(struct devices *all, u64 base)
{
	struct device *list[] = {
		&all->fifo.device,	  &all->counter,
		&all->scratch.device,	  &all->pattern,
		&all->core_scratch.device, &all->core_pattern,
		&all->port_sink,	  &all->port_scratch.device,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++) {
		if (list[i]->base == base) {
			return list[i];
		}
	}
	return NULL;
}

/**
 * A FIFO is empty when its counts are 0; the scratches are filled with zeroes.
 */
void devices_reset(struct devices *all, struct device *device)
{
	memset(device->count, 0, sizeof(device->count));
	if (device == &all->fifo.device) {
		all->fifo.head = 0;
	} else if (device->fill) {
		device->fill(device, 0);
	}
}
