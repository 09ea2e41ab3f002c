/** @file
 * The read cache's own rules: order, bounds, one answer for one read.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

static const struct mem_access *read_at(u64 address, u16 size)
{
	static struct mem_access at;

	at = (struct mem_access){ gva(address), size, EMUL_READ };
	return &at;
}

static void a_second_pass_is_served_from_the_first(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));
	u32 value;

	(void)state;
	*(u32 *)harness_ram(w, RAM(1)) = 1;
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_DONE);
	*(u32 *)harness_ram(w, RAM(1)) = 2;
	read_cache_rewind(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_DONE);
	assert_int_equal(value, 1);
	/* The next read of the same bytes is another read. */
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_DONE);
	assert_int_equal(value, 2);
	assert_true(read_cache_settled(&w->e));
}

static void a_replay_that_differs_stops(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));
	u64 value;

	(void)state;
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_DONE);
	read_cache_rewind(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT + 4, 4), &value),
			 EMUL_UNHANDLEABLE);
	read_cache_rewind(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 8), &value),
			 EMUL_UNHANDLEABLE);
	assert_non_null(w->e.error);
}

static void an_answer_is_for_the_read_that_asked(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	u64 value;

	(void)state;
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_IO_NEEDED);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_UNHANDLEABLE);
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"abcdefgh"),
			 EMUL_DONE);
	assert_int_equal(read_cache_answered(&w->e), EMUL_DONE);
	assert_int_equal(read_cache_answered(&w->e), EMUL_UNHANDLEABLE);
	assert_false(read_cache_settled(&w->e));
	assert_int_equal(read_cache_read(&w->e, read_at(AT + 8, 4), &value),
			 EMUL_UNHANDLEABLE);
	read_cache_cancel(&w->e);
	assert_true(read_cache_settled(&w->e));
	assert_int_equal(read_cache_answered(&w->e), EMUL_UNHANDLEABLE);
}

static void reads_of_1024_bytes_in_all_are_refused(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));
	u8 value[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < 31; i++) {
		assert_int_equal(read_cache_read(&w->e, read_at(AT, 32), value),
				 EMUL_DONE);
	}
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 31), value),
			 EMUL_DONE);
	/* 1023 bytes are in; one more makes 1024. */
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 1), value),
			 EMUL_UNHANDLEABLE);
}

static void more_than_64_reads_are_refused(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));
	u8 value;
	unsigned int i;

	(void)state;
	for (i = 0; i < READ_CACHE_READS; i++) {
		assert_int_equal(read_cache_read(&w->e, read_at(AT, 1), &value),
				 EMUL_DONE);
	}
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 1), &value),
			 EMUL_UNHANDLEABLE);
}

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
		cmocka_unit_test(a_second_pass_is_served_from_the_first),
		cmocka_unit_test(a_replay_that_differs_stops),
		cmocka_unit_test(an_answer_is_for_the_read_that_asked),
		cmocka_unit_test(reads_of_1024_bytes_in_all_are_refused),
		cmocka_unit_test(more_than_64_reads_are_refused),
		cmocka_unit_test(more_than_16_queued_fragments_are_refused),
		cmocka_unit_test(several_writes_are_delivered_in_order),
		cmocka_unit_test(no_access_makes_more_than_two_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
