/** @file
 * The ring of coalesced stores, with every index that a VMM could write.
 *
 * The ring is a page on the heap with the sanitizer's red zones around it: an
 * entry outside of it is found at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/coalesced.h"
#include "bus/errno.h"

static struct coalesced_ring *new_ring(void)
{
	struct coalesced_ring *ring = calloc(1, sizeof(*ring));

	assert_non_null(ring);
	return ring;
}

static int push(struct coalesced_ring *ring, u64 address, u32 length, u64 value)
{
	const struct bus_access access = {
		.address = bus_addr(address),
		.length = length,
		.is_write = true,
		.value = value,
	};

	return coalesced_push(ring, &access);
}

static void stores_come_out_in_their_order(void **state)
{
	struct coalesced_ring *ring = new_ring();
	struct coalesced_entry entry;
	u64 in = 0, out = 0;

	(void)state;
	for (unsigned int round = 0; round < 1000; round++) {
		for (unsigned int i = 0; i < round % COALESCED_ENTRIES; i++) {
			assert_int_equal(push(ring, 0x1000 + in, 8, ~in), 0);
			in++;
		}
		while (coalesced_pop(ring, &entry)) {
			u64 data;

			memcpy(&data, entry.data, sizeof(data));
			assert_int_equal(entry.address, 0x1000 + out);
			assert_int_equal(data, ~out);
			out++;
		}
		assert_int_equal(in, out);
	}
	free(ring);
}

static void a_full_ring_takes_nothing_more(void **state)
{
	struct coalesced_ring *ring = new_ring();

	(void)state;
	for (unsigned int i = 0; i < COALESCED_ENTRIES - 1; i++) {
		assert_int_equal(push(ring, i, 4, i), 0);
	}
	assert_int_equal(push(ring, 1, 4, 1), -EOPNOTSUPP);
	assert_int_equal(ring->last, COALESCED_ENTRIES - 1);
	ring->first = 1;
	assert_int_equal(push(ring, 1, 4, 1), 0);
	assert_int_equal(ring->last, 0);
	free(ring);
}

static void bytes_behind_the_length_are_zero(void **state)
{
	struct coalesced_ring *ring = new_ring();

	(void)state;
	memset(ring->entry, 0xff, sizeof(ring->entry));
	assert_int_equal(push(ring, 0x10, 3, 0x8877665544332211), 0);
	assert_memory_equal(ring->entry[0].data, "\x11\x22\x33\0\0\0\0\0", 8);
	assert_int_equal(ring->entry[0].length, 3);
	assert_int_equal(ring->entry[0].is_port, 0);
	free(ring);
}

static void loads_are_refused(void **state)
{
	struct coalesced_ring *ring = new_ring();
	const struct bus_access load = { .length = 4 };

	(void)state;
	assert_int_equal(coalesced_push(ring, &load), -EOPNOTSUPP);
	assert_int_equal(ring->last, 0);
	free(ring);
}

/** All small indices, all powers of two around, and 2^32 - 1. */
static u32 index_of(unsigned int n)
{
	if (n < 2 * COALESCED_ENTRIES) {
		return n;
	}
	n -= 2 * COALESCED_ENTRIES;
	return (u32)((n & 32 ? 0ull : 1ull << (n & 31)) - 1);
}

static void no_index_of_the_vmms_does_harm(void **state)
{
	const unsigned int all = 2 * COALESCED_ENTRIES + 64;
	struct coalesced_ring *ring = new_ring();
	struct coalesced_entry entry;

	(void)state;
	for (unsigned int i = 0; i < all; i++) {
		for (unsigned int j = 0; j < all; j++) {
			u32 first = index_of(i), last = index_of(j);
			bool room = last < COALESCED_ENTRIES &&
				    (last + 1) % COALESCED_ENTRIES != first;

			ring->first = first;
			ring->last = last;
			assert_int_equal(push(ring, 1, 8, 1),
					 room ? 0 : -EOPNOTSUPP);
			assert_int_equal(ring->first, first);
			(void)coalesced_pop(ring, &entry);
		}
	}
	free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_come_out_in_their_order),
		cmocka_unit_test(a_full_ring_takes_nothing_more),
		cmocka_unit_test(bytes_behind_the_length_are_zero),
		cmocka_unit_test(loads_are_refused),
		cmocka_unit_test(no_index_of_the_vmms_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
