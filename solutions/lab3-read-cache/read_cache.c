/** @file
 * Lab 3, the reference: each read of an instruction happens once.
 *
 * Think of the reads of one instruction as a list that only grows.  A pass
 * goes through it from the front: what is in the list is served from it, what
 * is not is performed and appended.  When a read has to wait for the VMM, the
 * pass ends, and the next one - with the same decoded instruction and the
 * same registers - goes through the same list and comes to the same place,
 * where the bytes now lie.
 *
 *	pass 1:  read 0 performed, appended; read 1 waits
 *	exit, answer: its bytes land at data[end], where read 1 belongs
 *	pass 2:  read 0 served; read 1 taken; read 2 performed ...
 *
 * "Waits" and "answered" speak of one numbered read, reads[count].  It cannot
 * be mistaken for another one: whoever takes it must come with its address
 * and size.  KVM keeps a plain flag instead, and a flag that nobody takes
 * poisons the next instruction.
 */
#include "emulator/read_cache.h"

#include "emulator/execute.h"
#include "emulator/memory.h"
#include "emulator/string.h"

void read_cache_begin(struct emulator *e)
{
	e->reads.next = 0;
	e->reads.count = 0;
	e->reads.end = 0;
	e->reads.pending = READ_NONE;
}

void read_cache_rewind(struct emulator *e)
{
	e->reads.next = 0;
}

static bool same(const struct read_record *record, const struct mem_access *at)
{
	return record->address.v == at->address.v && record->size == at->size;
}

/** The read that the pass is at is in the list: hand it out. */
static enum emul_result serve(struct emulator *e, const struct mem_access *at,
			      void *dst)
{
	const struct read_record *record = &e->reads.reads[e->reads.next];

	if (unlikely(!same(record, at))) {
		return context_stop(e, "read cache: this pass reads another "
				       "place");
	}
	memory_copy(dst, &e->reads.data[record->offset], at->size);
	e->reads.next++;
	return EMUL_DONE;
}

/** reads[count] is complete: it belongs to the list from now on. */
static inline void append(struct read_cache *reads, unsigned int size)
{
	reads->end += size;
	reads->count++;
	reads->pending = READ_NONE;
}

/** Perform reads[count], which is new; its bytes go to the end of data[]. */
static enum emul_result perform(struct emulator *e,
				const struct mem_access *at)
{
	struct read_cache *reads = &e->reads;
	struct read_record *record = &reads->reads[reads->count];
	enum emul_result result;

	if (reads->count == READ_CACHE_READS ||
	    reads->end + at->size >= READ_CACHE_BYTES) {
		return context_stop(e, "read cache: one instruction reads too "
				       "much");
	}
	record->address = at->address;
	record->size = at->size;
	record->offset = reads->end;
	result = fragments_read(e, at, reads->end);
	if (!result) {
		append(reads, at->size);
	} else if (result == EMUL_IO_NEEDED) {
		reads->pending = READ_WAITS;
	}
	return result;
}

enum emul_result read_cache_read(struct emulator *e,
				 const struct mem_access *at, void *dst)
{
	struct read_cache *reads = &e->reads;
	enum emul_result result = EMUL_DONE;

	if (reads->next == reads->count) {
		if (reads->pending == READ_ANSWERED) {
			append(reads, at->size);
		} else if (reads->pending == READ_NONE) {
			result = perform(e, at);
		} else {
			result = context_stop(e, "read cache: a read while one "
						 "waits for the VMM");
		}
	}
	return result ? result : serve(e, at, dst);
}

enum emul_result read_cache_answered(struct emulator *e)
{
	if (e->reads.pending != READ_WAITS) {
		return context_stop(e, "read cache: an answer to no read");
	}
	e->reads.pending = READ_ANSWERED;
	return EMUL_DONE;
}

bool read_cache_settled(const struct emulator *e)
{
	return e->reads.pending == READ_NONE && e->reads.next == e->reads.count;
}

/** Commit a pass that is done; drop what is pending if it went wrong. */
static inline enum emul_result end_pass(struct emulator *e,
					enum emul_result result)
{
	if (likely(!result)) {
		context_commit(e);
		return emulator_has_pending(e) ? EMUL_IO_NEEDED : EMUL_DONE;
	}
	if (unlikely(result != EMUL_IO_NEEDED)) {
		emulator_cancel(e);
	}
	return result;
}

/** A pass that began with an answer must have taken it. */
static enum emul_result check_taken(struct emulator *e, enum emul_result result)
{
	if (!result && !read_cache_settled(e)) {
		return context_stop(e, "read cache: an answer was not taken");
	}
	return result;
}

/** Iteration after iteration: a pass each, and reads of its own. */
static __noinline enum emul_result run_string(struct emulator *e)
{
	enum emul_result result;

	context_begin_pass(e);
	result = end_pass(e, check_taken(e, string_step(e)));
	while (!result && string_goes_on(e)) {
		read_cache_begin(e);
		context_begin_pass(e);
		result = end_pass(e, string_step(e));
	}
	return result;
}

enum emul_result read_cache_run(struct emulator *e)
{
	read_cache_begin(e);
	if (unlikely(string_is(e))) {
		return run_string(e);
	}
	context_begin_pass(e);
	return end_pass(e, execute_run(e));
}

/** Anything else, with an answer. */
static __noinline enum emul_result run_answered(struct emulator *e)
{
	context_begin_pass(e);
	return end_pass(e, check_taken(e, execute_run(e)));
}

enum emul_result read_cache_rerun(struct emulator *e)
{
	read_cache_rewind(e);
	return string_is(e) ? run_string(e) : run_answered(e);
}

void read_cache_cancel(struct emulator *e)
{
	read_cache_begin(e);
}
