/** @file
 * Locations: found by a walk over all of them, there are few.
 */
#include "bus/bench/location.h"

#include <setjmp.h>
#include <stdio.h>

#include "bus/bench/fiber.h"
#include "bus/bench/view.h"

/* The linker's: where the program's variables begin and end. */
extern char __data_start[], _end[];

#define HEAP_BYTES ((size_t)THREADS * OBJECTS * OBJECT_BYTES)

int location_object(uintptr_t address)
{
	uintptr_t base = (uintptr_t)bench->arena;

	if (address < base || address >= base + HEAP_BYTES) {
		return -1;
	}
	return (address - base) / OBJECT_BYTES;
}

uintptr_t location_object_base(int object)
{
	return (uintptr_t)bench->arena + (uintptr_t)object * OBJECT_BYTES;
}

bool location_tracked(uintptr_t address)
{
	return location_object(address) >= 0 ||
	       (address >= (uintptr_t)__data_start &&
		address < (uintptr_t)_end);
}

void location_again(uintptr_t cut)
{
	for (int i = 0; i < bench->bounds; i++) {
		if (bench->bound[i] == cut) {
			cut = 0;
		}
	}
	if (cut && bench->bounds < BOUNDS) {
		bench->bound[bench->bounds++] = cut;
	}
	bench->again = true;
	fiber_end_execution();
}

/** The first store of a location is what stood there before. */
static void begin(int id)
{
	struct location *l = &bench->location[id];
	struct store *s;

	if (bench->stores >= STORES) {
		bench_fail("too many stores: a loop that never ends?");
	}
	s = &bench->store[bench->stores];
	memset(l->read, 0, sizeof(l->read));
	memset(l->plain_read, 0, sizeof(l->plain_read));
	l->live = true;
	l->count = 1;
	l->order[0] = bench->stores++;
	view_clear(&s->message);
	view_clear(&s->strong);
	s->location = id;
	s->thread = s->number = s->position = 0;
	s->plain = s->rmw = false;
	s->origin = location_object(l->address) >= 0 ? UNINITIALISED : INITIAL;
	s->event = -1;
	s->value = s->hash = 0;
	memcpy(&s->value, (void *)l->address, l->bytes);
}

/** Make a location at the address, to the limit or the next cut. */
static int create(uintptr_t address, uintptr_t limit)
{
	uintptr_t aligned = (address | 7) + 1;
	int id = bench->locations;

	if (id >= LOCATIONS) {
		bench_fail("too many locations for the bench");
	}
	for (int i = 0; i < bench->bounds; i++) {
		if (bench->bound[i] > address && bench->bound[i] < limit) {
			limit = bench->bound[i];
		}
	}
	bench->locations++;
	bench->location[id].address = address;
	limit = aligned < limit ? aligned : limit;
	bench->location[id].bytes = limit - address;
	bench->location[id].live = false;
	view_clear_column(id);
	return id;
}

/** The location that holds the address, or a new one up to the next. */
static int find(uintptr_t address, uintptr_t limit)
{
	for (int i = 0; i < bench->locations; i++) {
		struct location *l = &bench->location[i];

		if (l->address <= address && address < l->address + l->bytes) {
			return i;
		}
		if (l->address > address && l->address < limit) {
			limit = l->address;
		}
	}
	return create(address, limit);
}

int location_cover(uintptr_t address, size_t bytes, int *ids)
{
	uintptr_t end = address + bytes;
	int count = 0;

	while (address < end) {
		int id = find(address, end);
		struct location *l = &bench->location[id];

		if (l->address != address) {
			location_again(address);
		}
		if (l->address + l->bytes > end) {
			location_again(end);
		}
		if (!l->live) {
			begin(id);
		}
		ids[count++] = id;
		address += l->bytes;
	}
	return count;
}

int location_of(uintptr_t address, unsigned int bytes)
{
	int ids[8];

	if (bytes > 8 || location_cover(address, bytes, ids) != 1) {
		bench_fail("a marked access to %s mixes sizes with other "
			   "accesses to the same bytes",
			   location_text(address));
	}
	return ids[0];
}

static char *text_buffer(void)
{
	static char buffer[4][80];
	static unsigned int next;

	return buffer[next++ % 4];
}

const char *location_text(uintptr_t address)
{
	int object = location_object(address), offset;
	char *text = text_buffer();

	for (int i = 0; i < bench->names; i++) {
		struct name *n = &bench->name[i];

		if (address >= n->address && address < n->address + n->bytes) {
			offset = address - n->address;
			snprintf(text, 80, offset ? "%s+%d" : "%s", n->text,
				 offset);
			return text;
		}
	}
	if (object < 0) {
		snprintf(text, 80, "%#lx", (unsigned long)address);
		return text;
	}
	offset = address - location_object_base(object);
	snprintf(text, 80, offset ? "object %c%d+%d" : "object %c%d",
		 "IABCDEFGHIJKL"[object / OBJECTS],
		 object % OBJECTS, offset);
	return text;
}

const char *location_value(u64 value)
{
	char *text;

	if (location_tracked(value)) {
		const char *target = location_text(value);

		text = text_buffer();
		snprintf(text, 80, "&%.70s", target);
		return text;
	}
	text = text_buffer();
	snprintf(text, 80, value > 4096 ? "%#lx" : "%lu", (unsigned long)value);
	return text;
}
