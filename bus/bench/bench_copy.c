/** @file
 * Copies, with the knowledge of what has never been written.
 *
 * Padding between the fields of a struct is copied along with them.  A byte
 * that was never written therefore stays "never written" in the copy, and only
 * its use is a fault.
 */
#include "bus/bench/bench_plain.h"

#include "bus/bench/fiber.h"
#include "bus/bench/location.h"

/** The bytes are in memory now: note the values of the newest stores. */
static void settle(uintptr_t to, size_t bytes)
{
	int ids[OBJECT_BYTES], count = location_cover(to, bytes, ids);

	for (int i = 0; i < count; i++) {
		struct location *l = &bench->location[ids[i]];
		struct store *s = &bench->store[l->order[l->count - 1]];

		s->value = 0;
		memcpy(&s->value, (void *)l->address, l->bytes);
		if (s->event >= 0) {
			bench->event[s->event].value = s->value;
		}
	}
}

/** One byte a byte: whether nobody has ever written it. */
static void find_unwritten(uintptr_t from, size_t bytes, u8 *unwritten)
{
	int ids[OBJECT_BYTES], count = location_cover(from, bytes, ids);

	for (int i = 0; i < count; i++) {
		struct location *l = &bench->location[ids[i]];
		struct store *s = &bench->store[l->order[l->count - 1]];

		memset(unwritten + (l->address - from),
		       s->origin == UNINITIALISED, l->bytes);
	}
}

/** A location of which every byte is unwritten is uninitialised again. */
static void mark_unwritten(uintptr_t to, size_t bytes, const u8 *unwritten)
{
	int ids[OBJECT_BYTES], count = location_cover(to, bytes, ids);

	for (int i = 0; i < count; i++) {
		struct location *l = &bench->location[ids[i]];
		unsigned int bad = 0;

		for (unsigned int k = 0; k < l->bytes; k++) {
			bad += unwritten[l->address - to + k];
		}
		if (bad == l->bytes) {
			bench->store[l->order[l->count - 1]].origin =
				UNINITIALISED;
		}
	}
}

static void write_to(void *to, const u8 *bytes, struct bench_where *where)
{
	bool tracked = location_tracked((uintptr_t)to);

	if (tracked) {
		bench_plain_access((uintptr_t)to, where, PLAIN_STORE);
		ME->pending_count = 0;
	}
	memcpy(to, bytes, where->bytes);
	if (tracked) {
		settle((uintptr_t)to, where->bytes);
	}
}

static void *copy_from(void *to, const void *from, struct bench_where where)
{
	size_t bytes = where.bytes;
	u8 copy[OBJECT_BYTES], unwritten[OBJECT_BYTES] = { 0 };

	if (!bytes) {
		return to;
	}
	if (bytes > OBJECT_BYTES) {
		bench_fail("a copy of %zu bytes: a length gone wrong?", bytes);
	}
	if (location_tracked((uintptr_t)from)) {
		bench_plain_access((uintptr_t)from, &where, PLAIN_COPY);
		find_unwritten((uintptr_t)from, bytes, unwritten);
	}
	memcpy(copy, from, bytes);
	write_to(to, copy, &where);
	if (location_tracked((uintptr_t)to)) {
		mark_unwritten((uintptr_t)to, bytes, unwritten);
	}
	return to;
}

void *bench_copy(void *to, const void *from, size_t bytes)
{
	return copy_from(to, from, (struct bench_where){
		.bytes = bytes, .pc = __builtin_return_address(0) });
}

void *bench_move(void *to, const void *from, size_t bytes)
{
	return copy_from(to, from, (struct bench_where){
		.bytes = bytes, .pc = __builtin_return_address(0) });
}

void *bench_set(void *to, int byte, size_t bytes)
{
	struct bench_where where = { .bytes = bytes,
				     .pc = __builtin_return_address(0) };
	u8 copy[OBJECT_BYTES];

	if (bytes > OBJECT_BYTES) {
		bench_fail("memset() of %zu bytes: a length gone wrong?",
			   bytes);
	}
	if (bytes) {
		memset(copy, byte, bytes);
		write_to(to, copy, &where);
	}
	return to;
}
