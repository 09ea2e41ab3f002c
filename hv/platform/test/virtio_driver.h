/** @file
 * A driver for virtio devices, as small as a test can do with.
 *
 * Guest memory is an array; rings and buffers lie where the test says.
 */
#ifndef HV_PLATFORM_TEST_VIRTIO_DRIVER_H
#define HV_PLATFORM_TEST_VIRTIO_DRIVER_H

#include "hv/platform/virtio_mmio.h"

#define DRIVER_MEMORY 0x40000u
#define DRIVER_SIZE 8u /* descriptors in each queue */
#define DRIVER_NEXT 1
#define DRIVER_WRITE 2

struct driver {
	struct virtio_mmio *device;
	u8 *memory;  /* DRIVER_MEMORY bytes */
	bool line;
	unsigned int rises;
	u16 next[2]; /* head to be lent, by queue */
	struct irq_line irq;
	struct virtqueue_memory map;
};

/** Memory, interrupt line; the device comes later. */
void driver_begin(struct driver *driver);
void driver_end(struct driver *driver);

/** A register. */
u32 driver_load(struct driver *driver, u64 offset);
void driver_store(struct driver *driver, u64 offset, u32 value);

/** The whole initialisation (virtio 1.1, 3.1.1). */
void driver_start(struct driver *driver, u64 features);

/** Where a queue's parts lie. */
u64 driver_descriptors(unsigned int queue);
u64 driver_available(unsigned int queue);
u64 driver_used(unsigned int queue);

/** Write a descriptor; flags and next in one word: next << 16 | flags. */
void driver_describe(struct driver *driver, unsigned int place, u64 address,
		     u64 length_and_flags);

/** Lend a chain and notify. @param head of a descriptor in queue 0 or 1 */
void driver_lend(struct driver *driver, unsigned int queue, u16 head);

/** @return how many chains came back; and the last one's bytes in *bytes */
u16 driver_returned(struct driver *driver, unsigned int queue, u32 *bytes);

#endif
