/** @file
 * Accesses that are cut: at the page boundary, at 8 bytes, by a device.
 *
 * Spec 4.1 and 4.5: pieces in ascending order with their own addresses, RAM
 * and MMIO halves merged, both pages checked before anything happens.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/fragments.h"
#include "emulator/test/harness.h"

#include <stdlib.h>

static void a_split_store_exits_in_ascending_pieces(void **state)
{
	struct world *w = harness_pages(MMIO + 5 * PAGE_SIZE, MMIO);

	(void)state;
	CODE(w, 0x48, 0x89, 0x83, 0xfd, 0x0f, 0, 0); /* mov %rax,0xffd(%rbx) */
	w->gpr[REG_RAX] = 0x8877665544332211;
	harness_run(w, EMUL_IO_NEEDED);
	harness_trace(w, 0, WRITE(MMIO + 5 * PAGE_SIZE + 0xffd, 3, 0x332211));
	harness_trace(w, 1, WRITE(MMIO, 5, 0x8877665544));
	harness_expect(w, MMIO + 5 * PAGE_SIZE + 0xffd, 3, true);
	assert_int_equal(harness_data(w), 0x332211);
	harness_answer(w, ~0ull, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	harness_expect(w, MMIO, 5, true);
	assert_int_equal(harness_data(w), 0x8877665544);
	harness_answer(w, ~0ull, EMUL_DONE);
}

static void a_split_load_merges_both_pages(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + 7 * PAGE_SIZE);

	(void)state;
	CODE(w, 0x48, 0x8b, 0x83, 0xfd, 0x0f, 0, 0); /* mov 0xffd(%rbx),%rax */
	harness_run(w, EMUL_IO_NEEDED);
	harness_trace(w, 0, UNSATISFIED(MMIO + 0xffd, 3));
	harness_trace(w, 1, UNSATISFIED(MMIO + 7 * PAGE_SIZE, 5));
	harness_expect(w, MMIO + 0xffd, 3, false);
	harness_answer(w, 0xffffffffff332211, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 7 * PAGE_SIZE, 5, false);
	harness_answer(w, 0xffffff8877665544, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x8877665544332211);
	harness_trace(w, 2, READ(MMIO + 0xffd, 3, 0x332211));
	harness_trace(w, 3, READ(MMIO + 7 * PAGE_SIZE, 5, 0x8877665544));
	assert_int_equal(w->trace_count, 4);
}

static void ram_half_of_a_split_load_survives(void **state)
{
	struct world *w = harness_pages(RAM(1), MMIO);

	(void)state;
	memcpy(harness_ram(w, RAM(1) + 0xffc), "\x11\x22\x33\x44", 4);
	CODE(w, 0x48, 0x8b, 0x83, 0xfc, 0x0f, 0, 0); /* mov 0xffc(%rbx),%rax */
	harness_run(w, EMUL_IO_NEEDED);
	/* What another CPU does to the RAM now is not seen any more. */
	memset(harness_ram(w, RAM(1) + 0xffc), 0, 4);
	harness_expect(w, MMIO, 4, false);
	harness_answer(w, 0x88776655, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x8877665544332211);
	harness_trace(w, 0, UNSATISFIED(MMIO, 4));
	harness_trace(w, 1, READ(MMIO, 4, 0x88776655));
}

static void mmio_half_first_merges_with_ram(void **state)
{
	struct world *w = harness_pages(MMIO, RAM(1));

	(void)state;
	memcpy(harness_ram(w, RAM(1)), "\x55\x66\x77\x88", 4);
	CODE(w, 0x48, 0x8b, 0x83, 0xfc, 0x0f, 0, 0);
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0xffc, 4, false);
	harness_answer(w, 0x44332211, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x8877665544332211);
	assert_int_equal(w->trace_count, 2);
}

static void split_accesses_to_ram_need_nobody(void **state)
{
	struct world *w = harness_pages(RAM(3), RAM(1));

	(void)state;
	w->gpr[REG_RAX] = 0x8877665544332211;
	CODE(w, 0x48, 0x87, 0x83, 0xfb, 0x0f, 0, 0); /* xchg %rax,0xffb(%rbx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0);
	assert_memory_equal(harness_ram(w, RAM(3) + 0xffb),
			    "\x11\x22\x33\x44\x55", 5);
	assert_memory_equal(harness_ram(w, RAM(1)), "\x66\x77\x88", 3);
	assert_int_equal(w->trace_count, 0);
}

/** A 16-byte access, as SSE instructions make it, straight to lab 4. */
static void sixteen_bytes_go_in_pieces_of_at_most_eight(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT + 0xffc), 16, EMUL_WRITE };
	u8 data[16];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(data); i++) {
		data[i] = i;
	}
	assert_int_equal(fragments_write(&w->e, &at, data), EMUL_DONE);
	memset(data, 0xee, sizeof(data)); /* the stack is gone */
	harness_expect(w, MMIO + 0xffc, 4, true);
	assert_int_equal(harness_data(w), 0x03020100);
	harness_answer(w, 0, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x1000, 8, true);
	assert_int_equal(harness_data(w), 0x0b0a090807060504);
	harness_answer(w, 0, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x1008, 4, true);
	assert_int_equal(harness_data(w), 0x0f0e0d0c);
	harness_answer(w, 0, EMUL_DONE);
}

static void sixteen_byte_read_traces_the_whole_fragment(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT), 16, EMUL_READ };
	u8 data[16];

	(void)state;
	assert_int_equal(read_cache_read(&w->e, &at, data), EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 8, false);
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"abcdefgh"),
			 EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 8, false);
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"ijklmnop"),
			 EMUL_DONE);
	assert_int_equal(read_cache_answered(&w->e), EMUL_DONE);
	read_cache_rewind(&w->e);
	assert_int_equal(read_cache_read(&w->e, &at, data), EMUL_DONE);
	assert_memory_equal(data, "abcdefghijklmnop", 16);
	harness_trace(w, 0, UNSATISFIED(MMIO, 16));
	harness_trace(w, 1, READ(MMIO, 16, 0x6867666564636261));
	assert_int_equal(w->trace_count, 2);
}

static void a_core_device_takes_the_front(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT), 16, EMUL_READ };
	u8 data[16];

	(void)state;
	w->core = (struct core_device){ .base = MMIO,
					.length = 8,
					.value = 0x42 };
	assert_int_equal(read_cache_read(&w->e, &at, data), EMUL_IO_NEEDED);
	assert_int_equal(w->core.reads, 1);
	harness_expect(w, MMIO + 8, 8, false);
	harness_trace(w, 0, READ(MMIO, 8, 0x42));
	harness_trace(w, 1, UNSATISFIED(MMIO + 8, 8));
	assert_int_equal(fragments_complete(&w->e, (const u8 *)"ijklmnop"),
			 EMUL_DONE);
	assert_memory_equal(w->e.reads.data, "\x42\0\0\0\0\0\0\0ijklmnop",
			    16);
}

static void a_core_device_takes_the_front_of_a_write(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT), 16, EMUL_WRITE };

	(void)state;
	w->core = (struct core_device){ .base = MMIO, .length = 8 };
	assert_int_equal(fragments_write(&w->e, &at, "abcdefghijklmnop"),
			 EMUL_DONE);
	assert_int_equal(w->core.writes, 1);
	assert_memory_equal(w->core.last.data, "abcdefgh", 8);
	harness_expect(w, MMIO + 8, 8, true);
	assert_int_equal(harness_data(w), 0x706f6e6d6c6b6a69);
	harness_answer(w, 0, EMUL_DONE);
}

static void behind_a_refusal_no_core_device_is_asked(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT), 16, EMUL_WRITE };

	(void)state;
	w->core = (struct core_device){ .base = MMIO + 8, .length = 8 };
	assert_int_equal(fragments_write(&w->e, &at, "0123456789abcdef"),
			 EMUL_DONE);
	assert_int_equal(w->core.writes, 0);
	harness_expect(w, MMIO, 8, true);
	harness_answer(w, 0, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 8, true);
}

static void second_page_fault_leaves_the_first_untouched(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, AT, RAM(1), 1);
	w->gpr[REG_RBX] = AT;
	w->gpr[REG_RAX] = ~0ull;
	CODE(w, 0x48, 0x89, 0x83, 0xfc, 0x0f, 0, 0); /* mov %rax,0xffc(%rbx) */
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_PF);
	assert_int_equal(w->e.exception.address.v, NEXT);
	assert_int_equal(w->e.exception.error_code, 2);
	assert_memory_equal(harness_ram(w, RAM(1) + 0xffc), "\0\0\0\0", 4);
	assert_int_equal(w->e.rip, CODE_AT);
}

static void second_page_fault_asks_no_device(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, AT, MMIO, 1);
	harness_map_readonly(w, NEXT, RAM(1));
	w->core = (struct core_device){ .base = MMIO, .length = PAGE_SIZE };
	w->gpr[REG_RBX] = AT;
	CODE(w, 0x48, 0x01, 0x83, 0xfc, 0x0f, 0, 0); /* add %rax,0xffc(%rbx) */
	harness_run(w, EMUL_FAULT);
	/* The read of a destination is reported as the write it will be. */
	assert_int_equal(w->e.exception.error_code, 3);
	assert_int_equal(w->core.reads + w->core.writes, 0);
	assert_int_equal(w->trace_count, 0);
	assert_false(emulator_has_pending(&w->e));
}

static void thirty_two_bytes_go_in_four_pieces(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	const struct mem_access at = { gva(AT), 32, EMUL_READ };

	(void)state;
	assert_int_equal(fragments_read(&w->e, &at, 0), EMUL_IO_NEEDED);
	for (u64 i = 0; i < 4; i++) {
		u64 answer = 0x1111111111111111 * (i + 1);

		harness_expect(w, MMIO + 8 * i, 8, false);
		assert_int_equal(fragments_complete(&w->e, (u8 *)&answer),
				 i < 3 ? EMUL_IO_NEEDED : EMUL_DONE);
	}
	assert_int_equal(w->e.reads.data[31], 0x44);
	assert_int_equal(w->e.reads.data[7], 0x11);
	assert_int_equal(w->trace_count, 2);
}

/** Between two pieces: into another world, and the first one is no more. */
static void a_saved_access_goes_on_in_another_world(void **state)
{
	struct world *from = harness_pages(MMIO, MMIO + 7 * PAGE_SIZE), *w;
	struct emulator *saved = malloc(sizeof(*saved));

	(void)state;
	assert_non_null(saved);
	CODE(from, 0x48, 0x8b, 0x83, 0xfd, 0x0f, 0, 0);
	harness_run(from, EMUL_IO_NEEDED);
	harness_answer(from, 0x332211, EMUL_IO_NEEDED);
	emulator_save(&from->e, saved);
	assert_null(saved->ops);
	assert_null(saved->gpr);
	assert_null(saved->code);

	w = harness_pages(MMIO, MMIO + 7 * PAGE_SIZE); /* from is no more */
	emulator_restore(&w->e, saved);
	free(saved);
	harness_expect(w, MMIO + 7 * PAGE_SIZE, 5, false);
	harness_answer(w, 0x8877665544, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x8877665544332211);
	assert_int_equal(w->fetches, 0);
}

/** 32-bit mode: 4 bytes at 0xfffffffe wrap to address 0. */
static void a_32_bit_access_wraps_at_4_gib(void **state)
{
	struct world *w = harness_new();

	(void)state;
	w->e.mode = MODE_32;
	w->e.stack_size = 4;
	harness_map(w, 0xfffff000, RAM(1), 1);
	harness_map(w, 0, RAM(2), 1);
	memcpy(harness_ram(w, RAM(1) + 0xffe), "\x11\x22", 2);
	memcpy(harness_ram(w, RAM(2)), "\x33\x44", 2);
	CODE(w, 0x8b, 0x03);
	w->gpr[REG_RBX] = 0xfffffffe;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x44332211);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_split_store_exits_in_ascending_pieces),
		cmocka_unit_test(a_split_load_merges_both_pages),
		cmocka_unit_test(ram_half_of_a_split_load_survives),
		cmocka_unit_test(mmio_half_first_merges_with_ram),
		cmocka_unit_test(split_accesses_to_ram_need_nobody),
		cmocka_unit_test(sixteen_bytes_go_in_pieces_of_at_most_eight),
		cmocka_unit_test(sixteen_byte_read_traces_the_whole_fragment),
		cmocka_unit_test(a_core_device_takes_the_front),
		cmocka_unit_test(a_core_device_takes_the_front_of_a_write),
		cmocka_unit_test(behind_a_refusal_no_core_device_is_asked),
		cmocka_unit_test(second_page_fault_leaves_the_first_untouched),
		cmocka_unit_test(second_page_fault_asks_no_device),
		cmocka_unit_test(thirty_two_bytes_go_in_four_pieces),
		cmocka_unit_test(a_saved_access_goes_on_in_another_world),
		cmocka_unit_test(a_32_bit_access_wraps_at_4_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
