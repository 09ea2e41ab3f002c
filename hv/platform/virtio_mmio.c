/** @file
 * Registers, features, status.
 *
 * A driver goes through them in one order (virtio 1.1, 3.1.1): reset,
 * ACKNOWLEDGE, DRIVER, features, FEATURES_OK, queues, DRIVER_OK.  A guest need
 * not: so nothing is served before DRIVER_OK, features are fixed by
 * FEATURES_OK, and a queue's addresses by its ready bit, after which they may
 * be used without another look.
 *
 * What cannot be mended, a ring that leads nowhere, sets DEVICE_NEEDS_RESET:
 * the device then stands still and says so, rather than guess.
 *
 * The status register is the state machine, in the order in which a driver sets
 * its bits; each step opens what the next one needs:
 *
 *	0		reset: nothing is known
 *	ACKNOWLEDGE (1)	a driver has seen the device
 *	DRIVER (2)	and knows what it is; it may accept features now
 *	FEATURES_OK (8)	features are fixed; the device may refuse them by not
 *			keeping this bit, so the driver reads it back
 *	DRIVER_OK (4)	queues are served
 *	NEEDS_RESET (64) set by us: nothing is served until 0 is written
 *
 * Addresses and features are 64 bits, registers 32: each is written in two
 * halves, either in two registers or behind a selector.
 *
 * The lock is held from the first look at a register to the end of what a
 * notification has started, the copying of a disk's sectors included.  So a
 * queue cannot be taken away while it is served.
 */
#include "hv/platform/virtio_mmio.h"

#define MAGIC 0x74726976 /* "virt" */
#define VERSION 2
#define VENDOR 0x39345845 /* "EX49" */

enum virtio_register {
	MAGIC_VALUE = 0x000,
	VERSION_NUMBER = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = VIRTIO_MMIO_NOTIFY,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC_LOW = 0x080,
	QUEUE_DESC_HIGH = 0x084,
	QUEUE_DRIVER_LOW = 0x090,
	QUEUE_DRIVER_HIGH = 0x094,
	QUEUE_DEVICE_LOW = 0x0a0,
	QUEUE_DEVICE_HIGH = 0x0a4,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};

#define STATUS_FEATURES_OK BIT(3)
#define STATUS_DRIVER_OK BIT(2)
#define STATUS_NEEDS_RESET BIT(6)
#define INTERRUPT_USED BIT(0)
#define INTERRUPT_CONFIG BIT(1)

/**
 * A level: high as long as InterruptStatus has a bit.  The driver looks there
 * why, serves it, and clears the bit through InterruptACK.
 */
static void set_line(struct virtio_mmio *virtio)
{
	irq_line_set(&virtio->line, virtio->interrupts);
}

/** The queue in question, or NULL: there is none of that number. */
static struct virtqueue *selected(struct virtio_mmio *virtio)
{
	return virtio->queue_select < virtio->kind->nqueues
		       ? &virtio->queue[virtio->queue_select]
		       : NULL;
}

/**
 * Something is wrong that only a reset can mend (2.1.2).  The driver is told by
 * a "configuration change", but only one that has got as far as DRIVER_OK: the
 * other has no interrupt handler yet and sees the bit in the status.
 */
static void need_reset(struct virtio_mmio *virtio)
{
	virtio->status |= STATUS_NEEDS_RESET;
	if (virtio->status & STATUS_DRIVER_OK) {
		virtio->interrupts |= INTERRUPT_CONFIG;
	}
	set_line(virtio);
}

unsigned int virtio_mmio_most(const struct virtio_mmio *virtio,
			      unsigned int queue)
{
	return virtio->queue[queue].size;
}

/*
 * The only way for a kind to get at a chain, so that here is the one place
 * where the state is checked.  A notification that comes too early is not kept:
 * a driver that is set up properly notifies after DRIVER_OK.
 */
bool virtio_mmio_take(struct virtio_mmio *virtio, unsigned int queue)
{
	int result;

	if (!(virtio->status & STATUS_DRIVER_OK) ||
	    (virtio->status & STATUS_NEEDS_RESET)) {
		return false;
	}
	result = virtqueue_take(&virtio->queue[queue], &virtio->memory,
				&virtio->chain);
	if (result < 0) {
		need_reset(virtio);
	}
	return result > 0;
}

/*
 * The used ring first, then InterruptStatus, then the line: when the guest's
 * handler runs it finds what it was called for.
 */
void virtio_mmio_give(struct virtio_mmio *virtio, unsigned int queue)
{
	int result = virtqueue_give(&virtio->queue[queue], &virtio->memory,
				    &virtio->chain);

	if (result < 0) {
		need_reset(virtio);
	} else if (result) {
		virtio->interrupts |= INTERRUPT_USED;
		set_line(virtio);
	}
}

/** The number is the guest's: 0 to 2^32 - 1. */
static void notify(struct virtio_mmio *virtio, unsigned int queue)
{
	if (queue < virtio->kind->nqueues) {
		virtio->kind->notify(virtio, queue);
	}
}

void virtio_mmio_notify(struct virtio_mmio *virtio, unsigned int queue)
{
	spinlock_lock(&virtio->lock);
	notify(virtio, queue);
	spinlock_unlock(&virtio->lock);
}

/**
 * Back to the state of after power-up, queues and addresses included.  The
 * guest's memory is not touched from here on; that is what a driver resets for
 * before it gives the queues' pages back, or its kernel to another (kexec).
 */
static void reset(struct virtio_mmio *virtio)
{
	virtio->status = 0;
	virtio->interrupts = 0;
	virtio->accepted = 0;
	virtio->feature_select = 0;
	virtio->driver_select = 0;
	virtio->queue_select = 0;
	memset(virtio->queue, 0, sizeof(virtio->queue));
	set_line(virtio);
	if (virtio->kind->reset) {
		virtio->kind->reset(virtio);
	}
}

/**
 * Bits only come: a driver that writes fewer than there are clears none, but
 * for 0, which clears all.
 */
static void write_status(struct virtio_mmio *virtio, u32 value)
{
	u32 begins = value & ~virtio->status;

	if (!value) {
		reset(virtio);
		return;
	}
	virtio->status |= value & 0xff & ~STATUS_NEEDS_RESET;
	/* Features that we have not offered, or without version 1: refused. */
	if ((begins & STATUS_FEATURES_OK) &&
	    ((virtio->accepted & ~virtio->features) ||
	     !(virtio->accepted & VIRTIO_VERSION_1))) {
		virtio->status &= ~STATUS_FEATURES_OK;
	}
}

/**
 * Half of an address or of a set of features: the other half stays.
 */
static u64 put_half(u64 whole, u32 half, bool is_high)
{
	return is_high ? (whole & BITS(31, 0)) | (u64)half << 32
		       : (whole & BITS(63, 32)) | half;
}

/** A selector above 1 asks for features from 64 on: there are none. */
static u32 get_half(u64 whole, u32 which)
{
	return which > 1 ? 0 : (u32)(whole >> 32 * which);
}

/**
 * Registers of the selected queue; fixed once it is ready.  Otherwise one vCPU
 * could move a ring while another's notification is reading it.  A size that is
 * no power of two, or too large, is none: the queue will not become ready.
 */
static void write_queue(struct virtqueue *queue, enum virtio_register offset,
			u32 value)
{
	bool is_high = offset & 4;
	gpa_t *address = offset < QUEUE_DRIVER_LOW   ? &queue->descriptors
			 : offset < QUEUE_DEVICE_LOW ? &queue->available
						     : &queue->used;

	if (offset == QUEUE_READY) {
		/* 0 takes it back, and with it all that it knew. */
		if (value & 1) {
			virtqueue_begin(queue);
		} else {
			*queue = (struct virtqueue){ 0 };
		}
	} else if (queue->ready) {
		return;
	} else if (offset == QUEUE_NUM) {
		bool is_power = value && !(value & (value - 1));

		queue->size = is_power && value <= VIRTQUEUE_MAX ? value : 0;
	} else {
		address->v = put_half(address->v, value, is_high);
	}
}

/**
 * What the driver has not agreed on does not count: `indirect` is noted with
 * each write to a queue, after which FEATURES_OK may still come, but a queue
 * that becomes ready before the features are fixed is the driver's mistake.
 */
static void write(struct virtio_mmio *virtio, u64 offset, u32 value)
{
	struct virtqueue *queue = selected(virtio);

	switch (offset) {
	case DEVICE_FEATURES_SEL:
		virtio->feature_select = value;
		break;
	case DRIVER_FEATURES_SEL:
		virtio->driver_select = value;
		break;
	case DRIVER_FEATURES:
		if (virtio->driver_select < 2 &&
		    !(virtio->status & STATUS_FEATURES_OK)) {
			virtio->accepted = put_half(virtio->accepted, value,
						    virtio->driver_select);
		}
		break;
	case QUEUE_SEL:
		virtio->queue_select = value;
		break;
	case QUEUE_NOTIFY:
		notify(virtio, value);
		break;
	case INTERRUPT_ACK:
		virtio->interrupts &= ~value;
		set_line(virtio);
		break;
	case STATUS:
		write_status(virtio, value);
		break;
	case QUEUE_NUM:
	case QUEUE_READY:
	case QUEUE_DESC_LOW:
	case QUEUE_DESC_HIGH:
	case QUEUE_DRIVER_LOW:
	case QUEUE_DRIVER_HIGH:
	case QUEUE_DEVICE_LOW:
	case QUEUE_DEVICE_HIGH:
		if (queue) {
			queue->indirect =
				virtio->accepted & VIRTQUEUE_INDIRECT;
			write_queue(queue, (enum virtio_register)offset,
				    value);
		}
		break;
	default: /* read-only, or none */
		break;
	}
}

/**
 * QueueNumMax 0 is how a driver learns that there is no such queue.  The
 * generation of the configuration stays 0, as nothing in it ever changes.
 */
static u32 read(struct virtio_mmio *virtio, u64 offset)
{
	const struct virtqueue *queue = selected(virtio);

	switch (offset) {
	case MAGIC_VALUE:
		return MAGIC;
	case VERSION_NUMBER:
		return VERSION;
	case DEVICE_ID:
		return virtio->kind->id;
	case VENDOR_ID:
		return VENDOR;
	case DEVICE_FEATURES:
		return get_half(virtio->features, virtio->feature_select);
	case QUEUE_NUM_MAX:
		return queue ? VIRTQUEUE_MAX : 0;
	case QUEUE_READY:
		return queue && queue->ready;
	case INTERRUPT_STATUS:
		return virtio->interrupts;
	case STATUS:
		return virtio->status;
	default: /* write-only, or none; the configuration never changes */
		return 0;
	}
}

/** The device's own registers may be read in any width. */
static u64 read_config(const struct virtio_mmio *virtio,
		       const struct bus_access *access)
{
	u64 offset = access->offset - CONFIG;
	u64 value = 0;

	for (unsigned int i = 0; i < access->length; i++) {
		if (offset + i < sizeof(virtio->config)) {
			value |= (u64)virtio->config[offset + i] << 8 * i;
		}
	}
	return value;
}

/** The others are read and written whole (4.2.2.2). */
static void access_register(struct virtio_mmio *virtio,
			    struct bus_access *access)
{
	bool is_whole = access->length == 4 && access->offset % 4 == 0;

	if (!access->is_write) {
		access->value = is_whole ? read(virtio, access->offset) : 0;
	} else if (is_whole) {
		write(virtio, access->offset, (u32)access->value);
	}
}

/*
 * Below 0x100 all devices are alike, from there on it is the device's own; none
 * of ours has anything there that could be written.
 */
int virtio_mmio_access(void *opaque, struct bus_access *access)
{
	struct virtio_mmio *virtio = opaque;

	spinlock_lock(&virtio->lock);
	if (access->offset < CONFIG) {
		access_register(virtio, access);
	} else if (!access->is_write) {
		access->value = read_config(virtio, access);
	}
	spinlock_unlock(&virtio->lock);
	return 0;
}

void virtio_mmio_init(struct virtio_mmio *virtio)
{
	virtio->features |= VIRTIO_VERSION_1 | VIRTQUEUE_INDIRECT;
	reset(virtio);
}
