/** @file
 * What the command line's devices do.
 *
 * All are one struct and one access function, since what they keep is a few
 * bytes and what they differ in is a line or two.  They take every width: tests
 * of a hypervisor are about odd accesses, and a device that refused them would
 * send them to the VMM instead of showing what arrived.
 *
 * The lock is held while zap and exit call back.  Dropping a page may have to
 * wait for other CPUs, so interrupts must stay on meanwhile: the lock is a
 * stoppable one (hv/lib/spinlock.h).
 */
#include "hv/platform/dev.h"
#include "hv/lib/printf.h"

/**
 * Little-endian bytes, as memory has them.  The bus has seen to it that the
 * access lies whole inside the device.
 */
static void access_mirror(struct dev *dev, struct bus_access *access)
{
	u8 *place = dev->bytes + access->offset;

	if (access->is_write) {
		memcpy(place, &access->value, access->length);
	} else {
		access->value = 0;
		memcpy(&access->value, place, access->length);
	}
}

/**
 * Ports are bytes: an access of two at offset 1 means bytes 1 and 2 of the
 * register.  The mask is built by a right shift of all ones, since a left shift
 * by 64 would be undefined.
 */
static void access_latch(struct dev *dev, struct bus_access *access)
{
	unsigned int shift = 8 * (unsigned int)access->offset;
	u64 mask = ~0ull >> (64 - 8 * access->length) << shift;

	if (access->is_write) {
		dev->value = (dev->value & ~mask) |
			     (access->value << shift & mask);
	} else {
		access->value = (dev->value & mask) >> shift;
	}
}

/**
 * A device with a side effect of *reading*: how many times the hypervisor has
 * carried an access out can be seen from the guest.  An emulator that reads
 * twice, or restarts an instruction behind its access, loses a value.  When the
 * queue is full a write is dropped.
 */
static void access_fifo(struct dev *dev, struct bus_access *access)
{
	u64 mask = ~0ull >> (64 - 8 * access->length);

	if (!access->is_write) {
		access->value = 0;
		if (dev->count) {
			access->value = dev->fifo[dev->head] & mask;
			dev->head = (dev->head + 1) % DEV_FIFO_SIZE;
			dev->count--;
		}
	} else if (dev->count < DEV_FIFO_SIZE) {
		dev->fifo[(dev->head + dev->count++) % DEV_FIFO_SIZE] =
			access->value & mask;
	}
}

/**
 * What a read gives is the count before it, in the line as in the register.
 */
static void access_log(struct dev *dev, struct bus_access *access)
{
	u64 mask = ~0ull >> (64 - 8 * access->length);
	unsigned long long address = dev->spec.base + access->offset;
	unsigned long long value;
	char line[DEV_LINE];

	if (!access->is_write) {
		access->value = dev->accesses & mask;
	}
	dev->accesses++;
	value = access->value & mask;
	snprintf(line, sizeof(line), "log: %s %u bytes at 0x%llx: 0x%llx",
		 access->is_write ? "write" : "read", access->length, address,
		 value);
	dev->host->log(dev->host->data, line);
}

/**
 * Those that only take what is written.  Each leads out of the device, with its
 * lock held: to the lines, to the machine's end, or to the guest's mappings.
 */
static void take(struct dev *dev, const struct bus_access *access)
{
	const struct dev_host *host = dev->host;

	if (dev->spec.kind == DEV_IRQ) {
		irq_lines_set(host->lines, (unsigned int)access->offset,
			      access->value & 0xff);
	} else if (dev->spec.kind == DEV_EXIT) {
		host->end(host->data, (u32)access->value);
	} else if (access->length == 4 && access->offset == 0) {
		host->zap(host->data, gpa_page(gpa((u32)access->value)));
	}
}

/*
 * One lock for each device: two of them can be accessed at once, and of two
 * accesses to the same one the second sees all of the first.
 */
int dev_access(void *opaque, struct bus_access *access)
{
	struct dev *dev = opaque;

	spinlock_lock(&dev->lock);
	switch (dev->spec.kind) {
	case DEV_MIRROR:
		access_mirror(dev, access);
		break;
	case DEV_LATCH:
		access_latch(dev, access);
		break;
	case DEV_FIFO:
		access_fifo(dev, access);
		break;
	case DEV_LOG:
		access_log(dev, access);
		break;
	case DEV_ZAP:
	case DEV_IRQ:
	case DEV_EXIT:
	case DEV_KINDS:
		if (access->is_write) {
			take(dev, access);
		} else {
			access->value = 0;
		}
		break;
	}
	spinlock_unlock(&dev->lock);
	return 0;
}

void dev_make(struct dev *dev, const struct dev_spec *spec, u8 *bytes,
	      const struct dev_host *host)
{
	*dev = (struct dev){
		/* Dropping a page may wait for other CPUs. */
		.lock = { .stoppable = true },
		.bytes = bytes,
		.spec = *spec,
		.host = host,
		.bus = { .name = "of DEV=",
			 .base = bus_addr(spec->base),
			 .length = spec->length,
			 .widths = spec->kind == DEV_IRQ ? BUS_WIDTH_1
							 : BUS_WIDTH_ANY,
			 .opaque = dev,
			 .access = dev_access },
	};
}
