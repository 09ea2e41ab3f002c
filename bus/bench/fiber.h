/** @file
 * Threads of the scenario: fibers of one real thread.
 *
 * A fiber gives way only inside of a call to the bench, and only before what
 * others could notice: a marked access, a lock, the start of a read section or
 * grace period.  Everything between two such points is one step.
 */
#ifndef BUS_BENCH_FIBER_H
#define BUS_BENCH_FIBER_H

#include "bus/bench/model.h"

/** Make thread `id`, ready to run; thread 0 runs on the bench's own stack. */
void fiber_start(int id, const struct bench_thread *job);

/** Go on with a thread; comes back to bench->scheduler. */
__noreturn void fiber_resume(int id);

/** A point where another thread may come first. */
void fiber_point(void);

/** Give way until fiber_enabled(). */
void fiber_block(enum wait wait, int wait_for);

/** @return whether a thread can go on */
bool fiber_enabled(const struct fiber *t);

/** @return whether the grace period that the thread waits for is over */
bool fiber_grace_over(const struct fiber *t);

/** The last plain store has reached memory by now: note its value. */
void fiber_settle(void);

/** Add a line to the trace; with it the thread's clock moves. */
struct event *fiber_event(enum event_kind kind,
			  const struct bench_where *where);

/**
 * A choice of the search.
 * @param count how many ways there are
 * @param costs a way other than the first makes the execution less simple
 * @return 0 to count - 1
 */
int fiber_choose(int count, bool costs);

/** Leave this execution, whatever happens in it. */
__noreturn void fiber_end_execution(void);

/** A guess that turned out wrong: this was no real execution. */
__noreturn void fiber_drop(void);

#endif
