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
	u32 size;   /* bytes */
	u32 offset; /* of its bytes in data[] */
};

/** What is known of reads[count]. */
enum read_pending {
	READ_NONE,     /* nothing: the next new read is performed */
	READ_WAITS,    /* its fragments are with the VMM */
	READ_ANSWERED, /* its bytes are in data[]; to be taken exactly once */
};

struct read_cache {
	u32 next;    /* the read that this pass issues next */
	u32 count;   /* reads that are complete */
	u32 end;     /* bytes of data[] that they fill */
	u32 pending; /* enum read_pending, about reads[count] */
	struct read_record reads[READ_CACHE_READS];
	u8 data[READ_CACHE_BYTES];
};

/**
 * Forget every read: a new instruction, or the next iteration of a string
 * instruction, begins.  Step 3.1.  Must not clear reads[] and data[]: they
 * are large, and nobody looks at a byte of them that was not written before.
 */
void read_cache_begin(struct emulator *e);

/**
 * A pass begins that runs the instruction again: serve from read 0 on.
 * Step 3.1.  Nothing that was read is forgotten.
 */
void read_cache_rewind(struct emulator *e);

/**
 * Read guest memory for the instruction.  Steps 3.2 and 3.3.
 *
 * - A read that the cache holds (next is below count) is served from it,
 *   after its address and size were compared.
 * - One that has just been answered is compared as well; then it is complete,
 *   and READ_ANSWERED is over.
 * - Any other is new.  It must fit: all bytes of the instruction's reads stay
 *   *below* READ_CACHE_BYTES, and there are at most READ_CACHE_READS.  It is
 *   performed by fragments_read(), with the end of data[] for its bytes, and
 *   complete when that says EMUL_DONE.
 *
 * @param e    the emulator
 * @param at   linear address, size and kind of the access
 * @param dst  gets at->size bytes; untouched unless the result is EMUL_DONE
 * @return EMUL_DONE; EMUL_IO_NEEDED when the VMM must answer first: the read
 *         is recorded as reads[count] and waits, and the pass ends;
 *         EMUL_FAULT with e->exception; EMUL_UNHANDLEABLE with e->error when
 *         the cache is full, a replay differs, or a read comes while another
 *         one waits; EMUL_RETRY
 */
enum emul_result __must_check read_cache_read(struct emulator *e,
					      const struct mem_access *at,
					      void *dst);

/**
 * The VMM has answered the last piece of the read that waits; its bytes have
 * been put where fragments_read() was told.  Step 3.4.
 *
 * @return EMUL_DONE, or EMUL_UNHANDLEABLE with e->error when no read waits
 */
enum emul_result __must_check read_cache_answered(struct emulator *e);

/**
 * Whether this pass has taken everything that there was: all complete reads
 * were served and no answer is left.  Step 3.4: asked when a pass is done.  An
 * answer left over would be taken for the value of some later read.
 */
bool read_cache_settled(const struct emulator *e);

/**
 * Run the instruction, which has been decoded and whose operands have been
 * located, for the first time.  Steps 3.5 and 3.6.
 *
 * The reads of the instruction before are forgotten.  Then comes a pass:
 *
 * - it starts from the vCPU's own registers (context_begin_pass());
 * - it executes: execute_run(), or string_step() if string_is();
 * - EMUL_DONE: it must be settled (else EMUL_UNHANDLEABLE with e->error), and
 *   is committed (context_commit());
 * - EMUL_IO_NEEDED: a read waits.  The vCPU stays as it was, so that the
 *   registers which the VMM sees are those of before the instruction;
 * - anything else: whatever is pending is given up (emulator_cancel()).
 *
 * A string instruction that was done goes on while string_goes_on(): each
 * iteration is a pass of its own, and has reads of its own.
 *
 * @return EMUL_DONE; EMUL_IO_NEEDED: a read waits, or the pass was committed
 *         and has left writes for the VMM (emulator_has_pending());
 *         EMUL_FAULT, EMUL_UNHANDLEABLE, EMUL_RETRY: nothing is pending
 */
enum emul_result __must_check read_cache_run(struct emulator *e);

/**
 * Run it again, since its question has been answered.  Step 3.5.
 *
 * As read_cache_run(), but the first pass is served what was read before.
 * The instruction is neither fetched nor decoded again: e->insn still holds
 * it, whatever stands in the guest's memory by now (spec 3.1).
 */
enum emul_result __must_check read_cache_rerun(struct emulator *e);

/**
 * Give up what is waiting or answered: an exception takes the instruction's
 * place, or the vCPU is reset.  Step 3.6.  The fragments are given up by the
 * caller.  The next instruction begins as if nothing had been.
 */
void read_cache_cancel(struct emulator *e);

#endif
