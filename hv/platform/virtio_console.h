/** @file
 * A virtio console: bytes in, bytes out.  Virtio 1.1, 5.3.
 *
 *	virtio_console_input() -> waiting -> queue 0 -> guest
 *	output()              <-             queue 1 <- guest
 */
#ifndef HV_PLATFORM_VIRTIO_CONSOLE_H
#define HV_PLATFORM_VIRTIO_CONSOLE_H

#include "hv/platform/virtio_mmio.h"

#define VIRTIO_CONSOLE_WAITING 256

struct virtio_console {
	struct virtio_mmio virtio; /* to be put on the bus */
	/* Under its lock. */
	u8 waiting[VIRTIO_CONSOLE_WAITING]; /* for buffers of the guest's */
	unsigned int nwaiting;
	/* Fixed. */
	void (*output)(void *data, u8 byte);
	void *data;
};

/** A console's surroundings. */
struct virtio_console_plan {
	struct virtqueue_memory memory;
	struct irq_line line;
	/** Takes each byte sent, with the lock held. */
	void (*output)(void *data, u8 byte);
	void *data;
};

/** Make a console, as after reset. */
void virtio_console_init(struct virtio_console *console,
			 const struct virtio_console_plan *plan);

/**
 * Something was typed.  Takes the lock; from any CPU.
 * @return how many bytes were taken
 */
size_t virtio_console_input(struct virtio_console *console, const u8 *bytes,
			    size_t count);

#endif
