/** @file
 * Lab 4, the reference: an access is cut up, and what nobody here takes goes
 * to the VMM in pieces.
 *
 *	    split()          two chunks, both translated, nothing touched yet
 *	      |
 *	read_chunk(), write_chunk()        lower address first, each:
 *	      |  RAM?      copy
 *	      |  devices   in pieces of 8, to the first refusal
 *	      |  the rest  append() one fragment
 *	      v
 *	fragments_piece() -> exit -> fragments_complete() -> ... until empty
 *
 * The second chunk is processed even when the first one has to wait.  A
 * device of the core on page 2 is therefore asked before the VMM is asked
 * about page 1, as in KVM.
 *
 * Nothing in the queue points anywhere.  A read's bytes go to an offset of
 * the read cache: the half that came from RAM is there already and is not
 * copied over.  A write's bytes are in the fragment itself: the variable that
 * held them was on a stack which is gone when the second piece is due.  KVM
 * kept a pointer there for thirteen years (CVE-2026-31588).
 */
#include "emulator/fragments.h"

#include "emulator/memory.h"

/** The part of an access that lies on one page. */
struct chunk {
	gpa_t gpa;
	unsigned int len;
};

void fragments_reset(struct emulator *e)
{
	e->fragments.count = 0;
	e->fragments.current = 0;
	e->fragments.done = 0;
}

/** Guest RAM under a chunk, or NULL; not tried where there is none. */
static inline void *ram(struct emulator *e, struct chunk chunk, bool write)
{
	if (e->ops->known_mmio(e, chunk.gpa)) {
		return NULL;
	}
	return e->ops->ram(e, chunk.gpa, write);
}

/** What is left of a chunk behind its first done bytes. */
static inline struct chunk rest_of(struct chunk chunk, unsigned int done)
{
	return (struct chunk){ gpa_add(chunk.gpa, done), chunk.len - done };
}

/** As many bytes as one question may have. */
static inline unsigned int piece_of(unsigned int len)
{
	return len < MMIO_PIECE_MAX ? len : MMIO_PIECE_MAX;
}

/** Record an event; data is NULL where there is no value yet. */
static inline void trace(struct emulator *e, enum mmio_event event,
			 struct chunk of, const u8 *data)
{
	struct mmio_trace record = {
		.event = event,
		.len = of.len,
		.gpa = of.gpa,
	};

	if (data) {
		memory_copy(&record.value, data, piece_of(of.len));
	}
	e->ops->trace(e, &record);
}

/** Offer a chunk's read to the core's devices; how many bytes they gave. */
static inline unsigned int read_devices(struct emulator *e, struct chunk chunk,
					u8 *dst)
{
	unsigned int done = 0;

	while (done < chunk.len) {
		struct chunk rest = rest_of(chunk, done);
		struct mmio_piece piece = {
			rest.gpa, piece_of(rest.len), false, { 0 }
		};

		if (e->ops->device(e, &piece)) {
			break;
		}
		memory_copy(dst + done, piece.data, piece.len);
		rest.len = piece.len;
		trace(e, MMIO_READ, rest, piece.data);
		done += piece.len;
	}
	return done;
}

/** Offer a chunk's write to the core's devices; how many bytes they took. */
static inline unsigned int write_devices(struct emulator *e, struct chunk chunk,
					 const u8 *src)
{
	unsigned int done = 0;

	while (done < chunk.len) {
		struct chunk rest = rest_of(chunk, done);
		struct mmio_piece piece = {
			rest.gpa, piece_of(rest.len), true, { 0 }
		};

		memory_copy(piece.data, src + done, piece.len);
		if (e->ops->device(e, &piece)) {
			break;
		}
		done += piece.len;
	}
	return done;
}

/** A new last fragment, or NULL: the queue is full or goes the other way. */
static inline struct mmio_fragment *append(struct emulator *e,
					   struct chunk rest, bool is_write)
{
	struct fragments *all = &e->fragments;
	unsigned int count = all->count;
	struct mmio_fragment *fragment = &all->queue[count];

	if (count == FRAGMENTS_MAX || (count && all->is_write != is_write)) {
		return NULL;
	}
	all->count = count + 1;
	all->is_write = is_write;
	fragment->gpa = rest.gpa;
	fragment->len = rest.len;
	return fragment;
}

static enum emul_result read_chunk(struct emulator *e, struct chunk chunk,
				   unsigned int offset)
{
	u8 *dst = &e->reads.data[offset];
	const void *src = ram(e, chunk, false);
	struct mmio_fragment *fragment;
	unsigned int done;

	if (src) {
		memory_copy(dst, src, chunk.len);
		return EMUL_DONE;
	}
	done = read_devices(e, chunk, dst);
	if (done == chunk.len) {
		return EMUL_DONE;
	}
	chunk = rest_of(chunk, done);
	trace(e, MMIO_READ_UNSATISFIED, chunk, NULL);
	fragment = append(e, chunk, false);
	if (!fragment) {
		return context_stop(
			e, "fragments: a read behind a write, or too many");
	}
	fragment->offset = offset + done;
	return EMUL_DONE;
}

static enum emul_result write_chunk(struct emulator *e, struct chunk chunk,
				    const u8 *src)
{
	struct mmio_fragment *fragment;
	void *dst = ram(e, chunk, true);
	unsigned int done;

	if (dst) {
		memory_copy(dst, src, chunk.len);
		return EMUL_DONE;
	}
	trace(e, MMIO_WRITE, chunk, src);
	done = write_devices(e, chunk, src);
	if (done == chunk.len) {
		return EMUL_DONE;
	}
	chunk = rest_of(chunk, done);
	fragment = append(e, chunk, true);
	if (!fragment) {
		return context_stop(
			e, "fragments: a write behind a read, or too many");
	}
	memory_copy(fragment->data, src + done, chunk.len);
	return EMUL_DONE;
}

/** Where the next page begins; outside 64-bit mode 4 GiB wraps to 0. */
static gva_t next_page(const struct emulator *e, gva_t at)
{
	u64 next = gva_page(at).v + PAGE_SIZE;

	return gva(e->mode == MODE_64 ? next : (u32)next);
}

/**
 * Cut an access at the page boundary and translate every part, before any of
 * it takes effect.  The second chunk's len is 0 if there is none.
 */
static inline enum emul_result split(struct emulator *e, struct mem_access at,
				     struct chunk chunks[2])
{
	unsigned int left = PAGE_SIZE - gva_offset(at.address);
	enum emul_result result;

	result = memory_translate(e, at.address, at.kind, &chunks[0].gpa);
	if (likely(at.size <= left) || result) {
		chunks[0].len = at.size;
		chunks[1].len = 0;
		return result;
	}
	chunks[0].len = left;
	chunks[1].len = at.size - left;
	return memory_translate(e, next_page(e, at.address), at.kind,
				&chunks[1].gpa);
}

enum emul_result fragments_read(struct emulator *e, struct mem_access at,
				u16 offset)
{
	struct chunk chunks[2];
	enum emul_result result = split(e, at, chunks);

	if (!result) {
		result = read_chunk(e, chunks[0], offset);
	}
	if (!result && unlikely(chunks[1].len)) {
		result = read_chunk(e, chunks[1], offset + chunks[0].len);
	}
	if (result) {
		return result;
	}
	return e->fragments.count ? EMUL_IO_NEEDED : EMUL_DONE;
}

enum emul_result fragments_write(struct emulator *e, struct mem_access at,
				 const void *src)
{
	struct chunk chunks[2];
	enum emul_result result = split(e, at, chunks);

	if (!result) {
		result = write_chunk(e, chunks[0], src);
	}
	if (!result && unlikely(chunks[1].len)) {
		result = write_chunk(e, chunks[1],
				     (const u8 *)src + chunks[0].len);
	}
	return result;
}

bool fragments_piece(const struct emulator *e, struct mmio_piece *piece)
{
	const struct fragments *all = &e->fragments;
	const struct mmio_fragment *fragment = &all->queue[all->current];
	unsigned int done = all->done;

	if (!all->count) {
		return false;
	}
	*piece = (struct mmio_piece){
		.gpa = gpa_add(fragment->gpa, done),
		.len = piece_of(fragment->len - done),
		.is_write = all->is_write,
	};
	if (piece->is_write) {
		memory_copy(piece->data, fragment->data + done, piece->len);
	}
	return true;
}

/** A read's answer goes to its place; a fragment that is whole is traced. */
static void take_answer(struct emulator *e, const struct mmio_fragment *of,
			const u8 *data)
{
	unsigned int done = e->fragments.done;
	u8 *dst = &e->reads.data[of->offset];

	memory_copy(dst + done, data, piece_of(of->len - done));
	if (of->len - done <= MMIO_PIECE_MAX) {
		trace(e, MMIO_READ, (struct chunk){ of->gpa, of->len }, dst);
	}
}

enum emul_result fragments_complete(struct emulator *e, const u8 *data)
{
	struct fragments *all = &e->fragments;
	const struct mmio_fragment *fragment = &all->queue[all->current];

	if (!all->count) {
		return context_stop(e, "fragments: an answer to no question");
	}
	if (!all->is_write) {
		take_answer(e, fragment, data);
	}
	if (unlikely(fragment->len - all->done > MMIO_PIECE_MAX)) {
		all->done += MMIO_PIECE_MAX;
		return EMUL_IO_NEEDED;
	}
	all->done = 0;
	if (++all->current < all->count) {
		return EMUL_IO_NEEDED;
	}
	fragments_reset(e);
	return EMUL_DONE;
}
