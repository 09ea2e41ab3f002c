/** @file
 * Data races and misuse of memory, found without any lucky timing.
 *
 * Every access leaves its time on the location.  A store must know of all
 * others' accesses by then, through barriers, locks or grace periods: if it
 * does not, some CPU could have had them the other way round.
 */
#include "bus/bench/race.h"

#include "bus/bench/fiber.h"
#include "bus/bench/location.h"
#include "bus/bench/view.h"

const struct view *race_depends(uintptr_t address)
{
	int object = location_object(address);

	if (object < 0 || !ME->has_depends[object]) {
		return NULL;
	}
	return &ME->depends[object];
}

int race_floor(const struct view *view, int location)
{
	const struct view *depends =
		race_depends(bench->location[location].address);
	int floor = view_position(view->store[location]);
	int other = depends ? view_position(depends->store[location]) : 0;

	return other > floor ? other : floor;
}

void race_add_depends(int store, const struct view *more)
{
	struct store *s = &bench->store[store];
	int object = location_object(s->value);

	if (object < 0 || !bench->object[object].live) {
		return;
	}
	if (!ME->has_depends[object]) {
		ME->has_depends[object] = true;
		view_clear(&ME->depends[object]);
	}
	view_join(&ME->depends[object], &s->message);
	if (more) {
		view_join(&ME->depends[object], more);
	}
	view_raise(&ME->depends[object], s->location, store);
}

void race_check_object(uintptr_t address, size_t bytes,
		       const struct event *access)
{
	int object = location_object(address);
	bool reads = access->kind == LOAD || access->kind == PLAIN_READ;
	const char *verb = reads ? "read" : "store";
	const char *text = location_text(address);
	struct object *o = &bench->object[object];

	if (object < 0) {
		return;
	}
	if (o->live && !o->freed &&
	    address + bytes <= location_object_base(object) + o->bytes) {
		if (reads) {
			o->used[bench->now] = ME->events + 1;
			o->used_event[bench->now] = bench->events + 1;
		}
		return;
	}
	fiber_event(access->kind, &access->where)->odd = true;
	if (!o->live) {
		bench_fail("wild pointer: %s of %s, which was never allocated",
			   verb, text);
	}
	if (o->freed) {
		bench_fail("use after free: %s of %s, freed at step %d", verb,
			   text, o->free_event + 1);
	}
	bench_fail("out of bounds: %s of %zu bytes at %s, which has %zu", verb,
		   bytes, text, o->bytes);
}

void race_check_private(uintptr_t address)
{
	if (ME->private_bytes && address - ME->private >= ME->private_bytes) {
		bench_fail("a reader writes to %s: all CPUs share that memory",
			   location_text(address));
	}
}

void race_check_store(int location, bool plain)
{
	struct location *l = &bench->location[location];
	const char *kind = plain ? "plain" : "marked";
	int floor = race_floor(&ME->view[HEARD], location);

	race_check_private(l->address);
	for (int i = floor + 1; i < l->count; i++) {
		struct store *s = &bench->store[l->order[i]];

		if (plain || s->plain) {
			bench_fail("data race on %s: this %s store is not "
				   "ordered after the store at step %d",
				   location_text(l->address), kind,
				   s->event + 1);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		int last = plain ? l->read[i] : l->plain_read[i];

		if (i != bench->now && last > ME->view[HEARD].clock[i]) {
			bench_fail("data race on %s: this %s store is not "
				   "ordered after a %s read by %s",
				   location_text(l->address), kind,
				   l->plain_read[i] ? "plain" : "marked",
				   bench->fiber[i].job.name);
		}
	}
}

void race_check_marked_read(int location, int floor, struct event *e)
{
	struct location *l = &bench->location[location];

	for (int i = floor + 1; i < l->count; i++) {
		struct store *s = &bench->store[l->order[i]];

		if (s->plain) {
			e->store = l->order[i];
			e->value = s->value;
			bench_fail("data race on %s: this marked read is not "
				   "ordered after the plain store at step %d",
				   location_text(l->address), s->event + 1);
		}
	}
}
