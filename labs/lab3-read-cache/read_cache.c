/** @file
 * Lab 3: each read of an instruction happens once.
 *
 * This is your file.  The contract of each function stands in
 * emulator/read_cache.h, the handout in labs/lab3-read-cache/README.md.  Go
 * through the steps in their order; when a function is written, its
 * lab_not_written() goes.  `make host LAB=3` tries your functions one by one,
 * without a VM; `make grade LAB=3` names the step that is missing, and later
 * the rule that is broken.
 *
 * Think of the reads of one instruction as a list that only grows.  A pass
 * goes through it from the front: what is in the list is served from it, what
 * is not is performed and appended.  All that you remember is in e->reads,
 * nothing of it is a pointer, and nothing of yours is in another place: when
 * the VMM is asked, your stack is gone.
 */
#include "emulator/read_cache.h"

#include "bus/lab.h"
#include "emulator/execute.h"
#include "emulator/memory.h"
#include "emulator/string.h"

#define HEADER "emulator/read_cache.h"

/* For as long as the functions below ignore what they are given. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* 3.1 A pass begins -------------------------------------------------------- */

void read_cache_begin(struct emulator *e)
{
	/*
	 * The list is empty, and nothing waits.  Four fields; why is it right
	 * that reads[] and data[] are left as they are?
	 */
	lab_not_written("3.1", "read_cache_begin", HEADER);
}

void read_cache_rewind(struct emulator *e)
{
	/* The same list again, from its front.  One field. */
	lab_not_written("3.1", "read_cache_rewind", HEADER);
}

/* 3.3 A read that is new --------------------------------------------------- */

/** Perform reads[count], which is new; its bytes go to the end of data[]. */
static enum emul_result perform(struct emulator *e, const struct mem_access *at)
{
	/*
	 * Step 3.2 comes first: write read_cache_read() below.
	 *
	 * 1. Does it fit?  A place in reads[], and room in data[]: `end` must
	 *    stay below READ_CACHE_BYTES.  If not: context_stop(e, "...").
	 * 2. Fill the record, before it is known how the read will end.
	 * 3. fragments_read(e, at, OFFSET): its bytes are to land in data[],
	 *    behind those of the reads before.
	 * 4. EMUL_DONE: the read is complete.  It belongs to the list now.
	 *    EMUL_IO_NEEDED: it waits.  What of it may be in the list?
	 *    Anything else: this read has not taken place.
	 */
	lab_not_written("3.3", "read_cache_read", HEADER);
}

/* 3.2 Reading -------------------------------------------------------------- */

enum emul_result read_cache_read(struct emulator *e,
				 const struct mem_access *at, void *dst)
{
	/*
	 * 1. Which read of this pass is it: one of the list, or one behind
	 *    its end?
	 * 2. Of the list: hold address and size against the record.  If they
	 *    differ, context_stop(e, "...").  Else copy the bytes to dst
	 *    (memory_copy()), and the next read is the next one.
	 * 3. Behind the end, and nothing is pending: perform(), and if that is
	 *    EMUL_DONE, the read is one of the list: as 2.
	 * 4. Behind the end, and it has been answered: its bytes are in data[]
	 *    already, at the place that step 3.3 has chosen.  Now the read is
	 *    complete: into the list with it, once, and then as 2.
	 * 5. Behind the end, and it still waits: that must not happen.
	 */
	lab_not_written("3.2", "read_cache_read", HEADER);
	return perform(e, at);
}

/* 3.4 The answer ----------------------------------------------------------- */

enum emul_result read_cache_answered(struct emulator *e)
{
	/* Only a read that waits can be answered, and only once. */
	lab_not_written("3.4", "read_cache_answered", HEADER);
}

bool read_cache_settled(const struct emulator *e)
{
	/* Is there anything in the list, or answered, that nobody took? */
	lab_not_written("3.4", "read_cache_settled", HEADER);
}

/* 3.5 Passes --------------------------------------------------------------- */

/**
 * Call each step before 3.5 once, in their order, so that the first one which
 * is missing is the one you are told.  What the calls do does not matter, as
 * the VM stops right after.  Remove this function when you write step 3.5.
 */
static void first_missing_step(struct emulator *e)
{
	struct mem_access code = { gva(e->rip), 1, EMUL_READ };
	u8 byte;

	read_cache_begin(e);
	read_cache_rewind(e);
	(void)!read_cache_read(e, &code, &byte);
	(void)!read_cache_answered(e);
	(void)read_cache_settled(e);
}

enum emul_result read_cache_run(struct emulator *e)
{
	first_missing_step(e);
	/*
	 * Write two small functions first: one that makes a pass, one that
	 * goes on with the passes of a string instruction.
	 *
	 * A pass:
	 * 1. context_begin_pass(): whatever an earlier pass has put into
	 *    e->out[] is void.
	 * 2. execute_run(), or string_step() if string_is().
	 * 3. Done, but not settled?  That is a mistake of ours, not success.
	 * 4. Done: context_commit().  It may have left writes for the VMM
	 *    (emulator_has_pending()): then the result is EMUL_IO_NEEDED.
	 * 5. Waiting: nothing.  Anything else: emulator_cancel().
	 *
	 * After a pass of a string instruction that was EMUL_DONE: while
	 * string_goes_on(), the next iteration, with an empty list.
	 */
	lab_not_written("3.5", "read_cache_run", HEADER);
}

enum emul_result read_cache_rerun(struct emulator *e)
{
	/* The same, but the first pass begins with the list as it is. */
	lab_not_written("3.5", "read_cache_rerun", HEADER);
}

/* 3.6 Giving up ------------------------------------------------------------ */

void read_cache_cancel(struct emulator *e)
{
	/*
	 * Called for you by emulator_cancel(): after a fault, at a reset of
	 * the vCPU.  What must be gone, so that no later instruction takes an
	 * answer that was not its own?
	 */
	lab_not_written("3.6", "read_cache_cancel", HEADER);
}
