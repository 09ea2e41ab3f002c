/** @file
 * String instructions with REP, as far as the processor cannot be compared:
 * devices, interruption, flags in between (spec 3.7, 3.10).
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#define DEVICE 0x10000000ull
#define MEMORY 0x20000000ull

static struct world *string_world(void)
{
	struct world *w = harness_new();

	harness_map(w, DEVICE, MMIO, 1);
	harness_map(w, MEMORY, RAM(1), 4);
	w->gpr[REG_RSI] = DEVICE;
	w->gpr[REG_RDI] = MEMORY;
	return w;
}

static void rep_movs_from_a_fifo_pops_once_an_element(void **state)
{
	struct world *w = string_world();
	unsigned int i;

	(void)state;
	CODE(w, 0xf3, 0xa4);
	w->gpr[REG_RCX] = 5;
	harness_run(w, EMUL_IO_NEEDED);
	for (i = 0; i < 5; i++) {
		harness_expect(w, MMIO + i, 1, false);
		assert_int_equal(w->gpr[REG_RCX], 5 - i);
		harness_answer(w, 'a' + i, i < 4 ? EMUL_IO_NEEDED : EMUL_DONE);
	}
	assert_memory_equal(harness_ram(w, RAM(1)), "abcde", 6);
	assert_int_equal(w->gpr[REG_RCX], 0);
	assert_int_equal(w->gpr[REG_RDI], MEMORY + 5);
	/* The count has run out, RIP still stands at the instruction. */
	assert_int_equal(w->e.rip, CODE_AT);
	assert_true(w->e.rflags & RFLAGS_RF);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_false(w->e.rflags & RFLAGS_RF);
}

static void rep_stos_to_mmio_exits_once_an_element(void **state)
{
	struct world *w = string_world();
	unsigned int i;

	(void)state;
	CODE(w, 0xf3, 0xab);
	w->gpr[REG_RCX] = 3;
	w->gpr[REG_RDI] = DEVICE;
	w->gpr[REG_RAX] = 0x01020304;
	for (i = 0; i < 3; i++) {
		harness_run(w, EMUL_IO_NEEDED);
		assert_true(w->e.retired);
		assert_int_equal(w->e.rip, CODE_AT);
		assert_true(w->e.rflags & RFLAGS_RF);
		assert_int_equal(w->gpr[REG_RCX], 2 - i);
		harness_expect(w, MMIO + 4 * i, 4, true);
		assert_int_equal(harness_data(w), 0x01020304);
		harness_answer(w, 0, EMUL_DONE);
	}
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_false(emulator_has_pending(&w->e));
}

static void count_zero_touches_nothing(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf3, 0xa5);
	w->gpr[REG_RCX] = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_int_equal(w->walks, 0);
	/* With 67h only ECX counts. */
	CODE(w, 0x67, 0xf3, 0xa5);
	w->gpr[REG_RCX] = BIT(32);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 3);
	assert_int_equal(w->gpr[REG_RCX], BIT(32));
}

static void interrupts_get_their_turn_every_1024_elements(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf3, 0xaa);
	w->gpr[REG_RCX] = 3000;
	w->gpr[REG_RAX] = 0x7e;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 2048);
	assert_int_equal(w->e.rip, CODE_AT);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 1024);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 0);
	assert_int_equal(*(u8 *)harness_ram(w, RAM(1) + 2999), 0x7e);
	assert_int_equal(*(u8 *)harness_ram(w, RAM(1) + 3000), 0);
}

static void with_tf_each_iteration_is_a_step(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf3, 0xaa);
	w->e.rflags |= RFLAGS_TF;
	w->gpr[REG_RCX] = 2;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 1);
	assert_int_equal(w->e.rip, CODE_AT);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 2);
}

static void df_walks_an_mmio_window_downwards(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf3, 0xa5);
	w->e.rflags |= RFLAGS_DF;
	w->gpr[REG_RCX] = 2;
	w->gpr[REG_RSI] = DEVICE + 8;
	w->gpr[REG_RDI] = MEMORY + 8;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 4, false);
	harness_answer(w, 0x11, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 4, 4, false);
	harness_answer(w, 0x22, EMUL_DONE);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1) + 8), 0x11);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1) + 4), 0x22);
	assert_int_equal(w->gpr[REG_RSI], DEVICE);
}

static void a_fault_in_the_middle_keeps_what_was_done(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf3, 0xaa);
	w->gpr[REG_RCX] = 100;
	w->gpr[REG_RDI] = MEMORY + 4 * PAGE_SIZE - 10;
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.address.v, MEMORY + 4 * PAGE_SIZE);
	assert_true(w->e.retired);
	assert_int_equal(w->gpr[REG_RCX], 90);
	assert_int_equal(w->gpr[REG_RDI], MEMORY + 4 * PAGE_SIZE);
	assert_int_equal(w->e.rip, CODE_AT);
}

static void repne_scas_of_a_device_stops_at_the_match(void **state)
{
	struct world *w = string_world();

	(void)state;
	CODE(w, 0xf2, 0xae);
	w->gpr[REG_RCX] = 10;
	w->gpr[REG_RDI] = DEVICE;
	w->gpr[REG_RAX] = 'x';
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 'a', EMUL_IO_NEEDED);
	harness_answer(w, 'x', EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 8);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_true(w->e.rflags & RFLAGS_ZF);
	assert_false(w->e.rflags & RFLAGS_RF);
}

/** The page that a string has found is nobody else's. */
static void what_a_string_has_found_is_forgotten(void **state)
{
	struct world *w = string_world();
	unsigned int i;

	(void)state;
	CODE(w, 0xf3, 0xa4); /* rep movsb */
	w->gpr[REG_RSI] = MEMORY;
	w->gpr[REG_RDI] = MEMORY + 0x100;
	w->gpr[REG_RCX] = 2;
	harness_run(w, EMUL_DONE);
	for (i = 0; i < w->mapping_count; i++) {
		if (w->mappings[i].gva == MEMORY) {
			w->mappings[i].gpa = RAM(7);
		}
	}
	*(u8 *)harness_ram(w, RAM(7)) = 0x77;
	CODE(w, 0x8a, 0x06); /* mov (%rsi),%al */
	w->gpr[REG_RSI] = MEMORY;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x77);
	CODE(w, 0xa4); /* movsb */
	w->gpr[REG_RDI] = MEMORY + 1;
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u8 *)harness_ram(w, RAM(7) + 1), 0x77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_string_has_found_is_forgotten),
		cmocka_unit_test(rep_movs_from_a_fifo_pops_once_an_element),
		cmocka_unit_test(rep_stos_to_mmio_exits_once_an_element),
		cmocka_unit_test(count_zero_touches_nothing),
		cmocka_unit_test(interrupts_get_their_turn_every_1024_elements),
		cmocka_unit_test(with_tf_each_iteration_is_a_step),
		cmocka_unit_test(df_walks_an_mmio_window_downwards),
		cmocka_unit_test(a_fault_in_the_middle_keeps_what_was_done),
		cmocka_unit_test(repne_scas_of_a_device_stops_at_the_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
