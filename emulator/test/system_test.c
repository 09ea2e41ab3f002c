/** @file
 * System instructions: tables, control and debug registers, MSRs.
 *
 * A processor in user mode cannot be asked about these, so the tables are the
 * SDM's.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#define DATA  0x8000ull /* RAM page 4, then MMIO */
#define GDT   0x600000ull
#define CR0_TS CONTROL_CR0_TS

#define TSS_64	  0x0000896000000067ull
#define LDT_64	  0x00008260080000ffull
#define CODE_CONF 0x00cf9f000000ffffull
#define DATA_0	  0x00cf93000000ffffull
#define DATA_RO_3 0x00cff1000000ffffull
#define CODE_XO	  0x00cf99000000ffffull
#define GATE	  0x00008c0000080000ull

static struct world *system_world(enum emul_mode mode)
{
	static const u64 table[] = { 0,		TSS_64,	 0,    LDT_64, 0,
				     CODE_CONF, DATA_0,	 DATA_RO_3,
				     CODE_XO,	GATE,	 0 };
	struct world *w = harness_new();

	harness_map(w, DATA, RAM(4), 1);
	harness_map(w, DATA + PAGE_SIZE, MMIO, 1);
	harness_map(w, GDT, RAM(3), 1);
	memcpy(harness_ram(w, RAM(3)), table, sizeof(table));
	w->tables[SYSTEM_GDT] =
		(struct table_base){ gva(GDT), sizeof(table) - 1 };
	w->e.mode = mode;
	w->e.stack_size = 4;
	w->gpr[REG_RBX] = DATA;
	if (mode != MODE_64) {
		w->control[SYSTEM_EFER] = 0;
	}
	return w;
}

static void expect_fault(const struct world *w, u8 vector, u32 error_code)
{
	assert_int_equal(w->e.exception.vector, vector);
	assert_int_equal(w->e.exception.error_code, error_code);
}

static void lgdt_and_sgdt_move_limit_and_base(void **state)
{
	struct world *w = system_world(MODE_64);
	u8 *memory = harness_ram(w, RAM(4));

	(void)state;
	memcpy(memory, "\x7f\x01\x88\x77\x66\x55\x44\x33\x00\x00", 10);
	CODE(w, 0x0f, 0x01, 0x13); /* lgdt (%rbx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->tables[SYSTEM_GDT].limit, 0x17f);
	assert_int_equal(w->tables[SYSTEM_GDT].base.v, 0x334455667788);
	memset(memory, 0xee, 16);
	CODE(w, 0x0f, 0x01, 0x03); /* sgdt (%rbx) */
	harness_run(w, EMUL_DONE);
	assert_memory_equal(memory,
			    "\x7f\x01\x88\x77\x66\x55\x44\x33\x00\x00\xee", 11);
	memory[9] = 0x80;
	CODE(w, 0x0f, 0x01, 0x1b); /* lidt: not canonical */
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
}

static void lgdt_takes_24_bits_with_a_16_bit_operand(void **state)
{
	struct world *w = system_world(MODE_32);

	(void)state;
	memcpy(harness_ram(w, RAM(4)), "\x7f\x01\x88\x77\x66\x55", 6);
	CODE(w, 0x66, 0x0f, 0x01, 0x1b); /* lidtw (%ebx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->tables[SYSTEM_IDT].base.v, 0x667788);
}

static void a_table_operand_in_mmio_is_two_pieces(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	w->gpr[REG_RBX] = DATA + PAGE_SIZE;
	CODE(w, 0x0f, 0x01, 0x13);
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 8, false);
	harness_answer(w, 0x55667788017f, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 2, false);
	harness_answer(w, 0, EMUL_DONE);
	assert_int_equal(w->tables[SYSTEM_GDT].limit, 0x17f);
	assert_int_equal(w->tables[SYSTEM_GDT].base.v, 0x55667788);
}

/** Each at CPL 3: #GP(0), and nothing happens. */
static void what_only_cpl_0_may_do(void **state)
{
	static const u8 table[][4] = {
		{ 0x0f, 0x01, 0x13 }, /* lgdt */
		{ 0x0f, 0x01, 0x1b }, /* lidt */
		{ 0x0f, 0x00, 0xd0 }, /* lldt %ax */
		{ 0x0f, 0x00, 0xd8 }, /* ltr %ax */
		{ 0x0f, 0x01, 0xf0 }, /* lmsw %ax */
		{ 0x0f, 0x06 },	      /* clts */
		{ 0x0f, 0x08 },	      /* invd */
		{ 0x0f, 0x09 },	      /* wbinvd */
		{ 0x0f, 0x20, 0xc0 }, /* mov %cr0,%rax */
		{ 0x0f, 0x22, 0xe0 }, /* mov %rax,%cr4 */
		{ 0x0f, 0x21, 0xf8 }, /* mov %dr7,%rax */
		{ 0x0f, 0x23, 0xf8 }, /* mov %rax,%dr7 */
		{ 0x0f, 0x30 },	      /* wrmsr */
		{ 0x0f, 0x32 },	      /* rdmsr */
		{ 0x0f, 0x01, 0x3b }, /* invlpg (%rbx) */
		{ 0xf4 },	      /* hlt */
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct world *w = system_world(MODE_64);

		w->cpl = 3;
		harness_code(w, table[i], 4);
		harness_run(w, EMUL_FAULT);
		expect_fault(w, VECTOR_GP, 0);
		w->cpl = 0;
		w->gpr[REG_RCX] = HARNESS_MSR;
		w->gpr[REG_RAX] = i == 3 ? 0x08 : 0; /* a TSS for LTR */
		harness_run(w, EMUL_DONE);
	}
}

static void control_registers_move(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	w->control[SYSTEM_CR8] = 5;
	CODE(w, 0x44, 0x0f, 0x20, 0xc1); /* mov %cr8,%rcx */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 5);
	CODE(w, 0x0f, 0x22, 0x18); /* mov %rax,%cr3: mod does not count */
	w->gpr[REG_RAX] = 0x123456789000;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->control[SYSTEM_CR3], 0x123456789000);
	CODE(w, 0x0f, 0x22, 0xe0);
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
	CODE(w, 0x0f, 0x20, 0xc8); /* there is no CR1 */
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_UD, 0);
}

static void lmsw_sets_pe_but_does_not_clear_it(void **state)
{
	struct world *w = system_world(MODE_64);
	u64 cr0 = w->control[SYSTEM_CR0];

	(void)state;
	CODE(w, 0x0f, 0x01, 0xf0); /* lmsw %ax */
	w->gpr[REG_RAX] = 0xfff0 | CR0_TS;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->control[SYSTEM_CR0], cr0 | CR0_TS);
	CODE(w, 0x0f, 0x06); /* clts */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->control[SYSTEM_CR0], cr0);
	CODE(w, 0x48, 0x0f, 0x01, 0xe1); /* smsw %rcx */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], cr0);
	CODE(w, 0x0f, 0x01, 0x23); /* smsw (%rbx): two bytes */
	memset(harness_ram(w, RAM(4)), 0xee, 8);
	harness_run(w, EMUL_DONE);
	assert_memory_equal(harness_ram(w, RAM(4)), "\x11\x00\xee", 3);
}

static void debug_registers_4_and_5_are_6_and_7(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	w->debug[7] = 0x400;
	CODE(w, 0x0f, 0x21, 0xe9); /* mov %dr5,%rcx */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 0x400);
}

static void debug_registers_4_and_5_are_none_with_de(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	w->control[SYSTEM_CR4] |= CONTROL_CR4_DE;
	CODE(w, 0x0f, 0x23, 0xe1);
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_UD, 0);
	CODE(w, 0x0f, 0x23, 0xf1); /* mov %rcx,%dr6 */
	w->gpr[REG_RCX] = BIT(32);
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
}

static void ltr_marks_its_tss_busy(void **state)
{
	struct world *w = system_world(MODE_64);
	u64 *table = harness_ram(w, RAM(3));

	(void)state;
	CODE(w, 0x0f, 0x00, 0xd8); /* ltr %ax */
	w->gpr[REG_RAX] = 0x08;
	harness_run(w, EMUL_DONE);
	assert_int_equal(table[1], TSS_64 | BIT(41));
	assert_int_equal(w->segments[SEGMENT_TR].limit, 0x67);
	assert_int_equal(w->segments[SEGMENT_TR].base.v, 0x600000);
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_FAULT); /* it is busy now */
	expect_fault(w, VECTOR_GP, 0x08);
	CODE(w, 0x0f, 0x00, 0xc9); /* str %ecx */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 0x08);
	w->control[SYSTEM_CR0] = 0;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_UD, 0);
}

static void lldt_takes_an_ldt_or_nothing(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	CODE(w, 0x0f, 0x00, 0xd0); /* lldt %ax */
	w->gpr[REG_RAX] = 0x18;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->segments[SEGMENT_LDTR].base.v, 0x600800);
	w->e.rip = CODE_AT;
	w->gpr[REG_RAX] = 0x08;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0x08);
	w->gpr[REG_RAX] = 0;
	harness_run(w, EMUL_DONE);
	assert_true(w->segments[SEGMENT_LDTR].rights & RIGHTS_UNUSABLE);
}

/** ZF, and LAR's or LSL's result, at CPL 0 and with RPL in the selector. */
static void descriptors_are_asked_about(void **state)
{
	static const struct {
		u8 opcode[3]; /* of EAX, into ECX */
		u8 selector;
		bool zf;
		u32 result;
	} table[] = {
		{ { 0x0f, 0x02, 0xc8 }, 0x28, true, 0x00c09f00 },
		{ { 0x0f, 0x02, 0xc8 }, 0x33, false, 0 }, /* RPL 3 */
		{ { 0x0f, 0x02, 0xc8 }, 0x00, false, 0 },
		{ { 0x0f, 0x02, 0xc8 }, 0xf8, false, 0 }, /* beyond */
		{ { 0x0f, 0x02, 0xc8 }, 0x48, true, 0x00008c00 }, /* gate */
		{ { 0x0f, 0x03, 0xc8 }, 0x48, false, 0 },
		{ { 0x0f, 0x03, 0xc8 }, 0x18, true, 0xff },
		{ { 0x0f, 0x03, 0xc8 }, 0x30, true, 0xffffffff },
		{ { 0x0f, 0x00, 0xe0 }, 0x30, true, 0 },  /* verr */
		{ { 0x0f, 0x00, 0xe0 }, 0x40, false, 0 }, /* execute only */
		{ { 0x0f, 0x00, 0xe8 }, 0x30, true, 0 },  /* verw */
		{ { 0x0f, 0x00, 0xe8 }, 0x38, false, 0 }, /* read-only */
		{ { 0x0f, 0x00, 0xe8 }, 0x28, false, 0 }, /* code */
	};
	struct world *w = system_world(MODE_64);
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		harness_code(w, table[i].opcode, 3);
		w->gpr[REG_RAX] = table[i].selector;
		w->gpr[REG_RCX] = 0;
		w->e.rflags = 2;
		harness_run(w, EMUL_DONE);
		assert_int_equal(!!(w->e.rflags & RFLAGS_ZF), table[i].zf);
		assert_int_equal(w->gpr[REG_RCX], table[i].result);
	}
}

static void msrs_cpuid_and_the_rest(void **state)
{
	struct world *w = system_world(MODE_64);

	(void)state;
	w->gpr[REG_RCX] = HARNESS_MSR;
	w->gpr[REG_RAX] = 0xdead11223344;
	w->gpr[REG_RDX] = 0xbeef55667788;
	CODE(w, 0x0f, 0x30); /* wrmsr */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->msr_value, 0x5566778811223344);
	CODE(w, 0x0f, 0x32); /* rdmsr */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RDX], 0x55667788);
	w->gpr[REG_RCX] = 1;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_GP, 0);
	CODE(w, 0x0f, 0xa2); /* cpuid */
	w->gpr[REG_RAX] = 0x100000007;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 8);
	assert_int_equal(w->gpr[REG_RCX], 4);
	w->gpr[REG_RBX] = DATA;
	CODE(w, 0x0f, 0x01, 0x7c, 0x03, 8); /* invlpg 8(%rbx,%rax) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->invalidated.v, DATA + 16);
	CODE(w, 0xf4);
	harness_run(w, EMUL_DONE);
	assert_true(w->e.dirty & EMUL_HALTS);
	CODE(w, 0x0f, 0x01, 0xc1); /* vmcall */
	harness_run(w, EMUL_DONE);
	assert_true(w->e.dirty & EMUL_CALLS);
	w->e.rip = CODE_AT;
	w->cpl = 3;
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_UD, 0);
	w->cpl = 0;
	CODE(w, 0x0f, 0x31); /* rdtsc */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RDX], 0x11223344);
	w->control[SYSTEM_CR4] |= CONTROL_CR4_TSD;
	w->cpl = 3;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_FAULT);
}

static void a_kernel_looks_for_an_fpu(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	(void)state;
	w->x87_status = 0x3881;
	w->gpr[REG_RAX] = 0x12345678;
	CODE(w, 0xdf, 0xe0); /* fnstsw %ax */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x12343881);
	CODE(w, 0xdb, 0xe3); /* fninit */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->x87_control, 0x37f);
	assert_int_equal(w->x87_status, 0);
	CODE(w, 0xd9, 0x3b); /* fnstcw (%rbx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1)), 0x37f);
	memcpy(harness_ram(w, RAM(1)), "\x7f\x02", 2);
	CODE(w, 0xd9, 0x2b); /* fldcw (%rbx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->x87_control, 0x27f);
	CODE(w, 0xdd, 0x3b); /* fnstsw (%rbx) */
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1)), 0);
}

static void expect_x87(struct world *w, u8 first, u8 second, u8 vector)
{
	CODE(w, first, second);
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, vector);
}

static void an_fpu_that_is_not_to_be_used(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	(void)state;
	CODE(w, 0xdb, 0xe4); /* not FNINIT */
	harness_run(w, EMUL_UNHANDLEABLE);
	CODE(w, 0xdf, 0xe1);
	harness_run(w, EMUL_UNHANDLEABLE);
	w->x87_status = 0x80;
	expect_x87(w, 0x9b, 0x90, VECTOR_MF); /* fwait */
	expect_x87(w, 0xd9, 0x2b, VECTOR_MF);
	w->control[SYSTEM_CR0] |= CONTROL_CR0_TS;
	CODE(w, 0x9b);
	w->x87_status = 0;
	harness_run(w, EMUL_DONE); /* without CR0.MP */
	w->control[SYSTEM_CR0] |= CONTROL_CR0_MP;
	expect_x87(w, 0x9b, 0x90, VECTOR_NM);
	expect_x87(w, 0xdb, 0xe3, VECTOR_NM);
	expect_x87(w, 0xdf, 0xe0, VECTOR_NM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lgdt_and_sgdt_move_limit_and_base),
		cmocka_unit_test(lgdt_takes_24_bits_with_a_16_bit_operand),
		cmocka_unit_test(a_table_operand_in_mmio_is_two_pieces),
		cmocka_unit_test(what_only_cpl_0_may_do),
		cmocka_unit_test(control_registers_move),
		cmocka_unit_test(lmsw_sets_pe_but_does_not_clear_it),
		cmocka_unit_test(debug_registers_4_and_5_are_6_and_7),
		cmocka_unit_test(debug_registers_4_and_5_are_none_with_de),
		cmocka_unit_test(ltr_marks_its_tss_busy),
		cmocka_unit_test(lldt_takes_an_ldt_or_nothing),
		cmocka_unit_test(descriptors_are_asked_about),
		cmocka_unit_test(msrs_cpuid_and_the_rest),
		cmocka_unit_test(a_kernel_looks_for_an_fpu),
		cmocka_unit_test(an_fpu_that_is_not_to_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
