/** @file
 * The read cache: each read of an instruction happens once (lab 3).
 *
 * An instruction that reads a device register which the VMM answers cannot
 * go on: vcpu_run() returns, the stack is gone, and the instruction is *run
 * again from the start* when the answer is there.  What it had read before
 * must not be read a second time - popping a FIFO twice loses a byte, RAM may
 * have changed meanwhile - so every read of an instruction goes through this
 * cache, RAM included, and a second pass gets from it what the first one saw.
 *
 *	reads[]   0        1        2         a record a read, in program order
 *	         +--------+--------+..........
 *	data[]   | 4 B    | 8 B    |
 *	         +--------+--------+..........
 *	                  ^        ^
 *	          next (this pass) count (complete)      pending: reads[count]
 *
 * An answer lands in data[] itself: a fragment (lab 4) names its destination
 * as an offset into data[], so that nothing points into a dead stack frame
 * and nothing is copied over the half that came from RAM.
 *
 * The pass is deterministic, so read number n of a second pass is read number
 * n of the first.  The cache holds it to that: an address or size that
 * differs is a bug of ours and stops the VM (spec 10.4).
 */
#ifndef EMULATOR_READ_CACHE_H
#define EMULATOR_READ_CACHE_H

#include "emulator/emul_types.h"

/** All reads of one instruction together stay below this (spec 3.2). */
#define READ_CACHE_BYTES 1024

/** And there are at most this many. */
#define READ_CACHE_READS 64

/** A read that happened, or the one that waits for its answer. */
struct read_record {
	gva_t address;
	u16 size;   /* bytes */
	u16 offset; /* of its bytes in data[] */
};

/** What is known of reads[count]. */
enum read_pending {
	READ_NONE,     /* nothing: the next new read is performed */
	READ_WAITS,    /* its fragments are with the VMM */
	READ_ANSWERED, /* its bytes are in data[]; to be taken exactly once */
};

struct read_cache {
	u16 next;   /* the read that this pass issues next */
	u16 count;  /* reads that are complete */
	u16 end;    /* bytes of data[] that they fill */
	u8 pending; /* enum read_pending, about reads[count] */
	struct read_record reads[READ_CACHE_READS];
	u8 data[READ_CACHE_BYTES];
};

/**
 * Forget every read: a new instruction, or the next iteration of a string
 * instruction, begins.  Step 3.1.  Must not clear data[]: it is large, and
 * nothing reads a byte of it that was not written before.
 */
void read_cache_begin(struct emulator *e);

/** The instruction is run again: serve from read 0 on.  Step 3.1. */
void read_cache_rewind(struct emulator *e);

/**
 * Read guest memory for the instruction.  Steps 3.2 and 3.3.
 *
 * A read that the cache holds is served from it, after its address and size
 * were compared.  One that has just been answered is complete now.  Any other
 * is performed by fragments_read(), straight into data[].
 *
 * @param e    the emulator
 * @param at   linear address, size and kind of the access
 * @param dst  gets at->size bytes; untouched unless the result is EMUL_DONE
 * @return EMUL_DONE; EMUL_IO_NEEDED when the VMM must answer first (the read
 *         is remembered and the pass ends); EMUL_FAULT with e->exception;
 *         EMUL_UNHANDLEABLE when the cache is full or a replay differs;
 *         EMUL_RETRY
 */
enum emul_result __must_check read_cache_read(struct emulator *e,
					      const struct mem_access *at,
					      void *dst);

/**
 * The VMM has answered the last piece of the pending read.  Step 3.4.
 *
 * @return EMUL_DONE, or EMUL_UNHANDLEABLE when no read was pending
 */
enum emul_result __must_check read_cache_answered(struct emulator *e);

/**
 * Whether this pass took everything that was answered.  Step 3.4: asked when
 * a completion pass has ended; an answer left over would be taken for the
 * value of some later read.
 */
bool read_cache_settled(const struct emulator *e);

/** Give a pending read up: exception, reset, restored state.  Step 3.6. */
void read_cache_cancel(struct emulator *e);

#endif
