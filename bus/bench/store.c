/** @file
 * Making a store.
 *
 * Its message is what it tells to whoever reads it.  A release tells all that
 * the thread has heard; another store only what a barrier or a lock has
 * attached; both what a full barrier has made visible to everybody.
 */
#include "bus/bench/store.h"

#include "bus/bench/view.h"

struct store *store_new(int location)
{
	struct store *s = &bench->store[bench->stores];

	if (bench->stores >= STORES ||
	    bench->location[location].count >= STORES_PER_LOCATION) {
		bench_fail("too many stores: a loop that never ends?");
	}
	bench->stores++;
	view_clear(&s->message);
	view_clear(&s->strong);
	s->location = location;
	s->thread = bench->now;
	s->number = ++ME->stores;
	s->plain = s->rmw = false;
	s->origin = STORED;
	s->event = bench->events - 1;
	s->value = 0;
	return s;
}

/** Its place, and that of all behind it. */
static void insert(struct store *s, int place)
{
	struct location *l = &bench->location[s->location];

	for (int i = l->count; i > place; i--) {
		l->order[i] = l->order[i - 1];
		bench->store[l->order[i]].position = i;
	}
	l->order[place] = s - bench->store;
	l->count++;
	s->position = place;
}

void store_place(struct store *s, int place, bool release)
{
	struct fiber *t = ME;
	int number = s - bench->store;

	if (release) {
		view_copy(&s->message, &t->view[HEARD]);
	} else {
		view_copy(&s->message, &t->view[LOCK_ATTACHED]);
		view_join(&s->message, &t->view[ATTACHED]);
	}
	view_join(&s->message, &t->view[STRONG]);
	view_copy(&s->strong, &t->view[STRONG]);
	insert(s, place);
	s->message.store[s->location] = number;
	s->hash = model_mix(view_hash(&s->message), view_hash(&s->strong));
	t->view[FLOOR].store[s->location] = number;
	t->view[HEARD].store[s->location] = number;
	view_learn(t, OWN, &s->message);
}
