/** @file
 * Views: which store of each location is the oldest still possible.
 */
#ifndef BUS_BENCH_VIEW_H
#define BUS_BENCH_VIEW_H

#include "bus/bench/model.h"

/** @return where a store stands in its location's order; 0 for none */
static inline int view_position(unsigned int store)
{
	return store ? bench->store[store].position : 0;
}

/** Forget everything. */
void view_clear(struct view *view);

/** Make one view another's copy. */
void view_copy(struct view *to, const struct view *from);

/** Learn what the other knows: the later store of each location. */
void view_join(struct view *to, const struct view *from);

/** Let a thread's view of one kind learn from a view. */
static inline void view_learn(struct fiber *t, enum view_kind kind,
			      const struct view *from)
{
	view_join(&t->view[kind], from);
}

/** Know of this store of the location, if it is later than what was known. */
void view_raise(struct view *view, int location, unsigned int store);

/** Forget a location in every view: it has just come to be. */
void view_clear_column(int location);

/** @return a number that is the same for equal views, in any execution */
u64 view_hash(const struct view *view);

#endif
