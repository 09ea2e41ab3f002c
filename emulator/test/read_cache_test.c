/** @file
 * The read cache's own rules: order, bounds, one answer for one read, passes.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/read_cache.h"

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

/** Whatever a pass has put into out[] before it waited is void. */
static void each_pass_starts_from_the_same_registers(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x8b, 0x03); /* mov (%rbx),%eax */
	w->gpr[REG_RCX] = 0xcc;
	harness_run(w, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT);
	w->e.out[REG_RCX] = 0xbad;
	w->e.dirty |= BIT(REG_RCX);
	w->e.next_rip = 0xbad;
	w->e.new_rflags = 0xbad;
	harness_answer(w, 7, EMUL_DONE);
	assert_true(w->e.retired);
	assert_int_equal(w->gpr[REG_RAX], 7);
	assert_int_equal(w->gpr[REG_RCX], 0xcc);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_int_equal(w->e.rflags, 2);
}

static void a_pass_that_waits_commits_nothing(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0xa7); /* cmpsl */
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = NEXT;
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 7, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_int_equal(w->gpr[REG_RSI], AT);
	harness_answer(w, 8, EMUL_DONE);
	assert_true(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT + 1);
	assert_int_equal(w->gpr[REG_RSI], AT + 4);
	assert_int_equal(w->e.rflags & (RFLAGS_CF | RFLAGS_ZF), RFLAGS_CF);
}

static void a_committed_pass_may_leave_writes(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x01, 0x03); /* add %eax,(%rbx) */
	w->gpr[REG_RAX] = 1;
	harness_run(w, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	harness_answer(w, 0xffffffff, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	harness_expect(w, MMIO, 4, true);
	assert_int_equal(harness_data(w), 0);
	harness_answer(w, 0, EMUL_DONE);
	assert_false(emulator_has_pending(&w->e));
}

static void a_fault_commits_nothing_and_leaves_nothing(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, AT, MMIO, 1);
	CODE(w, 0xa4); /* movsb */
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = NEXT; /* not mapped */
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 7, EMUL_FAULT);
	assert_false(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_int_equal(w->gpr[REG_RSI], AT);
	assert_false(emulator_has_pending(&w->e));
	assert_true(read_cache_settled(&w->e));
}

/** The bytes are changed, and so is what they were decoded from. */
static void a_later_pass_decodes_nothing(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	unsigned int fetches;

	(void)state;
	CODE(w, 0x8b, 0x03); /* mov (%rbx),%eax */
	harness_run(w, EMUL_IO_NEEDED);
	fetches = w->fetches;
	CODE(w, 0x8b, 0x0b); /* mov (%rbx),%ecx */
	harness_answer(w, 7, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 7);
	assert_int_equal(w->gpr[REG_RCX], 0);
	assert_int_equal(w->fetches, fetches);
}

/** Iterations are committed one by one and read for themselves. */
static void each_iteration_has_reads_of_its_own(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	u8 *to = harness_ram(w, RAM(1));

	(void)state;
	harness_map(w, 0x20000000, RAM(1), 1);
	CODE(w, 0xf3, 0xa4); /* rep movsb */
	w->gpr[REG_RCX] = 3;
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = 0x20000000;
	harness_run(w, EMUL_IO_NEEDED);
	assert_int_equal(w->gpr[REG_RCX], 3);
	harness_answer(w, 0x11, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	assert_int_equal(w->gpr[REG_RCX], 2);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_int_equal(w->e.reads.count, 0);
	harness_answer(w, 0x22, EMUL_IO_NEEDED);
	harness_answer(w, 0x33, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 0);
	assert_memory_equal(to, "\x11\x22\x33", 3);
}

static void what_was_given_up_is_gone(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	u32 value;

	(void)state;
	read_cache_begin(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_IO_NEEDED);
	fragments_reset(&w->e);
	read_cache_cancel(&w->e);
	assert_int_equal(read_cache_answered(&w->e), EMUL_UNHANDLEABLE);
	assert_true(read_cache_settled(&w->e));
	read_cache_begin(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_IO_NEEDED);
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"abcdefgh"),
			 EMUL_DONE);
	assert_int_equal(read_cache_answered(&w->e), EMUL_DONE);
	read_cache_cancel(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 4), &value),
			 EMUL_IO_NEEDED);
}

/** An answer lands behind what was read before, and nothing is moved. */
static void answers_land_in_their_own_place(void **state)
{
	struct world *w = harness_pages(RAM(1), MMIO);
	u64 value;

	(void)state;
	memset(harness_ram(w, RAM(1)), 0x11, 8);
	read_cache_begin(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 8), &value),
			 EMUL_DONE);
	assert_int_equal(read_cache_read(&w->e, read_at(NEXT, 4), &value),
			 EMUL_IO_NEEDED);
	assert_int_equal(w->e.fragments.queue[0].offset, 8);
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"abcdefgh"),
			 EMUL_DONE);
	assert_int_equal(read_cache_answered(&w->e), EMUL_DONE);
	read_cache_rewind(&w->e);
	assert_int_equal(read_cache_read(&w->e, read_at(AT, 8), &value),
			 EMUL_DONE);
	assert_int_equal(value, 0x1111111111111111);
	value = 0;
	assert_int_equal(read_cache_read(&w->e, read_at(NEXT, 4), &value),
			 EMUL_DONE);
	assert_int_equal(value, 0x64636261);
	assert_true(read_cache_settled(&w->e));
	assert_int_equal(w->e.reads.end, 12);
}

static void begin_forgets_and_rewind_does_not(void **state)
{
	struct world *w = harness_new();
	struct read_cache *reads = &w->e.reads;

	(void)state;
	reads->next = 3;
	reads->count = 5;
	reads->end = 40;
	read_cache_rewind(&w->e);
	assert_int_equal(reads->next, 0);
	assert_int_equal(reads->count, 5);
	assert_int_equal(reads->end, 40);
	reads->next = 3;
	reads->pending = READ_ANSWERED;
	reads->data[0] = 0x77;
	read_cache_begin(&w->e);
	assert_int_equal(reads->next, 0);
	assert_int_equal(reads->count, 0);
	assert_int_equal(reads->end, 0);
	assert_int_equal(reads->pending, READ_NONE);
	assert_int_equal(reads->data[0], 0x77);
}

/** In the order of the lab's steps. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begin_forgets_and_rewind_does_not),
		cmocka_unit_test(a_second_pass_is_served_from_the_first),
		cmocka_unit_test(a_replay_that_differs_stops),
		cmocka_unit_test(reads_of_1024_bytes_in_all_are_refused),
		cmocka_unit_test(more_than_64_reads_are_refused),
		cmocka_unit_test(answers_land_in_their_own_place),
		cmocka_unit_test(an_answer_is_for_the_read_that_asked),
		cmocka_unit_test(each_pass_starts_from_the_same_registers),
		cmocka_unit_test(a_pass_that_waits_commits_nothing),
		cmocka_unit_test(a_committed_pass_may_leave_writes),
		cmocka_unit_test(a_fault_commits_nothing_and_leaves_nothing),
		cmocka_unit_test(a_later_pass_decodes_nothing),
		cmocka_unit_test(each_iteration_has_reads_of_its_own),
		cmocka_unit_test(what_was_given_up_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
