/** @file
 * Integer instructions, where the processor at CPL 3 cannot be the judge:
 * privilege, targets, stacks and cells in MMIO, cells that change meanwhile.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#include "emulator/opcodes_groups.h"
#include "emulator/operations.h"

/** 32-bit code on flat segments, its stack in the middle of RAM page 1. */
static struct world *world_32(void)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	w->e.mode = MODE_32;
	w->e.stack_size = 4;
	w->gpr[REG_RSP] = AT + 0x800;
	return w;
}

static void expect_fault(struct world *w, u8 vector)
{
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, vector);
	assert_int_equal(w->e.exception.error_code, 0);
	assert_int_equal(w->e.rip, CODE_AT);
}

/* --- targets --- */

static void near_branches_take_64_bits_whatever_66h_says(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	(void)state;
	CODE(w, 0x66, 0xe9, 0xf0, 0xff, 0xff, 0xff); /* SDM: f64 */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 6 - 0x10);
	CODE(w, 0x66, 0xc3);
	w->gpr[REG_RSP] = AT;
	*(u64 *)harness_ram(w, RAM(1)) = 0x123456789;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, 0x123456789);
	assert_int_equal(w->gpr[REG_RSP], AT + 8);
}

static void targets_of_16_bits_are_cut_to_16_bits(void **state)
{
	struct world *w = world_32();

	(void)state;
	CODE(w, 0x66, 0xeb, 0x10);
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, (CODE_AT + 3 + 0x10) & 0xffff);
	CODE(w, 0x66, 0x75, 0x10); /* JNE that is not taken */
	w->e.rflags |= RFLAGS_ZF;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 3);
}

static void a_call_beyond_the_limit_pushes_nothing(void **state)
{
	struct world *w = world_32();

	(void)state;
	w->segments[SEGMENT_CS].limit = CODE_AT + 0xff;
	CODE(w, 0xe8, 0x00, 0x10, 0, 0);
	expect_fault(w, VECTOR_GP);
	assert_int_equal(w->gpr[REG_RSP], AT + 0x800);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1) + 0x7fc), 0);
}

static void a_return_that_is_not_canonical_faults(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	(void)state;
	CODE(w, 0xc3);
	w->gpr[REG_RSP] = AT;
	*(u64 *)harness_ram(w, RAM(1)) = BIT(47);
	expect_fault(w, VECTOR_GP);
	assert_int_equal(w->gpr[REG_RSP], AT);
}

static void a_16_bit_stack_wraps_at_64_kib(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, 0xf000, RAM(1), 1);
	w->e.mode = MODE_32;
	w->e.stack_size = 2;
	CODE(w, 0x50); /* push %eax */
	w->gpr[REG_RSP] = 0xabcd0000;
	w->gpr[REG_RAX] = 0x11223344;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RSP], 0xabcdfffc);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1) + 0xffc), 0x11223344);
}

/* --- privilege --- */

#define VM  RFLAGS_VM
#define IF  RFLAGS_IF
#define VIF RFLAGS_VIF
#define VIP RFLAGS_VIP
#define IOPL_3 RFLAGS_IOPL
#define VME CONTROL_CR4_VME
#define PVI CONTROL_CR4_PVI
#define GP  (~0ull) /* in place of flags: #GP(0) */

/** One instruction at some CPL; flags it begins with, and ends with. */
struct privilege {
	u8 code[2];
	unsigned int cpl;
	u64 cr4, before, after;
};

/* table */
static const struct privilege privileges[] = {
	/* CLI */
	{ { 0xfa }, 0, 0, IF, 0 },
	{ { 0xfa }, 3, 0, IF, GP },
	{ { 0xfa }, 3, 0, IF | IOPL_3, IOPL_3 },
	{ { 0xfa }, 2, 0, IF, GP },
	{ { 0xfa }, 3, PVI, IF | VIF, IF },
	{ { 0xfa }, 2, PVI, IF | VIF, GP },
	{ { 0xfa }, 3, VME, IF | VIF, GP },
	{ { 0xfa }, 3, 0, IF | VM, GP },
	{ { 0xfa }, 3, VME, IF | VM | VIF, IF | VM },
	{ { 0xfa }, 3, 0, IF | VM | IOPL_3, VM | IOPL_3 },
	/* STI */
	{ { 0xfb }, 0, 0, 0, IF },
	{ { 0xfb }, 3, 0, 0, GP },
	{ { 0xfb }, 3, 0, IOPL_3, IOPL_3 | IF },
	{ { 0xfb }, 3, PVI, 0, VIF },
	{ { 0xfb }, 3, PVI, VIP, GP },
	{ { 0xfb }, 3, VME, VM, VM | VIF },
	{ { 0xfb }, 3, VME, VM | VIP, GP },
	{ { 0xfb }, 3, PVI, VM, GP },
	/* POPF of the flags that all of them are on the stack */
	{ { 0x9d }, 0, 0, VIP, VIP | IF | IOPL_3 | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID },
	{ { 0x9d }, 1, 0, 0, RFLAGS_NT | RFLAGS_AC | RFLAGS_ID },
	{ { 0x9d }, 3, 0, IOPL_3, IOPL_3 | IF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID },
	{ { 0x9d }, 3, PVI, VIF, VIF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID },
	{ { 0x9d }, 3, 0, VM, GP },
	{ { 0x9d }, 3, VME, VM, GP },
	{ { 0x9d }, 3, 0, VM | IOPL_3, VM | IOPL_3 | IF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID },
	{ { 0x66, 0x9d }, 3, 0, VM, GP },
	{ { 0x66, 0x9d }, 3, VME, VM | VIP, GP },
	{ { 0x66, 0x9d }, 3, VME, VM, VM | VIF | RFLAGS_NT },
	{ { 0x66, 0x9d }, 0, 0, 0, IF | IOPL_3 | RFLAGS_NT },
	/* PUSHF changes none */
	{ { 0x9c }, 3, 0, VM, GP },
	{ { 0x9c }, 3, VME, VM, GP },
	{ { 0x66, 0x9c }, 3, 0, VM, GP },
	{ { 0x66, 0x9c }, 3, VME, VM, VM },
	{ { 0x9c }, 3, 0, VM | IOPL_3, VM | IOPL_3 },
	{ { 0x9c }, 3, 0, 0, 0 },
};
/* end of table */

static void flags_change_as_cpl_iopl_and_vme_allow(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(privileges); i++) {
		const struct privilege *p = &privileges[i];
		struct world *w = world_32();

		harness_code(w, p->code, 2);
		/* POPF finds every flag but TF set; nothing else looks. */
		*(u32 *)harness_ram(w, RAM(1) + 0x800) =
			~(u32)(RFLAGS_TF | FLAGS_STATUS | RFLAGS_DF);
		w->cpl = p->cpl;
		w->control[SYSTEM_CR4] = p->cr4;
		w->e.rflags = p->before | RFLAGS_RF | 2;
		if (p->after == GP) {
			expect_fault(w, VECTOR_GP);
			continue;
		}
		harness_run(w, EMUL_DONE);
		assert_int_equal(w->e.rflags, p->after | 2);
	}
}

static void pushf_shows_vif_as_if_to_virtual_8086_mode(void **state)
{
	struct world *w = world_32();

	(void)state;
	CODE(w, 0x66, 0x9c);
	w->cpl = 3;
	w->control[SYSTEM_CR4] = VME;
	w->e.rflags = VM | VIF | RFLAGS_RF | 2;
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u16 *)harness_ram(w, RAM(1) + 0x7fe),
			 IF | IOPL_3 | 2);
	/* VM and RF are never seen. */
	CODE(w, 0x9c);
	w->e.rflags = VM | IOPL_3 | RFLAGS_RF | 2;
	w->gpr[REG_RSP] = AT + 0x800;
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1) + 0x7fc), IOPL_3 | 2);
}

static void sti_holds_interrupts_off_where_they_were_off(void **state)
{
	struct world *w = harness_new();

	(void)state;
	CODE(w, 0xfb);
	harness_run(w, EMUL_DONE);
	assert_true(w->e.dirty & EMUL_BLOCKS_STI);
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_DONE);
	assert_false(w->e.dirty & EMUL_BLOCKS);
	w->e.rip = CODE_AT;
	w->e.rflags = VIF | 2;
	w->cpl = 3;
	w->control[SYSTEM_CR4] = PVI;
	harness_run(w, EMUL_DONE);
	assert_false(w->e.dirty & EMUL_BLOCKS);
}

static void arpl_is_for_protected_mode(void **state)
{
	struct world *w = world_32();

	(void)state;
	CODE(w, 0x63, 0xc8); /* arpl %cx,%ax */
	w->control[SYSTEM_CR0] = 0;
	expect_fault(w, VECTOR_UD);
	w->control[SYSTEM_CR0] = CONTROL_CR0_PE;
	w->e.rflags = VM | 2;
	expect_fault(w, VECTOR_UD);
}

/* --- MMIO --- */

static void pusha_to_mmio_is_eight_writes_in_order(void **state)
{
	struct world *w = world_32();
	unsigned int i;

	(void)state;
	w->mapping_count--; /* NEXT is a device */
	harness_map(w, NEXT, MMIO, 1);
	for (i = 0; i < 8; i++) {
		w->gpr[i] = 0x1000 + i;
	}
	w->gpr[REG_RSP] = NEXT + 0x20;
	CODE(w, 0x60);
	harness_run(w, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	for (i = 0; i < 8; i++) {
		harness_expect(w, MMIO + 0x1c - 4 * i, 4, true);
		assert_int_equal(harness_data(w),
				 i == REG_RSP ? NEXT + 0x20 : 0x1000 + i);
		harness_answer(w, 0, i < 7 ? EMUL_IO_NEEDED : EMUL_DONE);
	}
	assert_int_equal(w->gpr[REG_RSP], NEXT);
}

/** Each answer runs POPA again from its start: nothing may drift. */
static void popa_from_mmio_pops_each_register_once(void **state)
{
	struct world *w = world_32();
	unsigned int i;

	(void)state;
	w->mapping_count--;
	harness_map(w, NEXT, MMIO, 1);
	w->gpr[REG_RSP] = NEXT;
	CODE(w, 0x61);
	harness_run(w, EMUL_IO_NEEDED);
	for (i = 0; i < 8; i++) {
		if (7 - i == REG_RSP) {
			continue;
		}
		harness_expect(w, MMIO + 4 * i, 4, false);
		harness_answer(w, 0x2000 + 7 - i,
			       i < 7 ? EMUL_IO_NEEDED : EMUL_DONE);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(w->gpr[i],
				 i == REG_RSP ? NEXT + 0x20 : 0x2000 + i);
	}
}

static void enter_with_a_display_in_mmio_is_given_up(void **state)
{
	struct world *w = world_32();

	(void)state;
	w->mapping_count--;
	harness_map(w, NEXT, MMIO, 1);
	w->gpr[REG_RSP] = NEXT + 0x100;
	w->gpr[REG_RBP] = NEXT + 0x200;
	CODE(w, 0xc8, 0, 0, 2);
	harness_run(w, EMUL_UNHANDLEABLE);
	assert_false(emulator_has_pending(&w->e));
	CODE(w, 0xc8, 0x10, 0, 0); /* without a display it is one write */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0xfc, 4, true);
	harness_answer(w, 0, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RBP], NEXT + 0xfc);
	assert_int_equal(w->gpr[REG_RSP], NEXT + 0xec);
}

static void cmpxchg16b_wants_aligned_ram(void **state)
{
	struct world *w = harness_pages(MMIO, RAM(1));

	(void)state;
	CODE(w, 0x48, 0x0f, 0xc7, 0x0b); /* cmpxchg16b (%rbx) */
	harness_run(w, EMUL_UNHANDLEABLE);
	assert_int_equal(w->trace_count, 0);
	w->gpr[REG_RBX] = NEXT + 8;
	expect_fault(w, VECTOR_GP);
	CODE(w, 0x0f, 0xc7, 0x0b); /* cmpxchg8b may lie anywhere */
	w->gpr[REG_RBX] = AT + 4;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 4, 8, false);
	harness_answer(w, 0x1122334455667788, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 4, 8, true);
	assert_int_equal(harness_data(w), 0x1122334455667788);
	assert_int_equal(w->gpr[REG_RAX], 0x55667788);
	assert_int_equal(w->gpr[REG_RDX], 0x11223344);
}

static void cmov_reads_the_device_also_when_it_does_not_move(void **state)
{
	struct world *w = harness_pages(MMIO, RAM(1));

	(void)state;
	CODE(w, 0x0f, 0x44, 0x03); /* cmove (%rbx),%eax */
	w->gpr[REG_RAX] = ~0ull;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 4, false);
	harness_answer(w, 7, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0xffffffff);
}

static void bts_finds_its_bit_far_from_the_operand(void **state)
{
	struct world *w = harness_pages(RAM(1), MMIO);

	(void)state;
	CODE(w, 0x0f, 0xab, 0x03); /* bts %eax,(%rbx) */
	w->gpr[REG_RAX] = 8 * PAGE_SIZE + 33;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 4, 4, false);
	harness_answer(w, 1, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 4, 4, true);
	assert_int_equal(harness_data(w), 3);
	assert_int_equal(w->e.rflags & RFLAGS_CF, 0);
	/* Downwards as well. */
	w->gpr[REG_RBX] = NEXT + 8;
	w->gpr[REG_RAX] = (u32)-33;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 4, false);
}

static void a_division_error_comes_after_the_read(void **state)
{
	struct world *w = harness_pages(MMIO, RAM(1));

	(void)state;
	CODE(w, 0xf7, 0x33); /* divl (%rbx) */
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 0, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_DE);
	assert_false(w->e.exception.has_error_code);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_false(emulator_has_pending(&w->e));
}

/* --- locked cells that change --- */

static struct world *racing;

/** Guest RAM, where every intention to write is met by another change. */
static void *change_ram(struct emulator *e, gpa_t at, bool write)
{
	u64 *ram = harness_ram(racing, at.v);

	(void)e;
	if (write) {
		*ram += 0x0101010101010101;
	}
	return ram;
}

/** One row with LOCK: its cell changes between the read and the write. */
static void race(const u8 *code, unsigned int length)
{
	struct world *w = racing = harness_pages(RAM(1), RAM(2));
	struct emul_ops ops = *w->e.ops;
	u64 registers[16];

	ops.ram = change_ram;
	w->e.ops = &ops;
	memcpy(registers, w->gpr, sizeof(registers));
	harness_code(w, code, length);
	harness_run(w, EMUL_RETRY);
	assert_false(w->e.retired);
	assert_memory_equal(registers, w->gpr, sizeof(registers));
	assert_int_equal(w->e.rip, CODE_AT);
	assert_in_range(*(u64 *)harness_ram(w, RAM(1)) & 0xff, 1, 2);
}

/** Every member of a row that may be locked, with (%rbx) and 8 bytes. */
static unsigned int race_row(u8 map, u8 opcode)
{
	const struct opcode *row = opcodes_row(map, opcode);
	u8 code[INSN_MAX] = { 0xf0, 0x48 };
	unsigned int n = 2, reg, raced = 0;

	if (map == MAP_0F) {
		code[n++] = 0x0f;
	}
	code[n++] = opcode;
	for (reg = 0; reg < (row->op == OP_GROUP ? 8 : 1); reg++) {
		const struct opcode *member = row;

		if (row->op == OP_GROUP) {
			member = opcodes_groups_member(row, reg);
		}
		if ((member->dst == Eb || member->dst == Ev ||
		     member->dst == Mpair) &&
		    (operations[member->op].traits & OP_LOCKABLE)) {
			code[n] = reg << 3 | 3;
			race(code, sizeof(code));
			raced++;
		}
	}
	return raced;
}

static void locked_rows_try_again_when_the_cell_has_changed(void **state)
{
	unsigned int i, raced = 0;

	(void)state;
	for (i = 0; i < 512; i++) {
		raced += race_row(i >> 8, i & 0xff);
	}
	assert_int_equal(raced, 56);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_branches_take_64_bits_whatever_66h_says),
		cmocka_unit_test(targets_of_16_bits_are_cut_to_16_bits),
		cmocka_unit_test(a_call_beyond_the_limit_pushes_nothing),
		cmocka_unit_test(a_return_that_is_not_canonical_faults),
		cmocka_unit_test(a_16_bit_stack_wraps_at_64_kib),
		cmocka_unit_test(flags_change_as_cpl_iopl_and_vme_allow),
		cmocka_unit_test(pushf_shows_vif_as_if_to_virtual_8086_mode),
		cmocka_unit_test(sti_holds_interrupts_off_where_they_were_off),
		cmocka_unit_test(arpl_is_for_protected_mode),
		cmocka_unit_test(pusha_to_mmio_is_eight_writes_in_order),
		cmocka_unit_test(popa_from_mmio_pops_each_register_once),
		cmocka_unit_test(enter_with_a_display_in_mmio_is_given_up),
		cmocka_unit_test(cmpxchg16b_wants_aligned_ram),
		cmocka_unit_test(
			cmov_reads_the_device_also_when_it_does_not_move),
		cmocka_unit_test(bts_finds_its_bit_far_from_the_operand),
		cmocka_unit_test(a_division_error_comes_after_the_read),
		cmocka_unit_test(
			locked_rows_try_again_when_the_cell_has_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
