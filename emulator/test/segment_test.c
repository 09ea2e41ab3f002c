/** @file
 * Segments: limits and rights, and what may be loaded from a descriptor.
 *
 * A processor in user mode cannot be asked about most of this, so the tables
 * below are the SDM's (2B MOV, 3A 5.3 to 5.8).
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#define GDT 0x600000ull /* RAM page 3 */
#define LDT 0x600800ull

#define CODE_64	  0x00af9b000000ffffull /* DPL 0, accessed */
#define DATA_0	  0x00cf93000000ffffull
#define DATA_NEW  0x00cf92000000ffffull /* not accessed yet */
#define DATA_RO	  0x00cf91000000ffffull
#define DATA_3	  0x00cff3000000ffffull
#define ABSENT	  0x00cf13000000ffffull
#define CODE_XO	  0x00cf99000000ffffull /* execute only */
#define CODE_CONF 0x00cf9f000000ffffull /* conforming, readable */
#define LDT_64	  0x00008260080000ffull
#define TSS_FREE  0x0000896000000067ull
#define BASED	  0x12cf93345678ffffull

static struct world *descriptor_world(enum emul_mode mode, unsigned int cpl)
{
	static const u64 table[] = { 0,	       CODE_64,	 DATA_0,   DATA_NEW,
				     DATA_RO,  DATA_3,	 ABSENT,   CODE_XO,
				     CODE_CONF, LDT_64,	 0,	   TSS_FREE,
				     0,	       BASED };
	struct world *w = harness_new();

	harness_map(w, GDT, RAM(3), 1);
	memcpy(harness_ram(w, RAM(3)), table, sizeof(table));
	w->tables[SYSTEM_GDT] =
		(struct table_base){ gva(GDT), sizeof(table) - 1 };
	w->e.mode = mode;
	w->e.stack_size = 4;
	w->cpl = cpl;
	if (mode != MODE_64) {
		w->control[SYSTEM_EFER] = 0;
	}
	return w;
}

/** MOV of AX to a segment register. */
static void load(struct world *w, unsigned int which, u16 selector,
		 enum emul_result expected)
{
	CODE(w, 0x8e, 0xc0 | which << 3);
	w->gpr[REG_RAX] = selector;
	harness_run(w, expected);
}

static void expect_fault(const struct world *w, u8 vector, u32 error_code)
{
	assert_int_equal(w->e.exception.vector, vector);
	assert_true(w->e.exception.has_error_code);
	assert_int_equal(w->e.exception.error_code, error_code);
}

static void loads_that_fault(void **state)
{
	static const struct {
		u8 which, cpl, vector;
		u16 selector, error_code;
	} table[] = {
		{ SEGMENT_DS, 0, VECTOR_GP, 0x200, 0x200 }, /* beyond */
		{ SEGMENT_DS, 0, VECTOR_GP, 0x14, 0x14 },   /* no LDT */
		{ SEGMENT_DS, 0, VECTOR_NP, 0x30, 0x30 },
		{ SEGMENT_DS, 0, VECTOR_GP, 0x38, 0x38 }, /* execute only */
		{ SEGMENT_DS, 0, VECTOR_GP, 0x48, 0x48 }, /* an LDT */
		{ SEGMENT_DS, 3, VECTOR_GP, 0x13, 0x10 }, /* DPL 0 */
		{ SEGMENT_DS, 0, VECTOR_GP, 0x13, 0x10 }, /* RPL 3, DPL 0 */
		{ SEGMENT_SS, 0, VECTOR_GP, 0, 0 },
		{ SEGMENT_SS, 0, VECTOR_GP, 0x20, 0x20 }, /* read-only */
		{ SEGMENT_SS, 0, VECTOR_GP, 0x08, 0x08 }, /* code */
		{ SEGMENT_SS, 0, VECTOR_GP, 0x28, 0x28 }, /* DPL 3 */
		{ SEGMENT_SS, 0, VECTOR_GP, 0x11, 0x10 }, /* RPL 1 */
		{ SEGMENT_SS, 3, VECTOR_GP, 0x10, 0x10 },
		{ SEGMENT_SS, 0, VECTOR_SS, 0x30, 0x30 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = descriptor_world(MODE_32, table[i].cpl);
		struct segment_register old = w->segments[table[i].which];

		load(w, table[i].which, table[i].selector, EMUL_FAULT);
		expect_fault(w, table[i].vector, table[i].error_code);
		assert_memory_equal(&w->segments[table[i].which], &old,
				    sizeof(old));
	}
}

/** MOV DS, [RBX] from a device at 0x18 of its page; so is the descriptor. */
static void the_hint_is_not_for_descriptors(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	harness_map(w, AT, MMIO, 1);
	w->gpr[REG_RBX] = AT + 0x18;
	CODE(w, 0x8e, 0x1b);
	w->e.hint =
		(struct emul_hint){ .valid = true, .gpa = gpa(MMIO + 0x18) };
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x18, 2, false);
	harness_answer(w, 0x18, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_DS].selector, 0x18);
	assert_int_equal(w->segments[SEGMENT_DS].rights, 0xc093);
}

static void a_load_fills_base_limit_and_rights(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	load(w, SEGMENT_GS, 0x68, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_GS].selector, 0x68);
	assert_int_equal(w->segments[SEGMENT_GS].base.v, 0x12345678);
	assert_int_equal(w->segments[SEGMENT_GS].limit, 0xffffffff);
	assert_int_equal(w->segments[SEGMENT_GS].rights, 0xc093);
	load(w, SEGMENT_DS, 0x40, EMUL_DONE); /* conforming code is data too */
	load(w, SEGMENT_DS, 0x2b, EMUL_DONE);
}

static void a_load_marks_the_descriptor_accessed(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);
	u64 *table = harness_ram(w, RAM(3));

	(void)state;
	load(w, SEGMENT_ES, 0x18, EMUL_DONE);
	assert_int_equal(table[3], DATA_NEW | BIT(40));
	assert_true(w->segments[SEGMENT_ES].rights & RIGHTS_ACCESSED);
}

static void null_selectors(void **state)
{
	struct world *w = descriptor_world(MODE_64, 0);

	(void)state;
	load(w, SEGMENT_FS, 3, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_FS].rights, RIGHTS_UNUSABLE);
	assert_int_equal(w->segments[SEGMENT_FS].selector, 3);
	load(w, SEGMENT_SS, 0, EMUL_DONE); /* 64-bit mode, below CPL 3 */
	assert_true(w->e.dirty & EMUL_BLOCKS_MOV_SS);
	load(w, SEGMENT_SS, 1, EMUL_FAULT);
	w->cpl = 3;
	load(w, SEGMENT_SS, 3, EMUL_FAULT);
}

static void an_unusable_segment_is_gp_outside_64_bit_mode(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	load(w, SEGMENT_ES, 0, EMUL_DONE);
	CODE(w, 0x26, 0x8b, 0x03); /* mov %es:(%ebx),%eax */
	w->gpr[REG_RBX] = CODE_AT;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
}

static void a_descriptor_table_in_mmio_stops(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	harness_map(w, 0x700000, MMIO, 1);
	w->tables[SYSTEM_GDT].base = gva(0x700000);
	load(w, SEGMENT_DS, 0x10, EMUL_UNHANDLEABLE);
	assert_non_null(w->e.error);
}

static void real_mode_loads_sixteen_times_the_selector(void **state)
{
	struct world *w = descriptor_world(MODE_16, 0);

	(void)state;
	w->control[SYSTEM_CR0] = 0x10;
	w->e.stack_size = 2;
	w->segments[SEGMENT_DS].limit = 0xffffffff; /* big real mode */
	load(w, SEGMENT_DS, 0xf123, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_DS].base.v, 0xf1230);
	assert_int_equal(w->segments[SEGMENT_DS].limit, 0xffffffff);
}

/** Offset and limit of a 4-byte access, up or down; whether it faults. */
static void limits(void **state)
{
	static const struct {
		u32 limit, rights, offset;
		bool faults;
	} table[] = {
		{ 0xffff, 0, 0xfffc, false },
		{ 0xffff, 0, 0xfffd, true },
		{ 0xffffffff, RIGHTS_DB, 0xfffffffe, false }, /* wraps */
		{ 0xfff, RIGHTS_DOWN, 0xfff, true },
		{ 0xfff, RIGHTS_DOWN, 0x1000, false },
		{ 0xfff, RIGHTS_DOWN, 0xfffd, true }, /* B clear: to FFFFh */
		{ 0xfff, RIGHTS_DOWN | RIGHTS_DB, 0xfffd, false },
	};
	unsigned int i, which;

	(void)state;
	for (i = 0; i < 2 * ARRAY_SIZE(table); i++) {
		struct world *w = descriptor_world(MODE_32, 0);
		struct segment_register *segment;

		which = i & 1 ? SEGMENT_SS : SEGMENT_DS;
		segment = &w->segments[which];
		segment->limit = table[i / 2].limit;
		segment->rights = RIGHTS_P | RIGHTS_S | RIGHTS_WRITABLE |
				  table[i / 2].rights;
		harness_map(w, 0, RAM(4), 2);
		harness_map(w, 0xf000, RAM(4), 2);
		harness_map(w, 0xfffff000, RAM(4), 1);
		CODE(w, i & 1 ? 0x36 : 0x3e, 0x8b, 0x03);
		w->gpr[REG_RBX] = table[i / 2].offset;
		harness_run(w, table[i / 2].faults ? EMUL_FAULT : EMUL_DONE);
		if (table[i / 2].faults) {
			expect_fault(w, i & 1 ? VECTOR_SS : VECTOR_GP, 0);
		}
	}
}

static void rights_are_checked_in_protected_mode_only(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	w->segments[SEGMENT_DS].rights &= ~RIGHTS_WRITABLE;
	CODE(w, 0x89, 0x03); /* mov %eax,(%ebx) */
	w->gpr[REG_RBX] = CODE_AT + 64;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
	w->control[SYSTEM_CR0] = 0x10;
	harness_run(w, EMUL_DONE);
}

static void sixteen_bit_addresses_wrap_in_their_segment(void **state)
{
	struct world *w = descriptor_world(MODE_16, 0);

	(void)state;
	w->control[SYSTEM_CR0] = 0x10;
	w->segments[SEGMENT_CS].base = gva(CODE_AT);
	w->segments[SEGMENT_DS].base = gva(0x20000);
	w->segments[SEGMENT_DS].limit = 0xffff;
	harness_map(w, 0x20000, RAM(4), 1);
	memcpy(harness_ram(w, RAM(4) + 0x30), "\x34\x12", 2);
	CODE(w, 0x8b, 0x40, 0x40); /* mov 0x40(%bx,%si),%ax */
	w->e.rip = 0;
	w->gpr[REG_RBX] = 0xfff0;
	w->gpr[REG_RSI] = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x1234);
}

static void lds_loads_offset_and_segment(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	harness_map(w, 0x8000, RAM(4), 1);
	memcpy(harness_ram(w, RAM(4)), "\x78\x56\x34\x12\x68\x00", 6);
	w->gpr[REG_RBX] = 0x8000;
	CODE(w, 0xc5, 0x0b); /* lds (%ebx),%ecx */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 0x12345678);
	assert_int_equal(w->segments[SEGMENT_DS].base.v, 0x12345678);
	CODE(w, 0x0f, 0xb2, 0x0b); /* lss of a segment that is absent */
	memcpy(harness_ram(w, RAM(4)), "\x78\x56\x34\x12\x30\x00", 6);
	w->segments[SEGMENT_DS] = w->segments[SEGMENT_ES];
	w->gpr[REG_RCX] = 0;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_SS, 0x30);
	assert_int_equal(w->gpr[REG_RCX], 0);
}

static void a_segment_goes_through_the_stack(void **state)
{
	struct world *w = descriptor_world(MODE_32, 0);

	(void)state;
	harness_map(w, 0x8000, RAM(4), 1);
	w->gpr[REG_RSP] = 0x8100;
	w->segments[SEGMENT_DS].selector = 0x10;
	CODE(w, 0x1e); /* push %ds */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], 0x80fc);
	CODE(w, 0x0f, 0xa9); /* pop %gs */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], 0x8100);
	assert_int_equal(w->segments[SEGMENT_GS].selector, 0x10);
	CODE(w, 0x17); /* pop %ss: a fault leaves the stack pointer */
	memcpy(harness_ram(w, RAM(4) + 0x100), "\x30\x00\x00\x00", 4);
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_SS, 0x30);
	assert_int_equal(w->gpr[REG_RSP], 0x8100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_that_fault),
		cmocka_unit_test(the_hint_is_not_for_descriptors),
		cmocka_unit_test(a_load_fills_base_limit_and_rights),
		cmocka_unit_test(a_load_marks_the_descriptor_accessed),
		cmocka_unit_test(null_selectors),
		cmocka_unit_test(an_unusable_segment_is_gp_outside_64_bit_mode),
		cmocka_unit_test(a_descriptor_table_in_mmio_stops),
		cmocka_unit_test(real_mode_loads_sixteen_times_the_selector),
		cmocka_unit_test(limits),
		cmocka_unit_test(rights_are_checked_in_protected_mode_only),
		cmocka_unit_test(sixteen_bit_addresses_wrap_in_their_segment),
		cmocka_unit_test(lds_loads_offset_and_segment),
		cmocka_unit_test(a_segment_goes_through_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
