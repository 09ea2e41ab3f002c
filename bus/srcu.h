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
 * Readers may be many at a time.  Of those who call srcu_add_reader(),
 * call_srcu(), srcu_poll() and srcu_barrier() there is one at a time: a lock
 * of theirs sees to it.  The names are Linux's.
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
	/* changed only while no other call on the domain is under way */
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
 * From now on grace periods wait for this reader, which is outside.
 * @return 0, or -ENOSPC: SRCU_READERS are there
 */
int __must_check srcu_add_reader(struct srcu *srcu, struct srcu_reader *reader);

/** Never again; it is outside of any section. */
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
