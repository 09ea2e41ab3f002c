/** @file
 * Views are joined place by place.
 *
 * A view holds numbers of stores, not positions: a store may yet land before
 * another one, and then positions move but what was seen stays seen.
 */
#include "bus/bench/view.h"

void view_clear(struct view *view)
{
	memset(view->store, 0, sizeof(view->store[0]) * bench->locations);
	memset(view->clock, 0, sizeof(view->clock));
}

void view_copy(struct view *to, const struct view *from)
{
	memcpy(to->store, from->store,
	       sizeof(to->store[0]) * bench->locations);
	memcpy(to->clock, from->clock, sizeof(to->clock));
}

void view_raise(struct view *view, int location, unsigned int store)
{
	if (view_position(store) > view_position(view->store[location])) {
		view->store[location] = store;
	}
}

void view_join(struct view *to, const struct view *from)
{
	for (int i = 0; i < bench->locations; i++) {
		if (from->store[i]) {
			view_raise(to, i, from->store[i]);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		if (from->clock[i] > to->clock[i]) {
			to->clock[i] = from->clock[i];
		}
	}
}

static void clear_thread_column(struct fiber *t, int location)
{
	for (int i = 0; i < VIEWS; i++) {
		t->view[i].store[location] = 0;
	}
	for (int i = 0; i < THREADS * OBJECTS; i++) {
		if (t->has_depends[i]) {
			t->depends[i].store[location] = 0;
		}
	}
}

void view_clear_column(int location)
{
	for (int i = 1; i < bench->stores; i++) {
		bench->store[i].message.store[location] = 0;
		bench->store[i].strong.store[location] = 0;
	}
	for (int i = 0; i < THREADS; i++) {
		clear_thread_column(&bench->fiber[i], location);
	}
	for (int i = 0; i < LOCKS; i++) {
		bench->lock[i].view.store[location] = 0;
	}
	for (int i = 0; i < DOMAINS; i++) {
		bench->domain[i].grace.store[location] = 0;
		bench->domain[i].ended.store[location] = 0;
	}
	bench->barriers.store[location] = 0;
}

u64 view_hash(const struct view *view)
{
	u64 hash = 0;

	for (int i = 0; i < bench->locations; i++) {
		const struct store *s = &bench->store[view->store[i]];

		if (view->store[i] && s->position) {
			hash += model_mix(i + 1, (u64)s->thread << 16 |
							 s->number);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		if (view->clock[i]) {
			hash += model_mix(1000 + i, view->clock[i]);
		}
	}
	return hash;
}
