/** @file
 * Fragments: one access, cut up and carried to the VMM and back (lab 4).
 *
 * What the instruction calls one access is up to four things on its way:
 *
 *	access    16 bytes at ...ffa        what the instruction says
 *	chunk     6 | 10                    cut at the page boundary: at most 2
 *	fragment  6 | 10                    what is left of a chunk that neither
 *	                                    RAM nor a device of the core took
 *	piece     6 | 8, 2                  at most 8 bytes: one exit to the VMM
 *
 * Both pages are translated before anything is touched.  Then, chunk by
 * chunk, lower address first: RAM, unless the page is known to be MMIO; then
 * the core's devices, piece by piece, up to the first refusal; the rest is a
 * fragment.  A read with fragments ends the pass; a write is queued, the
 * instruction goes on and commits, and the queue is delivered afterwards.
 * An instruction that writes several times queues each of them, in order.
 *
 * A read fragment names its destination as an offset into the read cache; a
 * write fragment owns its bytes.  There is no pointer in here: the state may
 * be copied, saved and restored between two exits (spec 10.1, 10.9).
 */
#ifndef EMULATOR_FRAGMENTS_H
#define EMULATOR_FRAGMENTS_H

#include "emulator/emul_types.h"

/** Two for each of the eight writes of PUSHA; no instruction makes more. */
#define FRAGMENTS_MAX 16

struct mmio_fragment {
	gpa_t gpa;  /* of its first byte; stays while pieces are answered */
	u16 len;    /* bytes, 1 to MEM_ACCESS_MAX */
	u16 offset; /* read: where its bytes go in read_cache.data[] */
	u8 data[MEM_ACCESS_MAX]; /* write: its bytes */
};

struct fragments {
	u8 count;      /* in queue[]; 0 means that nothing is pending */
	u8 current;    /* the fragment whose piece is due */
	u8 done;       /* bytes of it that have been answered */
	bool is_write; /* all of queue[] goes one way */
	struct mmio_fragment queue[FRAGMENTS_MAX];
};

/** Nothing is pending: a new instruction, or what was pending is given up. */
void fragments_reset(struct emulator *e);

/**
 * Read memory into the read cache.  Steps 4.1 to 4.4 and 4.8.
 *
 * @param e       the emulator
 * @param at      linear address, size and kind (EMUL_WRITE if the same bytes
 *                will be written by this instruction)
 * @param offset  where the bytes go in e->reads.data[]
 * @return EMUL_DONE: all bytes are there; EMUL_IO_NEEDED: fragments are
 *         pending, the other bytes are there; EMUL_FAULT: e->exception, and
 *         nothing was touched; EMUL_UNHANDLEABLE; EMUL_RETRY
 */
enum emul_result __must_check fragments_read(struct emulator *e,
					     const struct mem_access *at,
					     u16 offset);

/**
 * Write memory.  Steps 4.1 to 4.4, 4.7 and 4.8.
 *
 * @param e    the emulator
 * @param at   linear address and size, kind EMUL_WRITE
 * @param src  at->size bytes; copied, may be on the stack
 * @return EMUL_DONE, also when fragments were queued; EMUL_FAULT:
 *         e->exception, and nothing was touched; EMUL_UNHANDLEABLE; EMUL_RETRY
 */
enum emul_result __must_check fragments_write(struct emulator *e,
					      const struct mem_access *at,
					      const void *src);

/**
 * The piece that is due.  Step 4.5.
 *
 * @param e      the emulator
 * @param piece  is filled: the next up to 8 bytes of the current fragment,
 *               with the data of a write, all zero for a read
 * @return false when nothing is pending; piece is untouched then
 */
bool fragments_piece(const struct emulator *e, struct mmio_piece *piece);

/**
 * The VMM has answered the piece that was due.  Step 4.6.
 *
 * How long it was, where it goes and which way stands in here, not in what
 * the VMM hands over: of that only the bytes of a read's answer count
 * (TOCTOU).  A read fragment that is complete is traced (MMIO_READ).
 *
 * @param e     the emulator
 * @param data  8 bytes; ignored for a write
 * @return EMUL_IO_NEEDED: another piece is due; EMUL_DONE: that was the last
 *         one, nothing is pending; EMUL_UNHANDLEABLE: nothing was pending
 */
enum emul_result __must_check fragments_complete(struct emulator *e,
						 const u8 *data);

#endif
