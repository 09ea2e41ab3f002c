/** @file
 * Far transfers, and the interrupts of real mode.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#define GDT    0x600000ull /* RAM page 3 */
#define STACK  0x8000ull   /* RAM page 4 */
#define TARGET 0x1234u

#define CODE_32 0x00cf9a000000ffffull
#define CODE_16 0x000f9a000000ffffull /* limit FFFFFh */
#define CODE_64 0x00af9a000000ffffull
#define BOTH_LD 0x00ef9a000000ffffull
#define DATA	0x00cf92000000ffffull
#define ABSENT	0x00cf1a000000ffffull
#define GATE	0x00008c0000000000ull /* to nothing */
#define CODE_3	0x00cffa000000ffffull
#define SHORT	0x00409a00000000ffull /* limit FFh */

static struct world *far_world(enum emul_mode mode)
{
	static const u64 table[] = { 0,	     CODE_32, CODE_16, CODE_64, BOTH_LD,
				     DATA,   ABSENT,  GATE,    CODE_3,	SHORT };
	struct world *w = harness_new();

	harness_map(w, GDT, RAM(3), 1);
	harness_map(w, STACK, RAM(4), 1);
	harness_map(w, 0, RAM(5), 1);
	memcpy(harness_ram(w, RAM(3)), table, sizeof(table));
	w->tables[SYSTEM_GDT] =
		(struct table_base){ gva(GDT), sizeof(table) - 1 };
	w->tables[SYSTEM_IDT] = (struct table_base){ gva(0), 0x3ff };
	w->e.mode = mode;
	w->e.stack_size = mode == MODE_16 ? 2 : 4;
	w->control[SYSTEM_EFER] = mode == MODE_64 ? 0x500 : 0;
	w->gpr[REG_RSP] = STACK + 0x100;
	w->segments[SEGMENT_CS].selector = 0x08;
	return w;
}

static struct world *real_world(void)
{
	struct world *w = far_world(MODE_16);

	w->control[SYSTEM_CR0] = 0x10;
	w->segments[SEGMENT_CS].base = gva(CODE_AT);
	w->segments[SEGMENT_CS].limit = 0xffff;
	w->segments[SEGMENT_CS].selector = 0x4000;
	return w;
}

static void expect_fault(const struct world *w, u8 vector, u32 error_code)
{
	assert_int_equal(w->e.exception.vector, vector);
	assert_int_equal(w->e.exception.error_code, error_code);
}

static u64 stack_cell(struct world *w, unsigned int offset, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, harness_ram(w, RAM(4) + offset), size);
	return value;
}

/** JMP to a selector in 32-bit code. */
static void jump(struct world *w, u8 selector, enum emul_result expected)
{
	CODE(w, 0xea, TARGET & 0xff, TARGET >> 8, 0, 0, selector, 0);
	harness_run(w, expected);
}

static void a_far_jump_changes_cs(void **state)
{
	struct world *w = far_world(MODE_32);
	u64 *table = harness_ram(w, RAM(3));

	(void)state;
	jump(w, 0x10, EMUL_DONE);
	assert_int_equal(w->e.rip, TARGET);
	assert_int_equal(w->segments[SEGMENT_CS].selector, 0x10);
	assert_int_equal(w->segments[SEGMENT_CS].limit, 0xfffff);
	assert_false(w->segments[SEGMENT_CS].rights & RIGHTS_DB);
	assert_true(table[2] & BIT(40)); /* accessed */
}

static void far_jumps_that_fault(void **state)
{
	static const struct {
		u8 selector, vector, error_code;
	} table[] = {
		{ 0x00, VECTOR_GP, 0x00 }, { 0x28, VECTOR_GP, 0x28 },
		{ 0x30, VECTOR_NP, 0x30 }, { 0x40, VECTOR_GP, 0x40 },
		{ 0x09, VECTOR_GP, 0x08 }, { 0x48, VECTOR_GP, 0x00 },
		{ 0xf8, VECTOR_GP, 0xf8 }, { 0x38, VECTOR_GP, 0x00 },
	};
	struct world *w = far_world(MODE_32);
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		jump(w, table[i].selector, EMUL_FAULT);
		expect_fault(w, table[i].vector, table[i].error_code);
		assert_int_equal(w->e.rip, CODE_AT);
		assert_int_equal(w->segments[SEGMENT_CS].selector, 0x08);
	}
	w->control[SYSTEM_EFER] = 0x500;
	jump(w, 0x20, EMUL_FAULT); /* L and D */
	expect_fault(w, VECTOR_GP, 0x20);
}

static void a_far_call_and_its_return(void **state)
{
	struct world *w = far_world(MODE_32);

	(void)state;
	CODE(w, 0x9a, 0x40, 0x00, 0x40, 0x00, 0x08, 0x00);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 0x40);
	assert_int_equal(stack_cell(w, 0xfc, 4), 0x08);
	assert_int_equal(stack_cell(w, 0xf8, 4), CODE_AT + 7);
	assert_int_equal(w->gpr[REG_RSP], STACK + 0xf8);
	CODE(w, 0xca, 8, 0); /* lret $8 */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 7);
	assert_int_equal(w->segments[SEGMENT_CS].selector, 0x08);
	assert_int_equal(w->gpr[REG_RSP], STACK + 0x108);
}

static void a_far_pointer_in_mmio(void **state)
{
	struct world *w = far_world(MODE_64);

	(void)state;
	harness_map(w, 0x9000, MMIO, 1);
	w->gpr[REG_RBX] = 0x9000;
	CODE(w, 0x48, 0xff, 0x2b); /* ljmp *(%rbx), 64-bit offset */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 8, false);
	harness_answer(w, CODE_AT + 0x80, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 2, false);
	harness_answer(w, 0x18, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 0x80);
	assert_int_equal(w->segments[SEGMENT_CS].selector, 0x18);
}

static void a_far_return_with_its_stack_in_mmio(void **state)
{
	struct world *w = far_world(MODE_32);

	(void)state;
	harness_map(w, 0x9000, MMIO, 1);
	w->gpr[REG_RSP] = 0x9010;
	CODE(w, 0xcb);
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, TARGET, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x14, 4, false);
	harness_answer(w, 0x10, EMUL_DONE);
	assert_int_equal(w->e.rip, TARGET);
	assert_int_equal(w->gpr[REG_RSP], 0x9018);
}

static void a_far_return_goes_to_no_inner_level(void **state)
{
	struct world *w = far_world(MODE_32);

	(void)state;
	memcpy(harness_ram(w, RAM(4) + 0x100), "\x34\x12\0\0\x08\0\0\0", 8);
	CODE(w, 0xcb);
	w->cpl = 3;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0x08);
}

static void real_mode_jumps_by_sixteen(void **state)
{
	struct world *w = real_world();

	(void)state;
	CODE(w, 0xea, 0x10, 0x00, 0x00, 0x80); /* ljmp $0x8000,$0x10 */
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 0x10);
	assert_int_equal(w->segments[SEGMENT_CS].base.v, 0x80000);
	assert_int_equal(w->segments[SEGMENT_CS].limit, 0xffff);
}

static void real_mode_interrupts(void **state)
{
	struct world *w = real_world();
	const u64 flags = 2 | RFLAGS_IF | RFLAGS_CF;

	(void)state;
	memcpy(harness_ram(w, RAM(5) + 4 * 0x10), "\x34\x12\x00\x90", 4);
	w->e.rflags = flags;
	CODE(w, 0xcd, 0x10);
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 0x1234);
	assert_int_equal(w->segments[SEGMENT_CS].base.v, 0x90000);
	assert_int_equal(w->e.rflags, flags & ~RFLAGS_IF);
	assert_int_equal(stack_cell(w, 0xfa, 2), 2);
	assert_int_equal(stack_cell(w, 0xfc, 2), 0x4000);
	assert_int_equal(stack_cell(w, 0xfe, 2), flags);
	w->segments[SEGMENT_CS].base = gva(CODE_AT);
	CODE(w, 0xcf);
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 2);
	assert_int_equal(w->segments[SEGMENT_CS].selector, 0x4000);
	assert_int_equal(w->e.rflags, flags);
	assert_int_equal(w->gpr[REG_RSP], STACK + 0x100);
}

static void into_asks_the_overflow_flag(void **state)
{
	struct world *w = real_world();

	(void)state;
	memcpy(harness_ram(w, RAM(5) + 4 * VECTOR_OF), "\x34\x12\x00\x90", 4);
	CODE(w, 0xce);
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 1);
	w->e.rip = 0;
	w->e.rflags |= RFLAGS_OF;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 0x1234);
}

static void a_vector_beyond_the_table_is_gp(void **state)
{
	struct world *w = real_world();

	(void)state;
	w->tables[SYSTEM_IDT].limit = 0x42;
	CODE(w, 0xcd, 0x10);
	w->e.rip = 0;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
}

/** What the hypervisor delivers: an instruction of no length. */
static void an_event_returns_to_its_instruction(void **state)
{
	struct world *w = real_world();
	const u64 flags = 2 | RFLAGS_IF | RFLAGS_TF | RFLAGS_CF;
	const struct emul_event event = { .vector = 0x30 };

	(void)state;
	memcpy(harness_ram(w, RAM(5) + 4 * 0x30), "\x34\x12\x00\x90", 4);
	CODE(w, 0x90);
	w->e.rip = 0x77;
	w->e.rflags = flags;
	assert_int_equal(emulator_deliver(&w->e, &event), EMUL_DONE);
	assert_true(w->e.retired && (w->e.dirty & EMUL_NO_STEP));
	assert_int_equal(w->e.rip, 0x1234);
	assert_int_equal(w->e.rflags, flags & ~(RFLAGS_IF | RFLAGS_TF));
	assert_int_equal(stack_cell(w, 0xfa, 2), 0x77);
	assert_int_equal(stack_cell(w, 0xfc, 2), 0x4000);
	assert_int_equal(stack_cell(w, 0xfe, 2), flags);
	w->tables[SYSTEM_IDT].limit = 4 * 0x30 + 2;
	assert_int_equal(emulator_deliver(&w->e, &event), EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
}

/** INT n has the same bytes, and is two of them long. */
static void an_event_is_not_taken_for_int_n(void **state)
{
	static const u8 code[INSN_MAX] = { 0xcd, 0x30 };
	const struct emul_event event = { .vector = 0x30 };
	struct world *w = real_world();

	(void)state;
	memcpy(harness_ram(w, RAM(5) + 4 * 0x30), "\x34\x12\x00\x90", 4);
	w->e.rip = 0x77;
	assert_int_equal(emulator_deliver(&w->e, &event), EMUL_DONE);
	w->e.rip = 0x77;
	w->e.code = code;
	assert_int_equal(emulator_run(&w->e), EMUL_DONE);
	assert_int_equal(stack_cell(w, 0xf4, 2), 0x79);
}

/** IRET of 32 bits takes what SDM 2A IRET says, and leaves VIF, VIP, VM. */
static void iret_keeps_some_flags(void **state)
{
	struct world *w = real_world();

	(void)state;
	w->e.rflags = 2 | BIT(19);
	memset(harness_ram(w, RAM(4) + 0x100), 0, 8);
	memset(harness_ram(w, RAM(4) + 0x108), 0xff, 4);
	CODE(w, 0x66, 0xcf);
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rflags, 0x257fd5 | 2 | BIT(19));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_far_jump_changes_cs),
		cmocka_unit_test(far_jumps_that_fault),
		cmocka_unit_test(a_far_call_and_its_return),
		cmocka_unit_test(a_far_pointer_in_mmio),
		cmocka_unit_test(a_far_return_with_its_stack_in_mmio),
		cmocka_unit_test(a_far_return_goes_to_no_inner_level),
		cmocka_unit_test(real_mode_jumps_by_sixteen),
		cmocka_unit_test(real_mode_interrupts),
		cmocka_unit_test(into_asks_the_overflow_flag),
		cmocka_unit_test(a_vector_beyond_the_table_is_gp),
		cmocka_unit_test(iret_keeps_some_flags),
		cmocka_unit_test(an_event_returns_to_its_instruction),
		cmocka_unit_test(an_event_is_not_taken_for_int_n),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
