/** @file
 * Calls through gates, and what returns to an outer level.
 *
 * links: emulator/test/harness.c emulator/test/gates.c
 */
#include "emulator/test/gates.h"

static void put_frame(struct world *w, const u32 *values, unsigned int count)
{
	memcpy(harness_ram(w, STACK_PAGE + 0x800), values, 4ul * count);
	CODE(w, 0xcf);
}

static void iret_faults(void **state)
{
	static const struct {
		u32 frame[5];
		u8 cpl, vector;
		u16 error_code;
	} table[] = {
		{ { 0, 0, 2 }, 0, VECTOR_GP, 0 },
		{ { 0, 0xf8, 2 }, 0, VECTOR_GP, 0xf8 },
		{ { 0, DATA_0, 2 }, 0, VECTOR_GP, DATA_0 },
		{ { 0, CODE_0, 2 }, 3, VECTOR_GP, CODE_0 },
		{ { 0, CODE_0 | 3, 2 }, 0, VECTOR_GP, CODE_0 },
		{ { 0, ABSENT_CODE, 2 }, 0, VECTOR_NP, ABSENT_CODE },
		{ { 0x100, SHORT_CODE, 2 }, 0, VECTOR_GP, 0 },
		{ { 0, CODE_3 | 3, 2, 0, 0 }, 0, VECTOR_GP, 0 },
		{ { 0, CODE_3 | 3, 2, 0, 0xf8 }, 0, VECTOR_GP, 0xf8 },
		{ { 0, CODE_3 | 3, 2, 0, DATA_3 }, 0, VECTOR_GP, DATA_3 },
		{ { 0, CODE_3 | 3, 2, 0, DATA_0 | 3 }, 0, VECTOR_GP, DATA_0 },
		{ { 0, CODE_3 | 3, 2, 0, CODE_3 | 3 }, 0, VECTOR_GP, CODE_3 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = gates_world(table[i].cpl);

		put_frame(w, table[i].frame, 5);
		harness_run(w, EMUL_FAULT);
		gates_expect(w, table[i].vector, table[i].error_code);
		assert_int_equal(w->gpr[REG_RSP], STACK_TOP);
	}
}

/** Level 3 changes IF by IOPL, and IOPL not at all (SDM 2A IRET). */
static void iret_keeps_what_a_level_may_not_change(void **state)
{
	static const u32 frame[] = { HANDLER, CODE_3 | 3, 0xffffffff };
	struct world *w = gates_world(3);

	(void)state;
	w->e.rflags = 2;
	put_frame(w, frame, 3);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, (0x257fd5 & ~(RFLAGS_IOPL | RFLAGS_IF)) |
					      2);
	w = gates_world(3);
	w->e.rflags = 2 | RFLAGS_IOPL;
	put_frame(w, frame, 3);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, 0x257fd5 | 2);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP + 12);
}

/** Level 0 may change all of them but VM. */
static void iret_of_level_0(void **state)
{
	static const u32 frame[] = { HANDLER, CODE_0,
				     0xffffffff & ~RFLAGS_VM };
	struct world *w = gates_world(0);

	(void)state;
	w->e.rflags = 2;
	put_frame(w, frame, 3);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags,
			 0x257fd5 | 2 | RFLAGS_VIF | RFLAGS_VIP);
}

/** A null segment loses its RPL where a level loses its segments. */
static void iret_cleans_null_selectors(void **state)
{
	static const u32 frame[] = { HANDLER, CODE_3 | 3, 2, STACK_TOP,
				     DATA_3 | 3 };
	struct world *w = gates_world(0);

	(void)state;
	w->segments[SEGMENT_FS].selector = 3;
	w->segments[SEGMENT_FS].rights = RIGHTS_UNUSABLE;
	w->segments[SEGMENT_FS].base = gva(0x1234);
	put_frame(w, frame, 5);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_FS].selector, 0);
	assert_int_equal(w->segments[SEGMENT_FS].base.v, 0x1234);
	assert_true(w->segments[SEGMENT_DS].rights & RIGHTS_UNUSABLE);
}

/** 64-bit code at level 0. @param frame RIP, CS, RFLAGS, RSP, SS */
static struct world *iret_world(const u64 *frame)
{
	struct world *w = gates_world(0);

	w->control[SYSTEM_EFER] = 0x500;
	w->e.mode = MODE_64;
	memcpy(harness_ram(w, STACK_PAGE + 0x800), frame, 40);
	CODE(w, 0x48, 0xcf);
	return w;
}

/** In 64-bit mode the stack is always there; it may be null but at level 3. */
static void iret_of_64_bits(void **state)
{
	static const u64 same[] = { HANDLER, CODE_64, 2, BIT(40) | 8, 0 };
	static const u64 outer[] = { HANDLER, CODE_3 | 3, 2, BIT(40) | 8,
				     DATA_3 | 3 };
	static const u64 null[] = { HANDLER, CODE_3 | 3, 2, 8, 3 };
	struct world *w = iret_world(same);

	(void)state;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], BIT(40) | 8);
	assert_true(w->segments[SEGMENT_SS].rights & RIGHTS_UNUSABLE);
	w = iret_world(outer);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], 8); /* 32-bit code */
	assert_int_equal(w->cpl, 3);
	w = iret_world(null);
	harness_run(w, EMUL_FAULT);
	gates_expect(w, VECTOR_GP, 0);
}

/* Far calls ---------------------------------------------------------------- */

static void set_call_gate(struct world *w, u16 selector, u8 rights, u8 count)
{
	u64 *table = harness_ram(w, GDT_PAGE);

	table[CALL_GATE / 8] =
		gates_make(HANDLER, selector, rights) | (u64)count << 32;
}

static void a_call_through_a_gate_and_its_return(void **state)
{
	struct world *w = gates_world(3);
	static const u32 parameters[] = { 0x11, 0x22 };

	(void)state;
	set_call_gate(w, CODE_0, CALL_32 | DPL_3, 2);
	memcpy(harness_ram(w, STACK_PAGE + 0x800), parameters, 8);
	CODE(w, 0x9a, 0x78, 0x56, 0x34, 0x12, CALL_GATE | 3, 0);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(w->cpl, 0);
	assert_int_equal(gates_value(w, INNER_PAGE, 1, 4), DATA_3 | 3);
	assert_int_equal(gates_value(w, INNER_PAGE, 2, 4), STACK_TOP);
	assert_int_equal(gates_value(w, INNER_PAGE, 3, 4), 0x22);
	assert_int_equal(gates_value(w, INNER_PAGE, 4, 4), 0x11);
	assert_int_equal(gates_value(w, INNER_PAGE, 5, 4), CODE_3 | 3);
	assert_int_equal(gates_value(w, INNER_PAGE, 6, 4), CODE_AT + 7);
	CODE(w, 0xca, 8, 0);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->cpl, 3);
	assert_int_equal(w->e.rip, CODE_AT + 7);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP + 8);
}

static void a_call_gate_of_the_same_level(void **state)
{
	struct world *w = gates_world(0);

	(void)state;
	set_call_gate(w, CODE_0, CALL_32, 2);
	CODE(w, 0x9a, 0, 0, 0, 0, CALL_GATE, 0);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP - 8);
	CODE(w, 0xea, 0, 0, 0, 0, CALL_GATE, 0);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, HANDLER);
	assert_int_equal(w->gpr[REG_RSP], STACK_TOP - 8);
}

static void call_gates_that_fault(void **state)
{
	static const struct {
		u8 opcode, pointer, cpl;
		u16 selector;
		u8 rights, vector;
		u16 error_code;
	} table[] = {
		{ 0x9a, CALL_GATE, 3, CODE_0, CALL_32, VECTOR_GP, CALL_GATE },
		{ 0x9a, CALL_GATE | 3, 0, CODE_0, CALL_32, VECTOR_GP,
		  CALL_GATE },
		{ 0x9a, CALL_GATE, 0, CODE_0, 0x0c, VECTOR_NP, CALL_GATE },
		{ 0x9a, CALL_GATE, 0, CODE_0, INTERRUPT_32, VECTOR_GP,
		  CALL_GATE },
		{ 0x9a, CALL_GATE, 0, 0, CALL_32, VECTOR_GP, 0 },
		{ 0x9a, CALL_GATE, 0, DATA_0, CALL_32, VECTOR_GP, DATA_0 },
		{ 0x9a, CALL_GATE, 0, ABSENT_CODE, CALL_32, VECTOR_NP,
		  ABSENT_CODE },
		{ 0x9a, CALL_GATE, 0, SHORT_CODE, CALL_32, VECTOR_GP, 0 },
		{ 0xea, CALL_GATE, 3, CODE_0, CALL_32 | DPL_3, VECTOR_GP,
		  CODE_0 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = gates_world(table[i].cpl);

		set_call_gate(w, table[i].selector, table[i].rights, 0);
		CODE(w, table[i].opcode, 0, 0, 0, 0, table[i].pointer, 0);
		harness_run(w, EMUL_FAULT);
		gates_expect(w, table[i].vector, table[i].error_code);
	}
}

static void a_call_gate_without_room(void **state)
{
	struct world *w = gates_world(3);
	u32 *tss = harness_ram(w, TSS_PAGE);

	(void)state;
	tss[1] = 0x10;
	tss[2] = SMALL_DATA;
	set_call_gate(w, CODE_0, CALL_32 | DPL_3, 1);
	CODE(w, 0x9a, 0, 0, 0, 0, CALL_GATE | 3, 0);
	harness_run(w, EMUL_FAULT);
	gates_expect(w, VECTOR_SS, SMALL_DATA);
}

/** Nor has IA-32e mode gates of 16 bits, or ones to other code. */
static void call_gates_of_long_mode(void **state)
{
	static const struct {
		u16 selector;
		u8 rights;
		u16 error_code;
	} table[] = {
		{ CODE_64, CALL_16, CALL_GATE },
		{ CODE_0, CALL_32, CODE_0 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = gates_world(0);

		w->control[SYSTEM_EFER] = 0x500;
		set_call_gate(w, table[i].selector, table[i].rights, 0);
		CODE(w, 0x9a, 0, 0, 0, 0, CALL_GATE, 0);
		harness_run(w, EMUL_FAULT);
		gates_expect(w, VECTOR_GP, table[i].error_code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iret_faults),
		cmocka_unit_test(iret_keeps_what_a_level_may_not_change),
		cmocka_unit_test(iret_of_level_0),
		cmocka_unit_test(iret_cleans_null_selectors),
		cmocka_unit_test(iret_of_64_bits),
		cmocka_unit_test(a_call_gate_without_room),
		cmocka_unit_test(call_gates_of_long_mode),
		cmocka_unit_test(a_call_through_a_gate_and_its_return),
		cmocka_unit_test(a_call_gate_of_the_same_level),
		cmocka_unit_test(call_gates_that_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
