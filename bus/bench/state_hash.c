/** @file
 * A number for the whole state: equal states have equal futures.
 *
 * Numbers of stores differ from one execution to the next, so the hash uses
 * "the n-th store of thread t".  Every step of a thread must change it: the
 * events and points that it has passed are part of it.  (An early version left
 * them out; a callback's first step changed nothing, and each of its states
 * was taken for one that had been visited: nothing ever completed.)
 */
#include "bus/bench/state_hash.h"

#include <stdlib.h>

#include "bus/bench/view.h"

static u64 hash_thread(int id)
{
	struct fiber *t = &bench->fiber[id];
	u64 h = model_mix(id, t->history);

	h = model_mix(h, t->state * 3 + t->events * 7 + t->points * 1009);
	for (int i = 0; i < VIEWS; i++) {
		h = model_mix(h, view_hash(&t->view[i]));
	}
	for (int i = 0; i < DOMAINS; i++) {
		h = model_mix(h, t->guess[i] * 2 + t->guess_used[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		h = model_mix(h, t->grace.domain < 0 ? 0 : t->grace.section[i]);
	}
	for (int i = 0; i < THREADS * OBJECTS; i++) {
		if (t->has_depends[i]) {
			h += model_mix(i + 9000, view_hash(&t->depends[i]));
		}
	}
	return model_mix(h, 1);
}

static u64 hash_location(int id)
{
	struct location *l = &bench->location[id];
	u64 h = id;

	for (int i = 1; i < l->count; i++) {
		struct store *s = &bench->store[l->order[i]];

		h = model_mix(h, s->hash ^ model_mix(s->thread, s->number));
	}
	return model_mix(h, 555);
}

static u64 hash_state(void)
{
	u64 h = 17;

	if (bench->budget < NO_BUDGET) {
		h = model_mix(bench->last, bench->used);
	}
	for (int i = 1; i < THREADS; i++) {
		if (bench->fiber[i].state != NONE) {
			h += hash_thread(i);
		}
	}
	for (int i = 0; i < bench->locations; i++) {
		if (bench->location[i].live && bench->location[i].count > 1) {
			h += hash_location(i);
		}
	}
	for (int i = 0; i < bench->locks; i++) {
		h += model_mix(i + 70,
			       model_mix(bench->lock[i].owner,
					 view_hash(&bench->lock[i].view)));
	}
	for (int i = 0; i < bench->domains; i++) {
		h += model_mix(i + 90,
			       model_mix(view_hash(&bench->domain[i].grace),
					 view_hash(&bench->domain[i].ended)));
	}
	h += model_mix(99, view_hash(&bench->barriers));
	return h ? h : 1;
}

static size_t place_of(const u64 *table, size_t size, u64 hash)
{
	size_t i = hash & (size - 1);

	while (table[i] && table[i] != hash) {
		i = (i + 1) & (size - 1);
	}
	return i;
}

static void grow(void)
{
	size_t size = bench->seen_size ? bench->seen_size * 2 : 1 << 16;
	u64 *table = calloc(size, sizeof(*table));

	for (size_t i = 0; i < bench->seen_size; i++) {
		u64 hash = bench->seen[i];

		if (hash) {
			table[place_of(table, size, hash)] = hash;
		}
	}
	free(bench->seen);
	bench->seen = table;
	bench->seen_size = size;
}

bool state_hash_seen(void)
{
	u64 hash;
	size_t i;

	if (bench->no_pruning) {
		return false;
	}
	if (bench->seen_count * 2 >= bench->seen_size) {
		grow();
	}
	hash = hash_state();
	i = place_of(bench->seen, bench->seen_size, hash);
	if (bench->seen[i]) {
		return true;
	}
	bench->seen[i] = hash;
	bench->seen_count++;
	return false;
}

void state_hash_clear(void)
{
	memset(bench->seen, 0, bench->seen_size * sizeof(bench->seen[0]));
	bench->seen_count = 0;
}
