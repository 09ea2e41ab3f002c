/** @file
 * Lab 4: an access is cut up, and what nobody here takes goes to the VMM.
 *
 * This is your file.  The contract of each function stands in
 * emulator/fragments.h, the handout in labs/lab4-fragments/README.md.  Go
 * through the steps in their order; when a function is written, its
 * lab_not_written() goes.  `make host LAB=4` tries your functions without a
 * VM; `make grade LAB=4` names the step that is missing, and later the rule
 * that is broken.
 *
 * Two rules hold everywhere:
 *   - nothing that lives beyond a call may point anywhere: when the second
 *     piece is due, the stack of the first is gone;
 *   - of what the VMM hands over you take the bytes of a read's answer, as
 *     many as were asked for, and nothing else.
 * The helpers and their order below are a proposal.  The functions of the
 * header are not.
 */
#include "emulator/fragments.h"

#include "bus/lab.h"
#include "emulator/memory.h"

#define HEADER "emulator/fragments.h"

/* For as long as the functions below ignore what they are given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-function"

/** The part of an access that lies on one page, or what is left of it. */
struct chunk {
	gpa_t gpa;
	unsigned int len; /* bytes; 0: there is none */
};

/* Steps 4.7 and 4.8 stand at the end and are called from everywhere. */
static bool may_follow(const struct emulator *e, bool is_write);
static void trace(struct emulator *e, enum mmio_event event, struct chunk of,
		  const u8 *data);

/** This one is written already. */
void fragments_reset(struct emulator *e)
{
	e->fragments.count = 0;
	e->fragments.current = 0;
	e->fragments.done = 0;
}

/* 4.1 Two pages ------------------------------------------------------------ */

static enum emul_result split(struct emulator *e, const struct mem_access *at,
			      struct chunk chunks[2])
{
	/*
	 * 1. Does [address, address + size) reach into the next page?  Ask the
	 *    last byte, not the first (gva_offset(), PAGE_SIZE).
	 * 2. The first chunk's length, the second's; 0 if there is no second.
	 * 3. memory_translate() the address of each chunk, with at->kind, and
	 *    hand on whatever is not EMUL_DONE.  The second page's address:
	 *    outside 64-bit mode (e->mode) it is cut to 32 bits.
	 * Nothing else may happen here: when the second page faults, the first
	 * one must not have been touched.
	 */
	lab_not_written("4.1", "split", HEADER);
}

/* 4.2 Memory --------------------------------------------------------------- */

/**
 * @param bytes a read's destination, a write's source
 * @return whether the chunk is RAM; then it is done
 */
static bool try_ram(struct emulator *e, struct chunk chunk, u8 *bytes,
		    bool is_write)
{
	/*
	 * memory_ram() knows what is known to be MMIO and what is read-only;
	 * memory_copy() copies.  Neither needs more than one line.
	 */
	lab_not_written("4.2", "try_ram", HEADER);
}

/* 4.3 Devices of the core -------------------------------------------------- */

/** @return how many bytes, from the front, devices have taken or given */
static unsigned int try_devices(struct emulator *e, struct chunk chunk,
				u8 *bytes, bool is_write)
{
	/*
	 * A struct mmio_piece (emul_types.h) is a question: at most
	 * MMIO_PIECE_MAX bytes from the front of what is left.  A write brings
	 * its bytes, bytes that do not belong to it are 0.
	 * e->ops->device() says 0: a read's answer is in piece.data; go on with
	 * the next piece.  Anything else is a refusal: stop, whoever might take
	 * the pieces behind it.
	 */
	lab_not_written("4.3", "try_devices", HEADER);
}

/* 4.4 The rest ------------------------------------------------------------- */

/** Put what nobody took into the queue. */
static enum emul_result ask_vmm(struct emulator *e, struct chunk rest,
				const u8 *bytes, bool is_write)
{
	/*
	 * The rest of a chunk is one fragment, however long (struct
	 * mmio_fragment): a new last one in e->fragments.queue[].
	 * 1. Is one there already?  Then ask may_follow() (step 4.7); if it
	 *    says no, context_stop(e, "a sentence").
	 * 2. A read: where do its bytes go?  As an offset into e->reads.data,
	 *    so that what came from RAM beside it stays.  EMUL_IO_NEEDED.
	 * 3. A write: copy its bytes into the fragment; they may be on a stack
	 *    that is gone at the second piece.  EMUL_DONE, for the instruction
	 *    goes on.
	 */
	lab_not_written("4.4", "ask_vmm", HEADER);
}

/**
 * Call each step before 4.4 once, in their order, so that the first one which
 * is missing is the one you are told.  What the calls do does not matter, as
 * the VM stops right after.  Remove this function when you write the two below.
 */
static void first_missing_step(struct emulator *e, const struct mem_access *at)
{
	struct chunk chunks[2];
	u8 bytes[MEM_ACCESS_MAX];

	if (split(e, at, chunks) == EMUL_DONE &&
	    !try_ram(e, chunks[0], bytes, false)) {
		(void)try_devices(e, chunks[0], bytes, false);
	}
	lab_not_written("4.4", "fragments_read", HEADER);
}

enum emul_result fragments_read(struct emulator *e, const struct mem_access *at,
				u16 offset)
{
	first_missing_step(e, at);
	/*
	 * 1. split().
	 * 2. For each chunk, the lower one first: RAM, else devices, else the
	 *    rest to the VMM.  A chunk that has to wait does not hold up the
	 *    one behind it.
	 * 3. EMUL_IO_NEEDED if one of them waits.
	 * The bytes go to e->reads.data[offset] and behind it.
	 */
	lab_not_written("4.4", "fragments_read", HEADER);
}

enum emul_result fragments_write(struct emulator *e,
				 const struct mem_access *at, const void *src)
{
	first_missing_step(e, at);
	/* The same the other way; EMUL_DONE also when something waits. */
	lab_not_written("4.4", "fragments_write", HEADER);
}

/* 4.5 The question --------------------------------------------------------- */

bool fragments_piece(const struct emulator *e, struct mmio_piece *piece)
{
	/*
	 * 1. Nothing in the queue: false.
	 * 2. Of queue[current], `done` bytes have been answered: the piece is
	 *    what comes next, at most MMIO_PIECE_MAX bytes, and its own
	 *    address.  The fragment's gpa and len stay (4.8 wants them).
	 * 3. A write brings its bytes; whatever else is in data[] is 0.
	 */
	lab_not_written("4.5", "fragments_piece", HEADER);
}

/* 4.6 The answer ----------------------------------------------------------- */

enum emul_result fragments_complete(struct emulator *e, const u8 *data)
{
	/*
	 * 1. Nothing in the queue: context_stop().
	 * 2. How long was the piece?  As long as fragments_piece() made it:
	 *    ask the fragment again.
	 * 3. A read: so many bytes of data[] go to their place in
	 *    e->reads.data, behind those that are there already.
	 * 4. Is the fragment complete?  Then the next one is due, if there is
	 *    one.  Is it the last?  fragments_reset().
	 */
	lab_not_written("4.6", "fragments_complete", HEADER);
}

/* 4.7 Several at a time ---------------------------------------------------- */

/** The queue is not empty: may another fragment go behind those in it? */
static bool may_follow(const struct emulator *e, bool is_write)
{
	/*
	 * It may be the second page of one access; it may be the next of
	 * several writes of one instruction (PUSHA makes eight), none of which
	 * has left yet.  All of them wait in their order.
	 * No: there is no room (FRAGMENTS_MAX), or the queue goes the other
	 * way.
	 */
	lab_not_written("4.7", "may_follow", HEADER);
}

/* 4.8 What others are told ------------------------------------------------- */

/** @param data the bytes, or NULL where there is no value yet */
static void trace(struct emulator *e, enum mmio_event event, struct chunk of,
		  const u8 *data)
{
	/*
	 * Only while e->traced.  Fill a struct mmio_trace with what happened
	 * to these very bytes, and hand it to e->ops->trace(); value is the
	 * first up to 8 of them.  Then call it from above:
	 *	MMIO_WRITE	      a chunk that is not RAM, before anybody
	 *			      is asked, whole
	 *	MMIO_READ	      each piece that a device of the core gave
	 *	MMIO_READ_UNSATISFIED the rest of a chunk, when it is refused
	 *	MMIO_READ	      a fragment, when its last piece is there,
	 *			      whole
	 */
	lab_not_written("4.8", "trace", HEADER);
}
