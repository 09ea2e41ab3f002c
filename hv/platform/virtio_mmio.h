/** @file
 * The registers of a virtio device that is reached by memory.
 *
 * Every such device looks the same: a page of registers by which driver and
 * device agree on features and the driver says where its queues are.  What is
 * in the queues is the business of the device itself (struct virtio_kind).
 *
 *	driver: put buffers into queue --> store to QueueNotify --> notify()
 *	device: give them back --> InterruptStatus --> its line, until
 *		InterruptACK
 *
 * QueueNotify may also be a doorbell (bus.h): a store there rings without
 * coming through virtio_mmio_access().
 *
 * Virtio 1.1, 4.2 (version 2 of the registers; the legacy ones are not here).
 */
#ifndef HV_PLATFORM_VIRTIO_MMIO_H
#define HV_PLATFORM_VIRTIO_MMIO_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/irq_line.h"
#include "hv/platform/virtqueue.h"

#define VIRTIO_MMIO_LENGTH 0x200
#define VIRTIO_MMIO_NOTIFY 0x50 /* the QueueNotify register */
#define VIRTIO_MMIO_QUEUES 2

#define VIRTIO_VERSION_1 BIT(32) /* the one feature that all offer */

struct virtio_mmio;

/** What makes a device of it; fixed. */
struct virtio_kind {
	u32 id; /* DeviceID: virtio 1.1, chapter 5 */
	unsigned int nqueues;
	/** There may be chains in a queue; lock held. */
	void (*notify)(struct virtio_mmio *virtio, unsigned int queue);
	/** The driver has reset the device; lock held. */
	void (*reset)(struct virtio_mmio *virtio);
};

struct virtio_mmio {
	struct spinlock lock;
	/* Under lock. */
	u32 status, interrupts;
	u32 feature_select, driver_select, queue_select;
	u64 accepted; /* features that the driver takes */
	struct virtqueue queue[VIRTIO_MMIO_QUEUES];
	struct virtqueue_chain chain; /* the one in work */
	/* Fixed. */
	const struct virtio_kind *kind;
	u64 features;
	u8 config[16]; /* the device's own registers, read-only */
	struct virtqueue_memory memory;
	struct irq_line line;
};

/**
 * As after reset.
 * @param virtio zeroed, with kind, features, config, memory and line filled
 */
void virtio_mmio_init(struct virtio_mmio *virtio);

/**
 * An access by offset; fits bus_device.  Takes the lock.
 * @param virtio a struct virtio_mmio
 * @return 0
 */
int virtio_mmio_access(void *virtio, struct bus_access *access);

/** QueueNotify was rung for that queue.  Takes the lock. */
void virtio_mmio_notify(struct virtio_mmio *virtio, unsigned int queue);

/**
 * For the kinds, lock held: take the next chain of a queue, into
 * virtio->chain.
 * @return whether there is one; a broken queue makes the device need a reset
 */
bool virtio_mmio_take(struct virtio_mmio *virtio,
		      unsigned int queue) __must_check;

/**
 * For the kinds, lock held.
 * @return how many chains a notification can mean: those that the driver adds
 *	later come with one of their own, so that it cannot keep a device busy
 *	for ever by adding as fast as they are served
 */
unsigned int virtio_mmio_most(const struct virtio_mmio *virtio,
			      unsigned int queue);

/** For the kinds, lock held: give virtio->chain back, with an interrupt. */
void virtio_mmio_give(struct virtio_mmio *virtio, unsigned int queue);

#endif
