/** @file
 * A virtqueue: buffers that a driver lends to a device, in guest memory.
 *
 * The driver writes descriptors (address, length, direction, next), links them
 * to chains and puts a chain's head into the available ring.  The device takes
 * it, uses its buffers in order, and puts the head into the used ring.
 *
 *	descriptors  | 0 | 1 | 2 | ...		available  heads, index
 *			   `---^  next		used	   heads, bytes, index
 *
 * All of it belongs to the guest, which may change it at any moment and is not
 * to be believed: every field is read once and checked, a chain that leads in
 * a circle or out of memory makes the queue broken until it is reset.  The
 * buffers of a chain are pointers to guest memory: what stands there may
 * change while it is looked at.
 *
 * A chain may go on in a table of its own, elsewhere in memory (an *indirect*
 * descriptor), if the driver has asked for that: then a request of many pieces
 * takes one descriptor of the queue's.
 *
 * The other refinement, the event index, is not offered.  A driver says by a
 * flag that it wants no interrupts while it is looking anyway, which is as good
 * for a disk and a console; and a device that serves a bounded number of chains
 * for each notification needs the notifications which the index would save.
 *
 * Virtio 1.1, 2.6 (split virtqueues).
 */
#ifndef HV_PLATFORM_VIRTQUEUE_H
#define HV_PLATFORM_VIRTQUEUE_H

#include "bus/types.h"

#define VIRTQUEUE_MAX 128 /* descriptors */
#define VIRTQUEUE_INDIRECT BIT(28) /* the feature */

/** How guest memory is reached. */
struct virtqueue_memory {
	void *data;
	/**
	 * @param write it will be written
	 * @return NULL unless all bytes are memory, next to each other
	 */
	void *(*map)(void *data, gpa_t gpa, size_t bytes, bool write);
};

/** One queue; all of it under the device's lock. */
struct virtqueue {
	/* Written by the driver, through the device's registers. */
	u32 size; /* a power of two, up to VIRTQUEUE_MAX */
	bool ready;
	bool indirect; /* VIRTQUEUE_INDIRECT was agreed on */
	gpa_t descriptors, available, used;
	/* The device's. */
	u16 taken; /* heads so far, modulo 65536 */
	u16 given;
	bool broken;
};

/** A piece of a chain, in the hypervisor's view. */
struct virtqueue_piece {
	u8 *bytes;
	u32 length;
};

/**
 * A chain: what the device may read, then what it may write.  The streams
 * below go through its pieces as if they were one.
 */
struct virtqueue_chain {
	u16 head;
	unsigned int count;    /* pieces */
	unsigned int readable; /* the first of them are to be read */
	struct virtqueue_piece piece[VIRTQUEUE_MAX];
	/* Where the streams stand. */
	unsigned int reading, writing; /* piece */
	u32 read_offset, write_offset;
	u32 written; /* bytes */
};

/**
 * The driver has said where it is: begin, if size and places allow it.
 * @return whether it is ready now
 */
bool virtqueue_begin(struct virtqueue *queue);

/**
 * Take the next chain.
 * @param chain filled when the result is 1
 * @return 1; 0: none is available; -EINVAL: the queue is broken
 */
int virtqueue_take(struct virtqueue *queue,
		   const struct virtqueue_memory *memory,
		   struct virtqueue_chain *chain) __must_check;

/**
 * Give a chain back.
 * @return 1: the driver wants an interrupt; 0: it does not; -EINVAL: the
 *	queue is broken
 */
int virtqueue_give(struct virtqueue *queue,
		   const struct virtqueue_memory *memory,
		   const struct virtqueue_chain *chain) __must_check;

/** @return how many bytes are left to be read, and to be written */
u64 virtqueue_readable(const struct virtqueue_chain *chain);
u64 virtqueue_writable(const struct virtqueue_chain *chain);

/** Copy the next bytes out of it. @return how many there were */
size_t virtqueue_read(struct virtqueue_chain *chain, void *to, size_t bytes);

/** Copy the next bytes into it. @return for how many there was room */
size_t virtqueue_write(struct virtqueue_chain *chain, const void *from,
		       size_t bytes);

#endif
