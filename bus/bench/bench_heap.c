/** @file
 * The heap of the bench: each piece has a place of its own, for ever.
 *
 * Places are counted by thread, so that an object has the same address in
 * every execution, and what was freed is never given out again: a use after
 * free is found by the address, "freed too early" by the clocks, without any
 * luck in timing.
 */
#include "bus/bench/bench.h"

#include "bus/bench/fiber.h"
#include "bus/bench/location.h"
#include "bus/bench/model.h"
#include "bus/bench/race.h"
#include "bus/bench/view.h"

void *bench_alloc(size_t bytes, const struct bench_where *where)
{
	int number = bench->now * OBJECTS + ME->objects;
	struct object *o = &bench->object[number];
	void *p = (void *)location_object_base(number);

	fiber_settle();
	if (bytes > OBJECT_BYTES - 64 || ME->objects >= OBJECTS) {
		bench_fail("an allocation of %zu bytes: too large, or too many",
			   bytes);
	}
	ME->objects++;
	*o = (struct object){ .live = true, .bytes = bytes };
	memset(p, 0xa5, bytes);
	fiber_event(ALLOC, where)->value = (uintptr_t)p;
	ME->history = model_mix(ME->history, bytes);
	ME->has_depends[number] = false;
	return p;
}

/** Everybody's reads of the object must be before the free. */
static void check_reads(const struct object *o, const char *text)
{
	for (int i = 0; i < THREADS; i++) {
		if (i != bench->now && o->used[i] > ME->view[HEARD].clock[i]) {
			bench_fail("freed too early: the free of %s is not "
				   "ordered after %s's access at step %d (no "
				   "grace period in between)",
				   text, bench->fiber[i].job.name,
				   o->used_event[i]);
		}
	}
}

/** And so must the stores to it. */
static void check_stores(uintptr_t address, size_t bytes, const char *text)
{
	for (int i = 0; i < bench->locations; i++) {
		struct location *l = &bench->location[i];
		int floor;

		if (!l->live || l->address < address ||
		    l->address >= address + bytes) {
			continue;
		}
		floor = race_floor(&ME->view[HEARD], i);
		if (floor < l->count - 1) {
			bench_fail("freed too early: the free of %s is not "
				   "ordered after the store at step %d", text,
				   bench->store[l->order[floor + 1]].event + 1);
		}
	}
}

void bench_free(void *p, const struct bench_where *where)
{
	uintptr_t address = (uintptr_t)p;
	int number = location_object(address);
	const char *text = location_text(address);
	struct object *o = &bench->object[number];

	if (!p) {
		return;
	}
	fiber_settle();
	fiber_event(FREE, where)->value = address;
	if (number < 0 || !o->live || address != location_object_base(number)) {
		bench_fail("frees what was not allocated");
	}
	if (o->freed) {
		bench_fail("double free of %s, freed at step %d before", text,
			   o->free_event + 1);
	}
	check_reads(o, text);
	check_stores(address, o->bytes, text);
	o->freed = true;
	o->free_event = bench->events - 1;
}

int bench_live(void)
{
	int count = 0;

	fiber_settle();
	for (int i = 0; i < THREADS * OBJECTS; i++) {
		count += bench->object[i].live && !bench->object[i].freed;
	}
	return count;
}
