/** @file
 * Plain accesses, as the compiler's instrumentation reports them.
 *
 * They are no points of choice: a plain access that another thread could
 * notice is a data race, and that is found by the views alone.
 *
 * The compiler calls before the access.  For a read the value goes to memory
 * first; what a store wrote is looked up at the thread's next call.  Only in
 * `*a = *b`, a struct, gcc reports the store to a, then the read of b, and then
 * copies: a read of many bytes elsewhere leaves the store for the next call.
 */
#include "bus/bench/bench_plain.h"

#include "bus/bench/store.h"
#include "bus/bench/fiber.h"
#include "bus/bench/location.h"
#include "bus/bench/race.h"
#include "bus/bench/view.h"

/** A plain read that could also have returned an older store. */
static void fail_stale(struct event *e, int floor)
{
	struct location *l = &bench->location[e->location];
	struct store *old = &bench->store[l->order[floor]];

	e->store = l->order[floor];
	e->value = old->value;
	e->newer = l->order[floor + 1];
	e->odd = true;
	bench_fail("data race on %s: this plain read is not ordered after the "
		   "store at step %d; it can return %s",
		   location_text(l->address),
		   bench->store[e->newer].event + 1,
		   old->origin == UNINITIALISED ? "UNINITIALISED memory" :
						  "an old value");
}

static void read_one(int location, struct event *e, bool copies)
{
	struct location *l = &bench->location[location];
	const struct view *depends = race_depends(l->address);
	int floor = race_floor(&ME->view[FLOOR], location);
	int newest = l->order[l->count - 1];
	struct store *s = &bench->store[newest];

	e->store = newest;
	e->value = s->value;
	if (floor < l->count - 1) {
		fail_stale(e, floor);
	}
	if (s->origin == UNINITIALISED && !copies) {
		bench_fail("uninitialised memory: read of %s",
			   location_text(l->address));
	}
	memcpy((void *)l->address, &s->value, l->bytes);
	race_add_depends(newest, depends);
	l->read[bench->now] = l->plain_read[bench->now] = ME->events;
	ME->history = model_mix(ME->history, s->value);
}

static void write_one(int location, struct event *e)
{
	struct store *s;

	race_check_store(location, true);
	s = store_new(location);
	s->plain = true;
	e->store = s - bench->store;
	store_place(s, bench->location[location].count, bench->x86);
	if (!ME->pending_count) {
		ME->pending = e->store;
	}
	ME->pending_count++;
}

/** Whether the bytes are among those of which the value is not known yet. */
static bool is_pending(uintptr_t address, size_t bytes)
{
	for (int i = 0; i < ME->pending_count; i++) {
		struct store *s = &bench->store[ME->pending + i];
		struct location *l = &bench->location[s->location];

		if (l->address < address + bytes &&
		    address < l->address + l->bytes) {
			return true;
		}
	}
	return false;
}

void bench_plain_access(uintptr_t address, const struct bench_where *where,
			enum plain_kind kind)
{
	enum event_kind event = kind == PLAIN_STORE ? PLAIN_WRITE : PLAIN_READ;
	struct event access = { .kind = event, .where = *where };
	int ids[OBJECT_BYTES], count;

	if (!bench || !bench->scenario || !location_tracked(address) ||
	    !where->bytes) {
		return;
	}
	if (kind != PLAIN_COPY || is_pending(address, where->bytes)) {
		fiber_settle();
	}
	race_check_object(address, where->bytes, &access);
	if (where->bytes > OBJECT_BYTES) {
		bench_fail("more than %d bytes in one access", OBJECT_BYTES);
	}
	count = location_cover(address, where->bytes, ids);
	for (int i = 0; i < count; i++) {
		struct event *e = fiber_event(event, where);

		e->location = ids[i];
		if (kind == PLAIN_STORE) {
			write_one(ids[i], e);
		} else {
			read_one(ids[i], e, kind == PLAIN_COPY);
		}
	}
}
