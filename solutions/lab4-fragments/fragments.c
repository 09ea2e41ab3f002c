/** @file
 * Lab 4, the reference: an access is cut up, and what nobody here takes goes
 * to the VMM in pieces.
 *
 *	is_plain()           one chunk, where the hardware has said: or
 *	split()              two chunks, both translated, nothing touched yet
 *	      |
 *	read_chunk(), write_chunk()        lower address first, each:
 *	      |  RAM?      copy
 *	      |  devices   in pieces of 8, to the first refusal
 *	      |  the rest  ask_read(), ask_write(): one fragment
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

/** The part of an access that lies on one page, or what is left of it. */
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

/** As many bytes as one question may have. */
static inline unsigned int piece_of(unsigned int len)
{
	return len < MMIO_PIECE_MAX ? len : MMIO_PIECE_MAX;
}

/** Take the first n bytes off a chunk: they are done. */
static inline void advance(struct chunk *chunk, unsigned int n)
{
	chunk->gpa = gpa_add(chunk->gpa, n);
	chunk->len -= n;
}

/** Record an event; data is NULL where there is no value yet. */
static __noinline void record(struct emulator *e, enum mmio_event event,
			      struct chunk of, const u8 *data)
{
	struct mmio_trace trace = {
		.event = event,
		.len = of.len,
		.gpa = of.gpa,
	};

	if (data) {
		memory_copy(&trace.value, data, piece_of(of.len));
	}
	e->ops->trace(e, &trace);
}

static inline void trace(struct emulator *e, enum mmio_event event,
			 struct chunk of, const u8 *data)
{
	if (unlikely(e->traced)) {
		record(e, event, of, data);
	}
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

/** Nobody here gives these bytes of a read: the VMM shall. */
static enum emul_result ask_read(struct emulator *e, struct chunk rest,
				 const u8 *dst)
{
	struct mmio_fragment *fragment;

	trace(e, MMIO_READ_UNSATISFIED, rest, NULL);
	fragment = append(e, rest, false);
	if (!fragment) {
		return context_stop(
			e, "fragments: a read behind a write, or too many");
	}
	fragment->offset = dst - e->reads.data;
	return EMUL_IO_NEEDED;
}

/** Nobody here takes these bytes of a write: the VMM shall. */
static enum emul_result ask_write(struct emulator *e, struct chunk rest,
				  const u8 *src)
{
	struct mmio_fragment *fragment = append(e, rest, true);

	if (!fragment) {
		return context_stop(
			e, "fragments: a write behind a read, or too many");
	}
	memory_copy(fragment->data, src, rest.len);
	return EMUL_DONE;
}

/** EMUL_IO_NEEDED: something of the chunk is for the VMM. */
static enum emul_result read_chunk(struct emulator *e, struct chunk chunk,
				   u8 *dst)
{
	const void *ram = memory_ram(e, chunk.gpa, false);

	if (ram) {
		memory_copy(dst, ram, chunk.len);
		return EMUL_DONE;
	}
	do {
		struct mmio_piece piece = {
			.gpa = chunk.gpa,
			.len = piece_of(chunk.len),
		};

		if (e->ops->device(e, &piece)) {
			return ask_read(e, chunk, dst);
		}
		memory_copy(dst, piece.data, piece.len);
		trace(e, MMIO_READ, (struct chunk){ chunk.gpa, piece.len },
		      piece.data);
		advance(&chunk, piece.len);
		dst += piece.len;
	} while (chunk.len);
	return EMUL_DONE;
}

static enum emul_result write_chunk(struct emulator *e, struct chunk chunk,
				    const u8 *src)
{
	void *ram = memory_ram(e, chunk.gpa, true);

	if (ram) {
		memory_copy(ram, src, chunk.len);
		return EMUL_DONE;
	}
	trace(e, MMIO_WRITE, chunk, src);
	do {
		struct mmio_piece piece = {
			.gpa = chunk.gpa,
			.len = piece_of(chunk.len),
			.is_write = true,
		};

		memory_copy(piece.data, src, piece.len);
		if (e->ops->device(e, &piece)) {
			return ask_write(e, chunk, src);
		}
		advance(&chunk, piece.len);
		src += piece.len;
	} while (chunk.len);
	return EMUL_DONE;
}

/** Where the next page begins; outside 64-bit mode 4 GiB wraps to 0. */
static gva_t next_page(const struct emulator *e, gva_t at)
{
	u64 next = gva_page(at).v + PAGE_SIZE;

	return gva(e->mode == MODE_64 ? next : (u32)next);
}

static inline bool crosses_page(const struct mem_access *at)
{
	return gva_offset(at->address) + at->size > PAGE_SIZE;
}

/**
 * Cut an access at the page boundary and translate every part, before any of
 * it takes effect.  The second chunk's len is 0 if there is none.
 */
static inline enum emul_result split(struct emulator *e,
				     const struct mem_access *at,
				     struct chunk chunks[2])
{
	unsigned int left = PAGE_SIZE - gva_offset(at->address);
	enum emul_result result;

	chunks[0].len = crosses_page(at) ? left : at->size;
	chunks[1].len = at->size - chunks[0].len;
	result = memory_translate(e, at->address, at->kind, &chunks[0].gpa);
	if (result || !chunks[1].len) {
		return result;
	}
	return memory_translate(e, next_page(e, at->address), at->kind,
				&chunks[1].gpa);
}

/**
 * Is the access one chunk, at the address that the hardware has reported?
 * Then there is nothing to walk and nothing to cut: as nearly always.
 */
static inline bool is_plain(const struct emulator *e,
			    const struct mem_access *at)
{
	return memory_hint_fits(e, at->address) && !crosses_page(at);
}

static __noinline enum emul_result
read_split(struct emulator *e, const struct mem_access *at, u8 *dst)
{
	enum emul_result result, second = EMUL_DONE;
	struct chunk chunks[2];

	result = split(e, at, chunks);
	if (!result) {
		result = read_chunk(e, chunks[0], dst);
	}
	if (chunks[1].len && (!result || result == EMUL_IO_NEEDED)) {
		second = read_chunk(e, chunks[1], dst + chunks[0].len);
	}
	return second ? second : result;
}

static __noinline enum emul_result
write_split(struct emulator *e, const struct mem_access *at, const u8 *src)
{
	struct chunk chunks[2];
	enum emul_result result = split(e, at, chunks);

	if (!result) {
		result = write_chunk(e, chunks[0], src);
	}
	if (!result && chunks[1].len) {
		result = write_chunk(e, chunks[1], src + chunks[0].len);
	}
	return result;
}

/** One chunk, on the page where the iteration before was? */
static inline bool is_near(const struct emulator *e,
			   const struct mem_access *at, gpa_t *where)
{
	return memory_knows(e, at->address, at->kind, where) &&
	       !crosses_page(at);
}

static __noinline enum emul_result
read_near(struct emulator *e, const struct mem_access *at, u8 *dst)
{
	struct chunk near = { .len = at->size };

	return is_near(e, at, &near.gpa) ? read_chunk(e, near, dst)
					 : read_split(e, at, dst);
}

static __noinline enum emul_result
write_near(struct emulator *e, const struct mem_access *at, const u8 *src)
{
	struct chunk near = { .len = at->size };

	return is_near(e, at, &near.gpa) ? write_chunk(e, near, src)
					 : write_split(e, at, src);
}

enum emul_result fragments_read(struct emulator *e, const struct mem_access *at,
				u16 offset)
{
	struct chunk plain = { e->hint.gpa, at->size };
	u8 *dst = &e->reads.data[offset];

	return likely(is_plain(e, at)) ? read_chunk(e, plain, dst)
				       : read_near(e, at, dst);
}

enum emul_result fragments_write(struct emulator *e,
				 const struct mem_access *at, const void *src)
{
	struct chunk plain = { e->hint.gpa, at->size };

	return likely(is_plain(e, at)) ? write_chunk(e, plain, src)
				       : write_near(e, at, src);
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
		memory_copy_piece(piece->data, fragment->data + done,
				  piece->len);
	}
	return true;
}

/** All of the current fragment is there: is there another one? */
static inline enum emul_result next_fragment(struct emulator *e)
{
	struct fragments *all = &e->fragments;

	all->done = 0;
	if (++all->current < all->count) {
		return EMUL_IO_NEEDED;
	}
	fragments_reset(e);
	return EMUL_DONE;
}

/** The same for a read that somebody watches. */
static __noinline enum emul_result trace_fragment(struct emulator *e)
{
	const struct mmio_fragment *fragment =
		&e->fragments.queue[e->fragments.current];

	record(e, MMIO_READ, (struct chunk){ fragment->gpa, fragment->len },
	       &e->reads.data[fragment->offset]);
	return next_fragment(e);
}

enum emul_result fragments_complete(struct emulator *e, const u8 *data)
{
	struct fragments *all = &e->fragments;
	const struct mmio_fragment *fragment = &all->queue[all->current];
	unsigned int left = fragment->len - all->done;
	u8 *dst = &e->reads.data[fragment->offset + all->done];

	if (unlikely(!all->count)) {
		return context_stop(e, "fragments: an answer to no question");
	}
	if (!all->is_write) {
		memory_copy_piece(dst, data, piece_of(left));
	}
	if (unlikely(left > MMIO_PIECE_MAX)) {
		all->done += MMIO_PIECE_MAX;
		return EMUL_IO_NEEDED;
	}
	if (unlikely(e->traced && !all->is_write)) {
		return trace_fragment(e);
	}
	return next_fragment(e);
}
