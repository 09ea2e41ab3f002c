/** @file
 * SRCU: readers that never wait and never make a writer wait for nothing.
 *
 * A reader looks at something that a writer may replace at any time.  It marks
 * where it begins and ends; the writer publishes the new thing, and frees the
 * old one when every reader that may have seen it has ended: after a grace
 * period.  Readers that began later do not count, they see the new thing.
 *
 *	reader        |---- old ----|      |---- new ----|
 *	writer     publish |........ grace ..| free(old)
 *	reader                          |--- new ---|
 *
 * Each reader counts on a counter of its own, in a cache line of its own: odd
 * inside, even outside.  A writer notes the counters; those that were odd must
 * change once.  Sections do not nest, and none is held while a guest runs.
 *
 * Who may do what at the same time, where "one" means that a lock of theirs
 * sees to it:
 *
 *	srcu_read_lock() and _unlock()              each reader by itself
 *	synchronize_srcu(), srcu_wait_for_others()  any number
 *	call_srcu(), srcu_poll(), srcu_barrier()    one
 *	srcu_add_reader()                           one
 *	srcu_remove_reader()                        any number
 *
 * None of these rows excludes another: a reader may come or go while others
 * wait.  The names are Linux's where Linux has the thing.
 */
#ifndef BUS_SRCU_H
#define BUS_SRCU_H

#include "bus/access.h"
#include "bus/types.h"

/** At most so many readers a domain. */
#define SRCU_READERS 16

/** One CPU's or vCPU's counter; written by it alone. */
struct srcu_reader {
	u32 count; /* odd inside a section */
} __aligned(64);

/** Inside of what call_srcu() is to free. */
struct srcu_head {
	struct srcu_head *next;
	void (*call)(struct srcu_head *head);
};

struct srcu {
	/* changed by srcu_add_reader(), srcu_remove_reader(); marked */
	struct srcu_reader *reader[SRCU_READERS]; /* NULL: a free place */
	u32 readers;				  /* places in use so far */
	/* owned by callers of call_srcu(), srcu_poll(), srcu_barrier() */
	u32 seen[SRCU_READERS];	   /* counters when `waiting` began to wait */
	struct srcu_head *waiting; /* for the readers in seen[] */
	struct srcu_head *queued;  /* until waiting is empty; newest first */
};

/** Make a domain without readers. */
void srcu_init(struct srcu *srcu);

/**
 * From now on grace periods wait for this reader.
 * @param srcu   the domain
 * @param reader is outside; enters only when this has returned
 * @return 0, or -ENOSPC: SRCU_READERS are there
 */
int __must_check srcu_add_reader(struct srcu *srcu, struct srcu_reader *reader);

/**
 * Never again.  Whoever is waiting already may still look at it: its memory
 * stays until calls that are under way have come back.
 * @param srcu   the domain
 * @param reader is outside of any section
 */
void srcu_remove_reader(struct srcu *srcu, struct srcu_reader *reader);

/**
 * Begin to read.  A full barrier: smp_mb__after_srcu_read_lock() is free.
 * @param srcu   the domain that the reader belongs to
 * @param reader the caller's own, outside of a section
 */
static inline void srcu_read_lock(struct srcu *srcu, struct srcu_reader *reader)
{
	(void)srcu;
	__atomic_fetch_add(&reader->count, 1, __ATOMIC_SEQ_CST);
}

/** End it: what the section did is before whatever follows a grace period. */
static inline void srcu_read_unlock(struct srcu *srcu,
				    struct srcu_reader *reader)
{
	(void)srcu;
	smp_store_release(&reader->count, reader->count + 1);
}

/**
 * Wait until every section that is open now has ended.  Not from inside one.
 * Any number of callers at a time.
 */
void synchronize_srcu(struct srcu *srcu);

/**
 * The same for one who may be inside of a section itself, and answers for it:
 * what the caller has looked at in there it uses no more.
 * @param srcu the domain
 * @param self whose section is not waited for; NULL: all are
 */
void srcu_wait_for_others(struct srcu *srcu, const struct srcu_reader *self);

/**
 * Have call(head) called after a grace period, and go on at once.  It runs in
 * a later call_srcu(), srcu_poll() or srcu_barrier(), or in this one.
 * @param head lies in what is freed; not in use by another call_srcu()
 */
void call_srcu(struct srcu *srcu, struct srcu_head *head,
	       void (*call)(struct srcu_head *head));

/** Call what can be called by now, without waiting. */
void srcu_poll(struct srcu *srcu);

/** Wait until all that was handed to call_srcu() has been called. */
void srcu_barrier(struct srcu *srcu);

#endif
