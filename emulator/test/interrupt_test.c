/** @file
 * Interrupts and exceptions through the gates of protected mode.
 *
 * links: emulator/test/harness.c emulator/test/gates.c
 */
#include "emulator/test/gates.h"

static void a_gate_of_the_same_level(void **state)
{
	struct world *w = gates_world(0);
	const u64 flags = 2 | RFLAGS_IF | RFLAGS_TF | RFLAGS_NT | RFLAGS_CF;

	(void)state;
	w->e.rflags = flags | RFLAGS_RF;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(w->segments[SEGMENT_CS].selector, CODE_0);
	assert_int_equal(gates_value(w, STACK_PAGE, 1, 4), flags);
	assert_int_equal(gates_value(w, STACK_PAGE, 2, 4), CODE_0);
	assert_int_equal(gates_value(w, STACK_PAGE, 3, 4), CODE_AT + 2);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP - 12);
	assert_int_equal(w->e.rflags, 2 | RFLAGS_CF);
	assert_true(w->e.dirty & EMUL_NO_STEP);
}

static void a_trap_gate_leaves_interrupts_on(void **state)
{
	struct world *w = gates_world(0);

	(void)state;
	w->e.rflags = 2 | RFLAGS_IF | RFLAGS_TF;
	gates_set(w, VECTOR, CODE_0, TRAP_32);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, 2 | RFLAGS_IF);
}

static void a_gate_to_an_inner_level_and_back(void **state)
{
	struct world *w = gates_world(3);

	(void)state;
	w->e.rflags = 2 | RFLAGS_IF;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->cpl, 0);
	assert_int_equal(w->segments[SEGMENT_SS].selector, DATA_0);
	assert_int_equal(gates_value(w, INNER_PAGE, 1, 4), DATA_3 | 3);
	assert_int_equal(gates_value(w, INNER_PAGE, 2, 4), STACK_TOP);
	assert_int_equal(gates_value(w, INNER_PAGE, 3, 4), 2 | RFLAGS_IF);
	assert_int_equal(gates_value(w, INNER_PAGE, 4, 4), CODE_3 | 3);
	assert_int_equal(gates_value(w, INNER_PAGE, 5, 4), CODE_AT + 2);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 20);
	gates_segment(w, SEGMENT_ES, DATA_0, 0); /* the handler's own */
	CODE(w, 0xcf);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->cpl, 3);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP);
	assert_int_equal(w->e.rflags, 2 | RFLAGS_IF);
	assert_int_equal(w->segments[SEGMENT_CS].selector, CODE_3 | 3);
	assert_int_equal(w->segments[SEGMENT_DS].selector, DATA_3 | 3);
	assert_true(w->segments[SEGMENT_ES].rights & RIGHTS_UNUSABLE);
	assert_true(w->e.dirty & EMUL_OPENS_NMI);
}

static void conforming_code_keeps_the_level(void **state)
{
	struct world *w = gates_world(3);

	(void)state;
	gates_set(w, VECTOR, CONFORMING, INTERRUPT_32 | DPL_3);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->cpl, 3);
	assert_int_equal(w->segments[SEGMENT_CS].selector, CONFORMING | 3);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP - 12);
}

static void a_gate_of_16_bits(void **state)
{
	struct world *w = gates_world(3);

	(void)state;
	w->e.rflags = 2 | RFLAGS_IF;
	gates_set(w, VECTOR, CODE_0, INTERRUPT_16 | DPL_3);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, 2);
	assert_int_equal(w->e.rip, HANDLER & 0xffff);
	assert_int_equal(gates_value(w, INNER_PAGE, 2, 2), STACK_TOP & 0xffff);
	assert_int_equal(gates_value(w, INNER_PAGE, 5, 2),
			 (CODE_AT + 2) & 0xffff);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 10);
}

static void a_tss_of_16_bits(void **state)
{
	struct world *w = gates_world(3);
	u16 *tss = harness_ram(w, TSS_PAGE);

	(void)state;
	w->segments[SEGMENT_TR].rights = RIGHTS_P | SYSTEM_TSS_16_BUSY;
	tss[1] = INNER_TOP;
	tss[2] = DATA_0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 20);
}

/** What is wrong with the gate, or the code behind it. */
static void gates_that_fault(void **state)
{
	static const struct {
		u16 selector;
		u8 rights, cpl, vector;
		u16 error_code;
	} table[] = {
		{ CODE_0, INTERRUPT_32, 3, VECTOR_GP, VECTOR * 8 + 2 },
		{ CODE_0, 0x0e | DPL_3, 3, VECTOR_NP, VECTOR * 8 + 2 },
		{ CODE_0, CALL_32 | DPL_3, 3, VECTOR_GP, VECTOR * 8 + 2 },
		{ CODE_0, 0x9e | DPL_3, 0, VECTOR_GP, VECTOR * 8 + 2 },
		{ 0, INTERRUPT_32, 0, VECTOR_GP, 0 },
		{ 3, INTERRUPT_32, 0, VECTOR_GP, 0 },
		{ 0xf8, INTERRUPT_32, 0, VECTOR_GP, 0xf8 },
		{ 0x0c, INTERRUPT_32, 0, VECTOR_GP, 0x0c },
		{ DATA_0, INTERRUPT_32, 0, VECTOR_GP, DATA_0 },
		{ CODE_3, INTERRUPT_32, 0, VECTOR_GP, CODE_3 },
		{ ABSENT_CODE, INTERRUPT_32, 0, VECTOR_NP, ABSENT_CODE },
		{ SHORT_CODE, INTERRUPT_32, 0, VECTOR_GP, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = gates_world(table[i].cpl);

		gates_set(w, VECTOR, table[i].selector, table[i].rights);
		harness_run(w, EMUL_FAULT);
		gates_expect(w, table[i].vector, table[i].error_code);
		assert_int_equal(w->gpr[REG_RSP], STACK_TOP);
	}
}

static void a_gate_beyond_the_table(void **state)
{
	struct world *w = gates_world(0);

	(void)state;
	w->tables[SYSTEM_IDT].limit = VECTOR * 8 + 6;
	harness_run(w, EMUL_FAULT);
	gates_expect(w, VECTOR_GP, VECTOR * 8 + 2);
	w->tables[SYSTEM_IDT].limit++;
	harness_run(w, EMUL_DONE);
}

/** What is wrong with the TSS, or the stack that it names. */
static void inner_stacks_that_fault(void **state)
{
	static const struct {
		u16 selector;
		u16 limit;
		u8 vector;
		u16 error_code;
	} table[] = {
		{ DATA_0, 8, VECTOR_TS, TSS },
		{ 0, 0x67, VECTOR_TS, 0 },
		{ 0xf8, 0x67, VECTOR_TS, 0xf8 },
		{ DATA_0 | 3, 0x67, VECTOR_TS, DATA_0 },
		{ DATA_3, 0x67, VECTOR_TS, DATA_3 },
		{ CODE_0, 0x67, VECTOR_TS, CODE_0 },
		{ ABSENT_DATA, 0x67, VECTOR_SS, ABSENT_DATA },
		{ SMALL_DATA, 0x67, VECTOR_SS, SMALL_DATA },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = gates_world(3);
		u32 *tss = harness_ram(w, TSS_PAGE);

		tss[1] = table[i].selector == SMALL_DATA ? 0x10 : INNER_TOP;
		tss[2] = table[i].selector;
		w->segments[SEGMENT_TR].limit = table[i].limit;
		harness_run(w, EMUL_FAULT);
		gates_expect(w, table[i].vector, table[i].error_code);
		assert_int_equal(w->cpl, 3);
	}
}

static void deliver(struct world *w, const struct emul_event *event,
		    enum emul_result expected)
{
	w->e.rip = CODE_AT;
	assert_int_equal(emulator_deliver(&w->e, event), expected);
}

/** An exception of the delivery of what is no instruction says so. */
static void an_error_code_says_external(void **state)
{
	const struct emul_event event = { .vector = VECTOR };
	struct world *w = gates_world(3);

	(void)state;
	gates_set(w, VECTOR, CODE_0, 0x0e);
	deliver(w, &event, EMUL_FAULT);
	gates_expect(w, VECTOR_NP, VECTOR * 8 + 3);
	gates_set(w, VECTOR, ABSENT_CODE, INTERRUPT_32);
	deliver(w, &event, EMUL_FAULT);
	gates_expect(w, VECTOR_NP, ABSENT_CODE | 1);
	gates_set(w, VECTOR, 0, INTERRUPT_32);
	deliver(w, &event, EMUL_FAULT);
	gates_expect(w, VECTOR_GP, 1);
}

/** The stack in use has no selector to blame. */
static void no_room_at_the_same_level(void **state)
{
	struct world *w = gates_world(0);

	(void)state;
	w->segments[SEGMENT_SS].limit = STACK_TOP - 9;
	harness_run(w, EMUL_FAULT);
	gates_expect(w, VECTOR_SS, 0);
	w->segments[SEGMENT_SS].limit = STACK_TOP - 1;
	harness_run(w, EMUL_DONE);
}

/** The DPL of a gate is for programs that name its vector. */
static void an_event_needs_no_privilege(void **state)
{
	const struct emul_event event = {
		.vector = VECTOR_GP,
		.has_error_code = true,
		.error_code = 0x1234,
	};
	struct world *w = gates_world(3);

	(void)state;
	w->e.rflags = 2 | RFLAGS_RF;
	gates_set(w, VECTOR_GP, CODE_0, INTERRUPT_32);
	deliver(w, &event, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(gates_value(w, INNER_PAGE, 3, 4), 2 | RFLAGS_RF);
	assert_int_equal(gates_value(w, INNER_PAGE, 5, 4), CODE_AT);
	assert_int_equal(gates_value(w, INNER_PAGE, 6, 4), 0x1234);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 24);
	assert_int_equal(w->e.rflags, 2);
}

/** One that was an instruction returns behind it. */
static void an_event_of_software_has_a_length(void **state)
{
	const struct emul_event event = {
		.vector = VECTOR,
		.software = true,
		.length = 2,
	};
	struct world *w = gates_world(3);

	(void)state;
	deliver(w, &event, EMUL_DONE);
	assert_int_equal(gates_value(w, INNER_PAGE, 5, 4), CODE_AT + 2);
	w = gates_world(3);
	gates_set(w, VECTOR, CODE_0, INTERRUPT_32);
	deliver(w, &event, EMUL_FAULT);
	gates_expect(w, VECTOR_GP, VECTOR * 8 + 2);
}

static void task_gates_stop(void **state)
{
	struct world *w = gates_world(0);

	(void)state;
	gates_set(w, VECTOR, TSS, TASK);
	harness_run(w, EMUL_UNHANDLEABLE);
	w->e.rflags |= RFLAGS_NT;
	CODE(w, 0xcf);
	harness_run(w, EMUL_UNHANDLEABLE);
	w->e.rflags &= ~RFLAGS_NT;
	CODE(w, 0xea, 0, 0, 0, 0, TSS, 0);
	harness_run(w, EMUL_UNHANDLEABLE);
}

/** Behind the second value the inner stack has no page. */
static void a_page_fault_in_the_frame(void **state)
{
	struct world *w = gates_world(3);
	const struct emul_event event = { .vector = VECTOR };
	u32 *tss = harness_ram(w, TSS_PAGE);

	(void)state;
	tss[1] = 0x10008;
	harness_map(w, 0x10000, INNER_PAGE, 1);
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_PF);
	assert_int_equal(w->e.exception.address.v, 0xfffc);
	/* no user's access, and nothing of EXT */
	assert_int_equal(w->e.exception.error_code, 0);
	deliver(w, &event, EMUL_FAULT);
	assert_int_equal(w->e.exception.error_code, 0);
	assert_int_equal(w->cpl, 3);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP);
	assert_int_equal(w->segments[SEGMENT_CS].selector, CODE_3 | 3);
}

#define LOW 0x10000u /* where 16-bit code reaches */

static void put_8086_frame(struct world *w)
{
	static const u32 frame[] = { 0x10, LOW >> 4, 0x23002, 0x200,
				     STACK >> 4, 1, 2, 3, 4 };

	memcpy(harness_ram(w, STACK_PAGE + 0x800), frame, sizeof(frame));
	CODE(w, 0xcf);
}

static u16 selector_in(const struct world *w, enum emul_segment which)
{
	return w->segments[which].selector;
}

static void into_virtual_8086_mode_and_out_of_it(void **state)
{
	static const u16 inner[] = { 4, 3, 2, 1, STACK >> 4, 0x200 };
	struct world *w = gates_world(0);

	(void)state;
	harness_map(w, LOW, RAM(0), 1);
	put_8086_frame(w);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, 0x23002);
	assert_int_equal(w->e.rip, 0x10);
	assert_int_equal(w->gpr[REG_RSP], 0x200);
	assert_int_equal(w->cpl, 3);
	assert_int_equal(w->segments[SEGMENT_CS].base.v, LOW);
	assert_int_equal(w->segments[SEGMENT_SS].base.v, STACK);
	assert_int_equal(selector_in(w, SEGMENT_ES), 1);
	assert_int_equal(selector_in(w, SEGMENT_GS), 4);
	assert_int_equal(w->segments[SEGMENT_DS].rights, 0xf3);
	w->e.mode = MODE_16;
	w->e.stack_size = 2;
	memcpy(harness_ram(w, RAM(0) + 0x10), (u8[]){ 0xcd, VECTOR }, 2);
	harness_run(w, EMUL_DONE);
	for (unsigned int i = 0; i < ARRAY_SIZE(inner); i++) {
		assert_int_equal(gates_value(w, INNER_PAGE, i + 1, 4),
				 inner[i]);
	}
	assert_int_equal(gates_value(w, INNER_PAGE, 7, 4), 0x23002);
	assert_int_equal(gates_value(w, INNER_PAGE, 9, 4), 0x12);
	assert_int_equal(w->e.rflags, 0x3002);
	assert_true(w->segments[SEGMENT_DS].rights & RIGHTS_UNUSABLE);
}

/* IA-32e mode -------------------------------------------------------------- */

static struct world *wide_world(void)
{
	struct world *w = gates_world(3);
	u64 *idt = harness_ram(w, IDT_PAGE);

	w->control[SYSTEM_EFER] = 0x500;
	idt[2 * 0x10] = gates_make(HANDLER, CODE_64, INTERRUPT_32 | DPL_3);
	idt[2 * 0x10 + 1] = 0;
	memset(harness_ram(w, TSS_PAGE), 0, 12);
	*(u32 *)harness_ram(w, TSS_PAGE + 4) = INNER_TOP + 9;
	CODE(w, 0xcd, 0x10);
	return w;
}

static void an_interrupt_in_long_mode(void **state)
{
	struct world *w = wide_world();

	(void)state;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 40);
	assert_int_equal(gates_value(w, INNER_PAGE, 1, 8), DATA_3 | 3);
	assert_int_equal(gates_value(w, INNER_PAGE, 2, 8), STACK_TOP);
	assert_true(w->segments[SEGMENT_SS].rights & RIGHTS_UNUSABLE);
	assert_int_equal(w->cpl, 0);
	w->e.mode = MODE_64;
	CODE(w, 0x48, 0xcf);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP);
	assert_int_equal(w->cpl, 3);
}

/** At its own level: the stack of the IST, and SS as it was. */
static void an_interrupt_stack_of_its_own(void **state)
{
	struct world *w = wide_world();
	u64 *idt = harness_ram(w, IDT_PAGE);
	u64 top = INNER_TOP;

	(void)state;
	w->e.mode = MODE_64;
	w->cpl = 0;
	gates_segment(w, SEGMENT_SS, DATA_0, 0);
	idt[2 * 0x10] |= 2ull << 32;
	memcpy(harness_ram(w, TSS_PAGE + 0x2c), &top, 8);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], INNER_TOP - 40);
	assert_int_equal(w->segments[SEGMENT_SS].selector, DATA_0);
	idt[2 * 0x10 + 1] = 0x8000; /* not canonical */
	CODE(w, 0xcd, 0x10);
	harness_run(w, EMUL_FAULT);
	gates_expect(w, VECTOR_GP, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gate_of_the_same_level),
		cmocka_unit_test(a_trap_gate_leaves_interrupts_on),
		cmocka_unit_test(a_gate_to_an_inner_level_and_back),
		cmocka_unit_test(conforming_code_keeps_the_level),
		cmocka_unit_test(a_gate_of_16_bits),
		cmocka_unit_test(a_tss_of_16_bits),
		cmocka_unit_test(gates_that_fault),
		cmocka_unit_test(a_gate_beyond_the_table),
		cmocka_unit_test(inner_stacks_that_fault),
		cmocka_unit_test(an_error_code_says_external),
		cmocka_unit_test(no_room_at_the_same_level),
		cmocka_unit_test(an_event_needs_no_privilege),
		cmocka_unit_test(an_event_of_software_has_a_length),
		cmocka_unit_test(task_gates_stop),
		cmocka_unit_test(a_page_fault_in_the_frame),
		cmocka_unit_test(into_virtual_8086_mode_and_out_of_it),
		cmocka_unit_test(an_interrupt_in_long_mode),
		cmocka_unit_test(an_interrupt_stack_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
