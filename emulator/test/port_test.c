/** @file
 * IN, OUT, INS and OUTS, and when SSE moves may be made.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#define DATA   0x8000ull /* RAM page 4, then MMIO */
#define CR0_TS CONTROL_CR0_TS
#define CR0_EM CONTROL_CR0_EM

static struct world *port_world(void)
{
	struct world *w = harness_new();

	harness_map(w, DATA, RAM(4), 1);
	harness_map(w, DATA + PAGE_SIZE, MMIO, 1);
	w->gpr[REG_RBX] = DATA;
	return w;
}

static void expect_fault(const struct world *w, u8 vector, u32 error_code)
{
	assert_int_equal(w->e.exception.vector, vector);
	assert_int_equal(w->e.exception.error_code, error_code);
}

static void ports_ask_the_core_and_then_the_vmm(void **state)
{
	struct world *w = port_world();
	struct port_piece piece;

	(void)state;
	w->core_port = (struct port_piece){ .port = 0xf5, .size = 1 };
	CODE(w, 0xe6, 0xf5); /* out %al,$0xf5 */
	w->gpr[REG_RAX] = 0x1234;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->core_port.value, 0x34);
	CODE(w, 0xed); /* in %dx,%eax */
	w->gpr[REG_RDX] = 0x300;
	w->gpr[REG_RAX] = ~0ull;
	harness_run(w, EMUL_IO_NEEDED);
	assert_true(emulator_port(&w->e, &piece));
	assert_int_equal(piece.port, 0x300);
	assert_int_equal(piece.size, 4);
	assert_false(piece.is_write);
	harness_answer(w, 0x1122334455667788, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x55667788);
	CODE(w, 0x66, 0xef); /* out %ax,%dx */
	harness_run(w, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	assert_true(emulator_port(&w->e, &piece));
	assert_int_equal(piece.value, 0x7788);
	harness_answer(w, 0, EMUL_DONE);
	assert_false(emulator_has_pending(&w->e));
}

/** REP INSB into MMIO: a port, then a store, for each element. */
static void ins_and_outs_reach_mmio(void **state)
{
	struct world *w = port_world();
	struct port_piece piece;
	unsigned int i;

	(void)state;
	w->gpr[REG_RDI] = DATA + PAGE_SIZE;
	w->gpr[REG_RCX] = 2;
	w->gpr[REG_RDX] = 0x300;
	CODE(w, 0xf3, 0x6c);
	for (i = 0; i < 2; i++) {
		harness_run(w, EMUL_IO_NEEDED);
		assert_true(emulator_port(&w->e, &piece));
		harness_answer(w, 0x10 + i, EMUL_IO_NEEDED);
		assert_false(emulator_port(&w->e, &piece));
		harness_expect(w, MMIO + i, 1, true);
		assert_int_equal(harness_data(w), 0x10 + i);
		assert_int_equal(w->gpr[REG_RCX], 1 - i);
		harness_answer(w, 0, EMUL_DONE);
	}
	w->gpr[REG_RSI] = DATA + PAGE_SIZE;
	CODE(w, 0x6f); /* outsl */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 4, false);
	harness_answer(w, 0x12345678, EMUL_IO_NEEDED);
	assert_true(emulator_port(&w->e, &piece));
	assert_int_equal(piece.value, 0x12345678);
	assert_int_equal(w->gpr[REG_RSI], DATA + PAGE_SIZE + 4);
	harness_answer(w, 0, EMUL_DONE);
}

static void ins_reads_no_port_before_its_memory_is_writable(void **state)
{
	struct world *w = port_world();

	(void)state;
	w->core_port = (struct port_piece){ .port = 0x300, .size = 1 };
	w->gpr[REG_RDI] = 0x100000; /* not mapped */
	w->gpr[REG_RDX] = 0x300;
	CODE(w, 0x6c);
	harness_run(w, EMUL_FAULT);
	expect_fault(w, VECTOR_PF, 2);
	assert_int_equal(w->core_ports, 0);
}

/** The TSS's bitmap, for code above IOPL. */
static void the_bitmap_guards_ports(void **state)
{
	static const struct {
		u16 port;
		u8 opcode; /* IN AL, DX; or EAX */
		bool faults;
	} table[] = {
		{ 0x300, 0xec, false }, { 0x301, 0xec, true },
		{ 0x2fe, 0xed, true },	{ 0x2fc, 0xed, false },
		{ 0x2ff, 0xed, true },	{ 0x400, 0xec, true }, /* beyond */
	};
	struct world *w = port_world();
	u8 *tss = harness_ram(w, RAM(4));
	unsigned int i;

	(void)state;
	w->segments[SEGMENT_TR].base = gva(DATA);
	w->segments[SEGMENT_TR].limit = 104 + 0x400 / 8;
	memcpy(tss + 102, "\x68", 2);
	tss[104 + 0x300 / 8] = 0xfe;
	w->cpl = 3;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		harness_code(w, &table[i].opcode, 1);
		w->gpr[REG_RDX] = table[i].port;
		harness_run(w,
			    table[i].faults ? EMUL_FAULT : EMUL_IO_NEEDED);
	}
	w->e.rflags |= BITS(13, 12); /* IOPL 3 */
	w->gpr[REG_RDX] = 0x301;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_IO_NEEDED);
}

static void sse_needs_the_system(void **state)
{
	static const struct {
		u64 cr0, cr4;
		u8 vector;
	} table[] = {
		{ CR0_TS, CONTROL_CR4_OSFXSR, VECTOR_NM },
		{ CR0_EM, CONTROL_CR4_OSFXSR, VECTOR_UD },
		{ CR0_EM | CR0_TS, CONTROL_CR4_OSFXSR, VECTOR_UD },
		{ CR0_TS, 0, VECTOR_UD },
	};
	struct world *w = port_world();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		w->control[SYSTEM_CR0] = 0x11 | table[i].cr0;
		w->control[SYSTEM_CR4] = table[i].cr4;
		CODE(w, 0x0f, 0x10, 0x03); /* movups (%rbx),%xmm0 */
		harness_run(w, EMUL_FAULT);
		expect_fault(w, table[i].vector, 0);
		CODE(w, 0x0f, 0xc3, 0x03); /* movnti is none of SSE's state */
		harness_run(w, EMUL_DONE);
	}
}

static void aligned_moves_must_be(void **state)
{
	static const u8 table[][5] = {
		{ 0x0f, 0x28, 0x03 }, { 0x66, 0x0f, 0x29, 0x03 },
		{ 0x66, 0x0f, 0x6f, 0x03 }, { 0x66, 0x0f, 0x7f, 0x03 },
		{ 0x0f, 0x2b, 0x03 }, { 0x66, 0x0f, 0xe7, 0x03 },
		{ 0x66, 0x0f, 0x38, 0x2a, 0x03 },
	};
	struct world *w = port_world();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		w->gpr[REG_RBX] = DATA + 8;
		harness_code(w, table[i], 5);
		harness_run(w, EMUL_FAULT);
		expect_fault(w, VECTOR_GP, 0);
		w->gpr[REG_RBX] = DATA + 16;
		harness_run(w, EMUL_DONE);
	}
}

static void sixteen_bytes_of_mmio_are_two_pieces(void **state)
{
	struct world *w = port_world();

	(void)state;
	w->gpr[REG_RBX] = DATA + PAGE_SIZE;
	CODE(w, 0xf3, 0x0f, 0x6f, 0x13); /* movdqu (%rbx),%xmm2 */
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 0x1111, EMUL_IO_NEEDED);
	assert_int_equal(w->xmm[2].half[0], 0);
	harness_answer(w, 0x2222, EMUL_DONE);
	assert_int_equal(w->xmm[2].half[0], 0x1111);
	assert_int_equal(w->xmm[2].half[1], 0x2222);
	CODE(w, 0x0f, 0x11, 0x13); /* movups %xmm2,(%rbx) */
	harness_run(w, EMUL_IO_NEEDED);
	assert_int_equal(harness_data(w), 0x1111);
	harness_answer(w, 0, EMUL_IO_NEEDED);
	assert_int_equal(harness_data(w), 0x2222);
	harness_answer(w, 0, EMUL_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_ask_the_core_and_then_the_vmm),
		cmocka_unit_test(ins_and_outs_reach_mmio),
		cmocka_unit_test(
			ins_reads_no_port_before_its_memory_is_writable),
		cmocka_unit_test(the_bitmap_guards_ports),
		cmocka_unit_test(sse_needs_the_system),
		cmocka_unit_test(aligned_moves_must_be),
		cmocka_unit_test(sixteen_bytes_of_mmio_are_two_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
