/** @file
 * Grace periods.
 *
 * Two full barriers face each other.  The reader's stands between its counter
 * and its look at the pointer, the writer's between its store of the pointer
 * and its look at the counter:
 *
 *	reader                       writer
 *	count++ (odd)                pointer = new
 *	-- full barrier --           -- full barrier --
 *	p = pointer                  seen = count
 *
 * One of them sees the other: either p is new, or seen is odd and the writer
 * waits.  With anything weaker both could miss, on x86 as well: this is the
 * one reordering that x86 has.
 *
 * A reader that comes meanwhile is a case of the same: it stores itself into
 * the domain, where the counter stands above, and then enters.  Either the
 * writer meets it, or it finds the new pointer.
 *
 * The end of a section is a release and the writer's look an acquire: what the
 * reader did with the old thing comes before its free.
 */
#include "bus/srcu.h"

#include "bus/errno.h"

void srcu_init(struct srcu *srcu)
{
	memset(srcu, 0, sizeof(*srcu));
}

/** How many places there are to look at. */
static u32 places(const struct srcu *srcu)
{
	return smp_load_acquire(&srcu->readers);
}

/** The reader there, or NULL. */
static struct srcu_reader *reader_at(const struct srcu *srcu, u32 place)
{
	return smp_load_acquire(&srcu->reader[place]);
}

/**
 * The first place below or at `readers` that holds this; with NULL, a free one:
 * that of a reader who has gone, or the next of all.
 */
static u32 place_of(const struct srcu *srcu, const struct srcu_reader *reader)
{
	u32 i = 0, count = places(srcu);

	while (i < count && reader_at(srcu, i) != reader) {
		i++;
	}
	return i;
}

/*
 * The reader first, the count behind it: who sees the count sees the reader.
 * A writer that has read the smaller count does not wait for this one.  It need
 * not: the reader enters later than that, behind its own full barrier, and so
 * finds what the writer has published.
 */
int srcu_add_reader(struct srcu *srcu, struct srcu_reader *reader)
{
	u32 place = place_of(srcu, NULL);

	if (place == SRCU_READERS) {
		return -ENOSPC;
	}
	smp_store_release(&srcu->reader[place], reader);
	if (place == places(srcu)) {
		smp_store_release(&srcu->readers, place + 1);
	}
	return 0;
}

void srcu_remove_reader(struct srcu *srcu, struct srcu_reader *reader)
{
	u32 place = place_of(srcu, reader);

	if (place < places(srcu)) {
		smp_store_release(&srcu->reader[place], NULL);
	}
}

/*
 * A section is known by its counter.  To ask "is it odd?" would not do: who
 * ends and begins anew is odd again, and waiting for that one, and the next,
 * might never end.
 */

/** Whether a section that was open when its counter was `seen` still is. */
static bool is_open(struct srcu_reader *reader, u32 seen)
{
	return (seen & 1) && smp_load_acquire(&reader->count) == seen;
}

void srcu_wait_for_others(struct srcu *srcu, const struct srcu_reader *self)
{
	u32 count;

	smp_mb(); /* what was published before the look at the counters */
	count = places(srcu);
	for (u32 i = 0; i < count; i++) {
		struct srcu_reader *reader = reader_at(srcu, i);
		u32 seen;

		if (!reader || reader == self) {
			continue;
		}
		seen = smp_load_acquire(&reader->count);
		while (is_open(reader, seen)) {
			cpu_relax();
		}
	}
	smp_mb(); /* and the ends of sections before what follows */
}

void synchronize_srcu(struct srcu *srcu)
{
	srcu_wait_for_others(srcu, NULL);
}

/** Note the counters: what waits now waits for the odd ones. */
static void begin(struct srcu *srcu)
{
	u32 count;

	srcu->waiting = srcu->queued;
	srcu->queued = NULL;
	smp_mb(); /* what was published before the look at the counters */
	count = places(srcu);
	for (u32 i = 0; i < count; i++) {
		struct srcu_reader *reader = reader_at(srcu, i);

		srcu->seen[i] = reader ? smp_load_acquire(&reader->count) : 0;
	}
}

/** Whether all of them have changed, or gone. */
static bool is_over(struct srcu *srcu)
{
	for (u32 i = 0; i < SRCU_READERS; i++) {
		struct srcu_reader *reader;

		if (!(srcu->seen[i] & 1)) {
			continue;
		}
		reader = reader_at(srcu, i);
		if (reader && is_open(reader, srcu->seen[i])) {
			return false;
		}
		srcu->seen[i] = 0;
	}
	return true;
}

/** Call them; what a callback hands over anew waits for its own period. */
static void run(struct srcu *srcu)
{
	struct srcu_head *head = srcu->waiting;

	srcu->waiting = NULL;
	smp_mb(); /* the ends of sections before what the callbacks do */
	while (head) {
		struct srcu_head *next = head->next; /* call() frees head */

		head->call(head);
		head = next;
	}
}

/*
 * Two queues, so that a period that has begun need not begin again for who
 * comes meanwhile:
 *
 *	call_srcu() --> queued --begin()--> waiting --is_over()--> run()
 *
 * What is in `waiting` was handed over before the counters in seen[] were
 * noted; what is in `queued` may be newer than they, and must not be called
 * when they have changed.
 */
void srcu_poll(struct srcu *srcu)
{
	if (srcu->waiting && is_over(srcu)) {
		run(srcu);
	}
	if (!srcu->waiting && srcu->queued) {
		begin(srcu);
		if (is_over(srcu)) {
			run(srcu);
		}
	}
}

void call_srcu(struct srcu *srcu, struct srcu_head *head,
	       void (*call)(struct srcu_head *head))
{
	head->call = call;
	head->next = srcu->queued;
	srcu->queued = head;
	srcu_poll(srcu);
}

void srcu_barrier(struct srcu *srcu)
{
	while (srcu->waiting || srcu->queued) {
		srcu_poll(srcu);
		if (srcu->waiting) {
			cpu_relax();
		}
	}
}
