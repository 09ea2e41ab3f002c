/** @file
 * Requests to the disk.
 *
 *	chain: header (type, sector) | data to write    to be read by us
 *	       data to read          | status byte      to be written by us
 *
 * The status is the last byte that we may write, wherever the pieces end: so a
 * request is a stream in and a stream out (virtqueue.h), and a header that is
 * cut into three descriptors needs no code of its own.
 *
 * All is done at once, in the notification, by the vCPU that has rung: the disk
 * is memory.  A request that reaches behind its end moves nothing, not even the
 * part that lies on the disk.
 */
#include "hv/platform/virtio_blk.h"

#define DEVICE_ID_BLOCK 2
#define FEATURE_SEGMENTS BIT(2)
#define FEATURE_READ_ONLY BIT(5)
#define FEATURE_FLUSH BIT(9)

/** Where its own registers say what (5.2.4). */
#define CONFIG_CAPACITY 0  /* in sectors */
#define CONFIG_SEGMENTS 12 /* pieces of a request, at most */

enum request_type {
	REQUEST_READ = 0,
	REQUEST_WRITE = 1,
	REQUEST_FLUSH = 4,
	REQUEST_ID = 8,
};

enum request_status { STATUS_OK, STATUS_ERROR, STATUS_UNSUPPORTED };

#define ID_LENGTH 20

struct request {
	u32 type;
	u32 reserved;
	u64 sector;
};

/**
 * Are so many bytes from that sector on the disk?  Both numbers are the
 * guest's: the comparison subtracts where a sum could wrap.
 */
static bool is_on_disk(const struct virtio_blk *blk, u64 sector, u64 bytes)
{
	return bytes % VIRTIO_BLK_SECTOR == 0 && sector <= blk->sectors &&
	       bytes / VIRTIO_BLK_SECTOR <= blk->sectors - sector;
}

/**
 * The direction is seen from the driver: its "read" is our write into the
 * chain.  How much it is, no field of the request says: it is the length of the
 * chain's buffers.
 */
static enum request_status transfer(struct virtio_blk *blk,
				    const struct request *request, u64 bytes)
{
	struct virtqueue_chain *chain = &blk->virtio.chain;
	u8 *place;

	if (!is_on_disk(blk, request->sector, bytes)) {
		return STATUS_ERROR;
	}
	place = blk->image + request->sector * VIRTIO_BLK_SECTOR;
	if (request->type == REQUEST_READ) {
		return virtqueue_write(chain, place, bytes) == bytes
			       ? STATUS_OK
			       : STATUS_ERROR;
	}
	if (blk->read_only) {
		return STATUS_ERROR;
	}
	return virtqueue_read(chain, place, bytes) == bytes ? STATUS_OK
							    : STATUS_ERROR;
}

/** @param room bytes that may be written before the status */
static enum request_status carry_out(struct virtio_blk *blk,
				     const struct request *request, u64 room)
{
	static const char id[ID_LENGTH] = "exit49";
	struct virtqueue_chain *chain = &blk->virtio.chain;

	switch (request->type) {
	case REQUEST_READ:
		return transfer(blk, request, room);
	case REQUEST_WRITE:
		return transfer(blk, request, virtqueue_readable(chain));
	case REQUEST_FLUSH: /* memory is all there is */
		return STATUS_OK;
	case REQUEST_ID:
		room = room < ID_LENGTH ? room : ID_LENGTH;
		return virtqueue_write(chain, id, room) == room ? STATUS_OK
								: STATUS_ERROR;
	default:
		return STATUS_UNSUPPORTED;
	}
}

/**
 * The status goes to the very end, however little was written before.  serve()
 * has made sure that there is a piece with a last byte.
 */
static void put_status(struct virtqueue_chain *chain, u8 status)
{
	struct virtqueue_piece *last = &chain->piece[chain->count - 1];

	while (!last->length) {
		last--;
	}
	last->bytes[last->length - 1] = status;
	chain->written++;
}

static void serve(struct virtio_blk *blk)
{
	struct virtqueue_chain *chain = &blk->virtio.chain;
	u64 room = virtqueue_writable(chain);
	struct request request = { 0 };
	enum request_status status = STATUS_ERROR;

	blk->requests++;
	/* Without room for a status there is no way to answer. */
	if (!room) {
		blk->failed++;
		return;
	}
	if (virtqueue_read(chain, &request, sizeof(request)) ==
	    sizeof(request)) {
		status = carry_out(blk, &request, room - 1);
	}
	blk->failed += status != STATUS_OK;
	put_status(chain, (u8)status);
}

/** Each chain is given back at once; the driver may use it for the next. */
static void notify(struct virtio_mmio *virtio, unsigned int queue)
{
	struct virtio_blk *blk = container_of(virtio, struct virtio_blk,
					      virtio);
	unsigned int left = virtio_mmio_most(virtio, queue);

	while (left-- && virtio_mmio_take(virtio, queue)) {
		serve(blk);
		virtio_mmio_give(virtio, queue);
	}
}

static const struct virtio_kind kind = {
	.id = DEVICE_ID_BLOCK,
	.nqueues = 1,
	.notify = notify,
};

void virtio_blk_init(struct virtio_blk *blk,
		     const struct virtio_blk_plan *plan)
{
	/* Without a word of it a driver sends each piece by itself. */
	const u32 segments = VIRTQUEUE_MAX - 2; /* header and status */

	memset(blk, 0, sizeof(*blk));
	blk->image = plan->image;
	blk->sectors = plan->size / VIRTIO_BLK_SECTOR;
	blk->read_only = plan->read_only;
	blk->virtio.kind = &kind;
	blk->virtio.features = FEATURE_SEGMENTS | FEATURE_FLUSH |
			       (plan->read_only ? FEATURE_READ_ONLY : 0);
	blk->virtio.memory = plan->memory;
	blk->virtio.line = plan->line;
	memcpy(blk->virtio.config + CONFIG_CAPACITY, &blk->sectors,
	       sizeof(blk->sectors));
	memcpy(blk->virtio.config + CONFIG_SEGMENTS, &segments,
	       sizeof(segments));
	/* A large transfer takes its time: interrupts stay on meanwhile.  No
	 * interrupt handler takes this lock. */
	blk->virtio.lock.stoppable = true;
	virtio_mmio_init(&blk->virtio);
}
