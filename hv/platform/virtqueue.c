/** @file
 * Rings and chains, of which nothing is believed.
 *
 * The rings lie in the guest's memory, and another of its vCPUs may change them
 * while they are read.  So each field is read once, into a struct of our own,
 * and what is checked is what is used.  Three ways to lead us astray end in a
 * broken queue: an index that runs ahead of the ring, a chain longer than its
 * table (it leads in a circle), an address that is no memory of the guest's.
 *
 *	driver: buffers, descriptors, ring entry, [wmb] index
 *	device: index, [rmb] ring entry, descriptors, buffers; and back:
 *		buffers, used entry, [wmb] index, [mb] "shall I interrupt?"
 *
 * The last barrier is a full one: our store of the index and our look at the
 * flag stand against the driver's store of the flag and its look at the index.
 * Without it both could see the old value, and the interrupt would be lost.
 *
 * Two indices run from 0 to 65535 and around, never back: `taken` counts the
 * heads that we have taken, the ring's index those that the driver has put
 * there.  Their difference modulo 65536 is what waits; the place in the ring is
 * the index modulo its size.  That size is a power of two, so that the places
 * go on without a jump where the index wraps.
 */
#include "hv/platform/virtqueue.h"

#include "bus/access.h"
#include "bus/errno.h"

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2
#define DESCRIPTOR_INDIRECT 4
#define AVAILABLE_NO_INTERRUPT 1

/* As in guest memory: 16 bytes, little-endian like the processor. */
struct descriptor {
	u64 address;
	u32 length;
	u16 flags;
	u16 next;
};

/** Both rings begin with flags and index. */
struct ring_head {
	u16 flags;
	u16 index;
};

struct used_element {
	u32 head;
	u32 written;
};

/**
 * There is no way to say "this request was nonsense": a chain that is not
 * understood cannot be answered.  So the whole queue stops.
 */
static int break_queue(struct virtqueue *queue)
{
	queue->broken = true;
	return -EINVAL;
}

/**
 * A pointer into guest memory, for the whole length or not at all.  It is
 * asked for anew at each use and kept only as long as the device's lock is
 * held.
 */
static void *map(const struct virtqueue_memory *memory, gpa_t gpa,
		 size_t bytes, bool write)
{
	return memory->map(memory->data, gpa, bytes, write);
}

bool virtqueue_begin(struct virtqueue *queue)
{
	/* Alignments of 2.6; then no field lies across two cache lines. */
	queue->ready = queue->size && queue->descriptors.v % 16 == 0 &&
		       queue->available.v % 2 == 0 && queue->used.v % 4 == 0;
	return queue->ready;
}

/** A table of descriptors, in guest memory. */
struct table {
	gpa_t place;
	u32 size; /* descriptors */
};

/**
 * Each field is read once: the guest may change it behind our back.  Checked
 * once and read again, it could be another one the second time ("double
 * fetch"); READ_ONCE() also keeps the compiler from reading twice.
 */
static bool read_descriptor(const struct table *table,
			    const struct virtqueue_memory *memory, u16 index,
			    struct descriptor *out)
{
	gpa_t place = gpa_add(table->place, 16ull * index);
	const struct descriptor *in = map(memory, place, 16, false);

	if (index >= table->size || !in) {
		return false;
	}
	*out = (struct descriptor){
		.address = READ_ONCE(in->address),
		.length = READ_ONCE(in->length),
		.flags = READ_ONCE(in->flags),
		.next = READ_ONCE(in->next),
	};
	return true;
}

/** Add a descriptor to the chain. @return whether it is a decent one */
static bool add_piece(const struct virtqueue_memory *memory,
		      struct virtqueue_chain *chain,
		      const struct descriptor *descriptor)
{
	bool write = descriptor->flags & DESCRIPTOR_WRITE;
	struct virtqueue_piece *piece = &chain->piece[chain->count];

	/* What the device reads comes first (2.6.4.2). */
	if (!write && chain->readable != chain->count) {
		return false;
	}
	piece->length = descriptor->length;
	piece->bytes = NULL;
	if (piece->length) {
		piece->bytes = map(memory, gpa(descriptor->address),
				   piece->length, write);
		if (!piece->bytes) {
			return false;
		}
	}
	chain->count++;
	chain->readable += !write;
	return true;
}

/**
 * A descriptor of the queue's own table may stand for a table elsewhere, in
 * which the chain goes on from descriptor 0, and ends (2.6.5.3).
 * @return whether it is a decent one
 */
static bool enter_table(struct table *table, struct descriptor *descriptor)
{
	u32 bytes = descriptor->length;

	*table = (struct table){gpa(descriptor->address), bytes / 16};
	/* Descriptors may come before it, but not behind; and no field of it
	 * lies across two cache lines. */
	if (bytes % 16 || descriptor->address % 8 ||
	    descriptor->flags & DESCRIPTOR_NEXT) {
		return false;
	}
	*descriptor = (struct descriptor){.flags = DESCRIPTOR_NEXT};
	return true;
}

/**
 * Go through the tables.  The limit of queue->size pieces is the guard against
 * circles and the bound of chain->piece at the same time; it counts pieces in
 * an indirect table, too, which the specification does not allow to be longer
 * than the queue.
 * @return whether it is a decent chain
 */
static bool collect(const struct virtqueue *queue,
		    const struct virtqueue_memory *memory,
		    struct virtqueue_chain *chain)
{
	struct descriptor descriptor = { .next = chain->head,
					 .flags = DESCRIPTOR_NEXT };
	struct table table = { queue->descriptors, queue->size };
	bool may_enter = queue->indirect;

	while (descriptor.flags & DESCRIPTOR_NEXT) {
		/* Longer than the queue is: it leads in a circle. */
		if (chain->count == queue->size ||
		    !read_descriptor(&table, memory, descriptor.next,
				     &descriptor)) {
			return false;
		}
		if (descriptor.flags & DESCRIPTOR_INDIRECT) {
			if (!may_enter || !enter_table(&table, &descriptor)) {
				return false;
			}
			may_enter = false; /* there are none within */
		} else if (!add_piece(memory, chain, &descriptor)) {
			return false;
		}
	}
	return true;
}

/**
 * A chain is two streams: one of what the device may read, which is the first
 * `readable` pieces, and behind it one of what it may write.  Where the
 * driver has cut them into pieces is of no meaning (2.6.4).
 */
static int follow(struct virtqueue *queue,
		  const struct virtqueue_memory *memory,
		  struct virtqueue_chain *chain)
{
	chain->count = 0;
	chain->readable = 0;
	if (!collect(queue, memory, chain)) {
		return break_queue(queue);
	}
	chain->reading = 0;
	chain->writing = chain->readable;
	chain->read_offset = 0;
	chain->write_offset = 0;
	chain->written = 0;
	return 1;
}

/*
 * At most one head for each call.  The head counts as taken even if the chain
 * then turns out to be broken: the queue is, too, and is not read again.
 */
int virtqueue_take(struct virtqueue *queue,
		   const struct virtqueue_memory *memory,
		   struct virtqueue_chain *chain)
{
	const struct ring_head *ring;
	const u16 *heads;
	u16 index;

	if (!queue->ready) {
		return 0;
	}
	ring = queue->broken ? NULL
			     : map(memory, queue->available,
				   sizeof(*ring) + 2 * queue->size, false);
	if (!ring) {
		return break_queue(queue);
	}
	index = READ_ONCE(ring->index);
	if (index == queue->taken) {
		return 0;
	}
	/* Nobody can lend more than there is. */
	if ((u16)(index - queue->taken) > queue->size) {
		return break_queue(queue);
	}
	smp_rmb(); /* the head was written before the index */
	heads = (const u16 *)(ring + 1);
	chain->head = READ_ONCE(heads[queue->taken % queue->size]);
	queue->taken++;
	return follow(queue, memory, chain);
}

/*
 * The used ring is the driver's to read.  It is written without asking whether
 * there is room: no more heads can be given back than were taken, and of those
 * there are never more than the ring has places.
 */
int virtqueue_give(struct virtqueue *queue,
		   const struct virtqueue_memory *memory,
		   const struct virtqueue_chain *chain)
{
	const struct ring_head *available =
		map(memory, queue->available, sizeof(*available), false);
	struct ring_head *ring =
		map(memory, queue->used, sizeof(*ring) + 8 * queue->size, true);
	struct used_element *element;

	if (!available || !ring) {
		return break_queue(queue);
	}
	element = (struct used_element *)(ring + 1) +
		  queue->given % queue->size;
	WRITE_ONCE(element->head, chain->head);
	WRITE_ONCE(element->written, chain->written);
	smp_wmb(); /* the element, and what is in the buffers, is seen first */
	WRITE_ONCE(ring->index, ++queue->given);
	/* And whether to interrupt is asked afterwards (2.6.7.1). */
	smp_mb();
	return !(READ_ONCE(available->flags) & AVAILABLE_NO_INTERRUPT);
}

static u64 left(const struct virtqueue_chain *chain, unsigned int from,
		unsigned int to)
{
	u64 bytes = 0;

	for (unsigned int i = from; i < to; i++) {
		bytes += chain->piece[i].length;
	}
	return bytes;
}

u64 virtqueue_readable(const struct virtqueue_chain *chain)
{
	return left(chain, chain->reading, chain->readable) -
	       chain->read_offset;
}

u64 virtqueue_writable(const struct virtqueue_chain *chain)
{
	return left(chain, chain->writing, chain->count) - chain->write_offset;
}

/**
 * How much of a stream's current piece can be had at once.
 * @param piece  which; goes on to the next when it is used up
 * @return 0 at the stream's end
 */
static u32 at_once(const struct virtqueue_chain *chain, unsigned int *piece,
		   u32 *offset, unsigned int end)
{
	while (*piece < end && *offset == chain->piece[*piece].length) {
		++*piece;
		*offset = 0;
	}
	return *piece < end ? chain->piece[*piece].length - *offset : 0;
}

/*
 * What was copied is ours and does not change any more; who wants to check
 * something copies it first, and looks at the copy.
 */
size_t virtqueue_read(struct virtqueue_chain *chain, void *to, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t n = at_once(chain, &chain->reading, &chain->read_offset,
				   chain->readable);

		if (!n) {
			break;
		}
		n = n < bytes - done ? n : bytes - done;
		memcpy((u8 *)to + done,
		       chain->piece[chain->reading].bytes + chain->read_offset,
		       n);
		chain->read_offset += (u32)n;
		done += n;
	}
	return done;
}

/* `written` is told in the used ring: so many bytes the driver may look at. */
size_t virtqueue_write(struct virtqueue_chain *chain, const void *from,
		       size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t n = at_once(chain, &chain->writing,
				   &chain->write_offset, chain->count);

		if (!n) {
			break;
		}
		n = n < bytes - done ? n : bytes - done;
		memcpy(chain->piece[chain->writing].bytes +
			       chain->write_offset,
		       (const u8 *)from + done, n);
		chain->write_offset += (u32)n;
		done += n;
	}
	chain->written += (u32)done;
	return done;
}
