/** @file
 * The console's two queues.
 *
 * To the guest: it lends empty buffers in advance, and what is typed goes into
 * them as it comes; what finds no buffer waits here, and what finds no room
 * here waits at the caller's (virtio_console_input() says how much it took).
 *
 * From the guest: bytes are taken out of a chain one by one and handed on.  A
 * guest may describe 4 GiB of output by pointing at the same page again and
 * again, so each chain has a bound, and each notification serves at most as
 * many chains as the queue holds: all of it is printed with the lock held.
 */
#include "hv/platform/virtio_console.h"

#define DEVICE_ID_CONSOLE 3

/** Bytes that one notification can say: the same buffer could be lent many
 * times, and interrupts are off meanwhile.  What is more is not heard. */
#define OUTPUT_MAX 0x10000

enum { TO_GUEST, FROM_GUEST, QUEUES };

/**
 * What waits goes into the buffers that the guest has lent.  A buffer is given
 * back as soon as something is in it and not when it is full: a person waits
 * for the echo of each key.
 */
static void receive(struct virtio_console *console)
{
	struct virtio_mmio *virtio = &console->virtio;
	unsigned int left = virtio_mmio_most(virtio, TO_GUEST);

	/* Buffers without room are given back empty, not for ever. */
	while (left-- && console->nwaiting &&
	       virtio_mmio_take(virtio, TO_GUEST)) {
		unsigned int n = (unsigned int)virtqueue_write(
			&virtio->chain, console->waiting, console->nwaiting);

		console->nwaiting -= n;
		memmove(console->waiting, console->waiting + n,
			console->nwaiting);
		virtio_mmio_give(virtio, TO_GUEST);
	}
}

/** `most` is for the whole notification; chains beyond it go back unread. */
static void send(struct virtio_console *console)
{
	struct virtio_mmio *virtio = &console->virtio;
	unsigned int left = virtio_mmio_most(virtio, FROM_GUEST);
	unsigned int most = OUTPUT_MAX;
	u8 byte;

	while (left-- && virtio_mmio_take(virtio, FROM_GUEST)) {
		while (most && virtqueue_read(&virtio->chain, &byte, 1)) {
			most--;
			console->output(console->data, byte);
		}
		virtio_mmio_give(virtio, FROM_GUEST);
	}
}

/** New buffers may have come for what waits; or output is to be taken. */
static void notify(struct virtio_mmio *virtio, unsigned int queue)
{
	struct virtio_console *console =
		container_of(virtio, struct virtio_console, virtio);

	if (queue == TO_GUEST) {
		receive(console);
	} else {
		send(console);
	}
}

/* No reset: what was typed still waits when the driver comes back. */
static const struct virtio_kind kind = {
	.id = DEVICE_ID_CONSOLE,
	.nqueues = QUEUES,
	.notify = notify,
};

/* From the timer that looks at the terminal; the lock is the device's. */
size_t virtio_console_input(struct virtio_console *console, const u8 *bytes,
			    size_t count)
{
	size_t room;

	spinlock_lock(&console->virtio.lock);
	room = sizeof(console->waiting) - console->nwaiting;
	count = count < room ? count : room;
	memcpy(console->waiting + console->nwaiting, bytes, count);
	console->nwaiting += (unsigned int)count;
	receive(console);
	spinlock_unlock(&console->virtio.lock);
	return count;
}

void virtio_console_init(struct virtio_console *console,
			 const struct virtio_console_plan *plan)
{
	memset(console, 0, sizeof(*console));
	console->output = plan->output;
	console->data = plan->data;
	console->virtio.kind = &kind;
	console->virtio.memory = plan->memory;
	console->virtio.line = plan->line;
	virtio_mmio_init(&console->virtio);
}
