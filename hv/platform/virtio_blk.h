/** @file
 * A virtio disk in memory.
 *
 * Its sectors are bytes in the hypervisor's memory, read from a file that the
 * boot loader has brought.  What the guest writes changes them, and is gone
 * with the machine.  Virtio 1.1, 5.2.
 */
#ifndef HV_PLATFORM_VIRTIO_BLK_H
#define HV_PLATFORM_VIRTIO_BLK_H

#include "hv/platform/virtio_mmio.h"

#define VIRTIO_BLK_SECTOR 512

struct virtio_blk {
	struct virtio_mmio virtio; /* to be put on the bus */
	/* Fixed; the bytes under the lock. */
	u8 *image;
	u64 sectors;
	bool read_only;
	/* Under lock. */
	u64 requests, failed; /* so many */
};

/** A disk's surroundings and contents. */
struct virtio_blk_plan {
	struct virtqueue_memory memory;
	struct irq_line line;
	u8 *image;
	u64 size; /* bytes; what is no whole sector at the end is left out */
	bool read_only;
};

/** Make a disk, as after reset. */
void virtio_blk_init(struct virtio_blk *blk,
		     const struct virtio_blk_plan *plan);

#endif
