/** @file
 * The queue of fragments: its bounds, its order, any access at any offset.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/fragments.h"

#include "emulator/test/harness.h"

static void more_than_16_queued_fragments_are_refused(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	struct mem_access at = { gva(AT), 4, EMUL_WRITE };
	unsigned int i;
	u64 value = 0;

	(void)state;
	for (i = 0; i < FRAGMENTS_MAX; i++) {
		assert_int_equal(fragments_write(&w->e, &at, &value),
				 EMUL_DONE);
	}
	assert_int_equal(fragments_write(&w->e, &at, &value),
			 EMUL_UNHANDLEABLE);
	fragments_reset(&w->e);
	/* A read cannot wait behind a write. */
	assert_int_equal(fragments_write(&w->e, &at, &value), EMUL_DONE);
	assert_int_equal(fragments_read(&w->e, &at, 0), EMUL_UNHANDLEABLE);
}

static void several_writes_are_delivered_in_order(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct mem_access at = { gva(AT + 16 * i), 4, EMUL_WRITE };
		u64 value = 100 + i;

		assert_int_equal(fragments_write(&w->e, &at, &value),
				 EMUL_DONE);
	}
	for (i = 0; i < 3; i++) {
		harness_expect(w, MMIO + 16 * i, 4, true);
		assert_int_equal(harness_data(w), 100 + i);
		harness_answer(w, 0, i < 2 ? EMUL_IO_NEEDED : EMUL_DONE);
	}
}

/** Any size at any offset: at most two fragments, and exactly the bytes. */
static void no_access_makes_more_than_two_fragments(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	unsigned int size, offset;
	u8 data[MEM_ACCESS_MAX] = { 0 };

	(void)state;
	for (size = 1; size <= MEM_ACCESS_MAX; size++) {
		for (offset = 0xfd0; offset < 0x1000; offset++) {
			struct mem_access at = { gva(AT + offset), size,
						 EMUL_WRITE };
			unsigned int total = 0;

			w->trace_count = 0;
			fragments_reset(&w->e);
			assert_int_equal(fragments_write(&w->e, &at, data),
					 EMUL_DONE);
			assert_in_range(w->e.fragments.count, 1, 2);
			do {
				struct mmio_piece piece;

				assert_true(fragments_piece(&w->e, &piece));
				assert_in_range(piece.len, 1, 8);
				assert_int_equal(piece.gpa.v,
						 MMIO + offset + total);
				total += piece.len;
			} while (fragments_complete(&w->e, data) ==
				 EMUL_IO_NEEDED);
			assert_int_equal(total, size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_16_queued_fragments_are_refused),
		cmocka_unit_test(several_writes_are_delivered_in_order),
		cmocka_unit_test(no_access_makes_more_than_two_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
