/** @file
 * Marked accesses: the loads and stores by which threads talk.
 *
 * A load may return any store that is not older than the thread's floor.  A
 * store may land before stores that the thread has not heard of.  Which one it
 * is, the search decides: each choice is tried.
 */
#include "bus/bench/bench.h"

#include <string.h>

#include "bus/bench/fiber.h"
#include "bus/bench/location.h"
#include "bus/bench/model.h"
#include "bus/bench/store.h"
#include "bus/bench/race.h"
#include "bus/bench/view.h"

void bench_private(const void *p, size_t bytes)
{
	fiber_settle();
	ME->private = (uintptr_t)p;
	ME->private_bytes = bytes;
}

/** Carry out the barrier that is on trial before this line. */
static void try_virtual(const struct bench_where *where)
{
	struct virtual_fence *v = &bench->virtual;

	if (v->fence && where->file && where->line == v->line &&
	    strcmp(where->file, v->file) == 0) {
		v->met = true;
		bench_fence(v->fence, NULL);
	}
}

/** What all marked accesses begin with. @return the location */
static int enter(uintptr_t address, enum event_kind kind,
		 const struct bench_where *where)
{
	struct event access = { .kind = kind, .where = *where };

	fiber_point();
	try_virtual(where);
	race_check_object(address, where->bytes, &access);
	return location_of(address, where->bytes);
}

/** What a load that returns this store teaches the thread. */
static void learn(int location, int store, bool acquire)
{
	struct fiber *t = ME;
	struct store *s = &bench->store[store];

	view_raise(&t->view[FLOOR], location, store);
	if (acquire || bench->x86) {
		view_learn(t, FLOOR, &s->message);
	}
	view_learn(t, HEARD, &t->view[FLOOR]);
	view_learn(t, HEARD, &s->message);
	view_learn(t, STRONG, &s->strong);
	race_add_depends(store, NULL);
	bench->location[location].read[bench->now] = t->events;
	t->history = model_mix(t->history, s->value);
	t->last_load = location;
}

void bench_load(const volatile void *p, void *out,
		const struct bench_where *where)
{
	uintptr_t address = (uintptr_t)p;
	struct location *l;
	struct event *e;
	int location, floor, back, store;

	fiber_settle();
	if (!location_tracked(address)) {
		memcpy(out, (const void *)address, where->bytes);
		return;
	}
	location = enter(address, LOAD, where);
	l = &bench->location[location];
	floor = race_floor(&ME->view[FLOOR], location);
	e = fiber_event(LOAD, where);
	e->location = location;
	race_check_marked_read(location, floor, e);
	back = fiber_choose(l->count - floor, true);
	store = l->order[l->count - 1 - back];
	e->store = store;
	e->value = bench->store[store].value;
	e->newer = back ? l->order[l->count - back] : 0;
	memcpy(out, &e->value, where->bytes);
	if (bench->store[store].origin == UNINITIALISED) {
		bench_fail("uninitialised memory: this read of %s returns what "
			   "was there before", location_text(address));
	}
	learn(location, store, where->kind == BENCH_ACQUIRE);
}

/** Where the store may land, newest first; not before an atomic change. */
static int choose_place(int location)
{
	struct location *l = &bench->location[location];
	int lowest = view_position(ME->view[HEARD].store[location]) + 1;
	int places[STORES_PER_LOCATION], count = 0;

	for (int p = l->count; p >= lowest; p--) {
		if (p == l->count || !bench->store[l->order[p]].rmw) {
			places[count++] = p;
		}
	}
	return places[fiber_choose(count, true)];
}

void bench_store(volatile void *p, const void *in,
		 const struct bench_where *where)
{
	uintptr_t address = (uintptr_t)p;
	int location, place;
	struct event *e;
	struct store *s;

	fiber_settle();
	if (!location_tracked(address)) {
		memcpy((void *)address, in, where->bytes);
		return;
	}
	location = enter(address, STORE, where);
	e = fiber_event(STORE, where);
	e->location = location;
	race_check_store(location, false);
	place = choose_place(location);
	e->odd = place < bench->location[location].count;
	s = store_new(location);
	memcpy(&s->value, in, where->bytes);
	e->store = s - bench->store;
	e->value = s->value;
	store_place(s, place,
			  where->kind == BENCH_RELEASE || bench->x86);
	memcpy((void *)address, in, where->bytes);
}

static u64 changed(u64 old, const struct bench_change *change,
		   unsigned int bytes)
{
	u64 value = change->operation == BENCH_ADD ? old + change->value :
						     change->value;

	return value & BITS(8 * bytes - 1, 0);
}

/** An atomic change works on the newest value there is. */
u64 bench_rmw(volatile void *p, const struct bench_change *change,
	      const struct bench_where *where)
{
	uintptr_t address = (uintptr_t)p;
	int location, last;
	struct event *e;
	struct store *s;
	u64 old;

	if (change->full) {
		bench_fence(BENCH_MB, NULL);
	}
	location = enter(address, RMW, where);
	e = fiber_event(RMW, where);
	e->location = location;
	race_check_store(location, false);
	last = bench->location[location].order[bench->location[location].count -
					       1];
	old = bench->store[last].value;
	learn(location, last, where->kind == BENCH_ACQUIRE);
	if (change->operation != BENCH_COMPARE ||
	    old == (change->expected & BITS(8 * where->bytes - 1, 0))) {
		s = store_new(location);
		s->rmw = true;
		s->value = changed(old, change, where->bytes);
		e->store = s - bench->store;
		e->value = s->value;
		store_place(s, bench->location[location].count,
				  where->kind == BENCH_RELEASE || bench->x86);
		memcpy((void *)address, &s->value, where->bytes);
	}
	if (change->full) {
		bench_fence(BENCH_MB, NULL);
	}
	return old;
}

void bench_relax(void)
{
	struct fiber *t = ME;
	int location = t->last_load, next;

	fiber_settle();
	if (location < 0) {
		return;
	}
	while (bench->location[location].count - 1 <=
	       view_position(t->view[FLOOR].store[location])) {
		fiber_block(WAIT_STORE, location);
	}
	/* A CPU that spins sees a newer value sooner or later. */
	next = view_position(t->view[FLOOR].store[location]) + 1;
	t->view[FLOOR].store[location] =
		bench->location[location].order[next];
	view_raise(&t->view[HEARD], location,
		   t->view[FLOOR].store[location]);
}
