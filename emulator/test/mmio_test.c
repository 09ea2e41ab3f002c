/** @file
 * MMIO: from the first pass to the last completion.
 *
 * Spec 3.10 and 4.5, as far as they need no guest: how an access is split,
 * who is asked in which order, what happens to registers and RIP when, what
 * the trace says, and that a fault leaves nothing behind.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

static void a_read_exits_once_and_then_completes(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x8b, 0x03); /* mov (%rbx),%eax */
	w->gpr[REG_RAX] = ~0ull;
	harness_run(w, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_int_equal(w->gpr[REG_RAX], ~0ull);
	harness_expect(w, MMIO, 4, false);
	assert_int_equal(harness_data(w), 0);
	harness_answer(w, 0xffffffff12345678, EMUL_DONE);
	assert_true(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	assert_int_equal(w->gpr[REG_RAX], 0x12345678);
	assert_false(emulator_has_pending(&w->e));
	assert_int_equal(w->fetches, 1);
	harness_trace(w, 0, UNSATISFIED(MMIO, 4));
	harness_trace(w, 1, READ(MMIO, 4, 0x12345678));
	assert_int_equal(w->trace_count, 2);
}

static void a_write_retires_before_its_exit(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x89, 0x03); /* mov %eax,(%rbx) */
	w->gpr[REG_RAX] = 0x1122334455667788;
	harness_run(w, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	harness_expect(w, MMIO, 4, true);
	assert_int_equal(harness_data(w), 0x55667788);
	harness_answer(w, 0, EMUL_DONE);
	assert_false(w->e.retired);
	harness_trace(w, 0, WRITE(MMIO, 4, 0x55667788));
	assert_int_equal(w->trace_count, 1);
}

static void add_to_memory_reads_once_writes_once(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x01, 0x03); /* add %eax,(%rbx) */
	w->gpr[REG_RAX] = 1;
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 4, false);
	harness_answer(w, 0xffffffff, EMUL_IO_NEEDED);
	assert_true(w->e.retired);
	assert_int_equal(w->e.rflags,
			 2 | RFLAGS_CF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF);
	harness_expect(w, MMIO, 4, true);
	assert_int_equal(harness_data(w), 0);
	harness_answer(w, 0, EMUL_DONE);
	harness_trace(w, 0, UNSATISFIED(MMIO, 4));
	harness_trace(w, 1, READ(MMIO, 4, 0xffffffff));
	harness_trace(w, 2, WRITE(MMIO, 4, 0));
	assert_int_equal(w->trace_count, 3);
}

static void a_core_device_answers_without_an_exit(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	w->core = (struct core_device){ .base = MMIO,
					.length = 8,
					.value = 0x1122334455667788 };
	CODE(w, 0x0f, 0xb7, 0x03); /* movzwl (%rbx),%eax */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x7788);
	assert_int_equal(w->core.last.len, 2);
	harness_trace(w, 0, READ(MMIO, 2, 0x7788));
	assert_int_equal(w->trace_count, 1);
}

static void a_fault_drops_a_pending_read(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, AT, MMIO, 1);
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = NEXT; /* not mapped */
	CODE(w, 0xa4);		/* movsb */
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 1, EMUL_FAULT);
	assert_int_equal(w->e.exception.address.v, NEXT);
	assert_int_equal(w->e.rip, CODE_AT);
	assert_int_equal(w->gpr[REG_RSI], AT);
	assert_false(emulator_has_pending(&w->e));
	/* The guest's retry reads the device again. */
	harness_map(w, NEXT, RAM(1), 1);
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 0x77, EMUL_DONE);
	assert_int_equal(*(u8 *)harness_ram(w, RAM(1)), 0x77);
}

static void read_only_ram_takes_writes_as_mmio(void **state)
{
	struct world *w = harness_pages(RAM(1), RAM(2));

	(void)state;
	w->ram_readonly[1] = true;
	CODE(w, 0xc7, 0x03, 1, 2, 3, 4); /* movl $0x04030201,(%rbx) */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, RAM(1), 4, true);
	assert_int_equal(harness_data(w), 0x04030201);
	harness_trace(w, 0, WRITE(RAM(1), 4, 0x04030201));
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1)), 0);
}

static void movs_from_fifo_to_fifo_moves_each_byte_once(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = NEXT;
	CODE(w, 0xa4);
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 1, false);
	harness_answer(w, 0x5a, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + PAGE_SIZE, 1, true);
	assert_int_equal(harness_data(w), 0x5a);
	harness_answer(w, 0, EMUL_DONE);
}

static void cmps_reads_source_first_and_each_once(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	w->gpr[REG_RSI] = AT;
	w->gpr[REG_RDI] = NEXT;
	CODE(w, 0xa6);
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 1, false);
	harness_answer(w, 5, EMUL_IO_NEEDED);
	assert_false(w->e.retired);
	harness_expect(w, MMIO + PAGE_SIZE, 1, false);
	harness_answer(w, 6, EMUL_DONE);
	assert_int_equal(w->e.rflags & (RFLAGS_CF | RFLAGS_ZF), RFLAGS_CF);
	assert_int_equal(w->gpr[REG_RSI], AT + 1);
	assert_int_equal(w->gpr[REG_RDI], NEXT + 1);
}

static void an_answer_without_a_question_stops(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	harness_answer(w, 1, EMUL_UNHANDLEABLE);
	CODE(w, 0x8b, 0x03);
	harness_run(w, EMUL_IO_NEEDED);
	emulator_cancel(&w->e);
	assert_false(emulator_has_pending(&w->e));
	harness_answer(w, 1, EMUL_UNHANDLEABLE);
}

static void locked_cmpxchg_on_mmio_writes_the_old_value_back(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0xf0, 0x0f, 0xb1, 0x0b); /* lock cmpxchg %ecx,(%rbx) */
	w->gpr[REG_RAX] = 1;
	w->gpr[REG_RCX] = 2;
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 7, EMUL_IO_NEEDED);
	harness_expect(w, MMIO, 4, true);
	assert_int_equal(harness_data(w), 7);
	assert_int_equal(w->gpr[REG_RAX], 7);
	assert_int_equal(w->e.rflags & RFLAGS_ZF, 0);
}

/** The page tables of a test that changes memory behind the emulator's back. */
static struct world *racing;

static int racing_device(struct emulator *e, struct mmio_piece *piece)
{
	(void)e;
	(void)piece;
	return -1;
}

static void *change_ram_once(struct emulator *e, gpa_t at, bool write)
{
	static unsigned int writes;

	(void)e;
	/* Asked for the read, then for the exchange: change it between. */
	if (write && ++writes == 1) {
		*(u32 *)harness_ram(racing, RAM(1)) = 99;
	}
	return harness_ram(racing, at.v);
}

static void a_locked_cell_that_changed_is_tried_again(void **state)
{
	struct world *w = racing = harness_pages(RAM(1), RAM(2));
	struct emul_ops ops = *w->e.ops;

	(void)state;
	ops.ram = change_ram_once;
	ops.device = racing_device;
	w->e.ops = &ops;
	CODE(w, 0xf0, 0xff, 0x03); /* lock incl (%rbx) */
	harness_run(w, EMUL_RETRY);
	assert_false(w->e.retired);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1)), 99);
	harness_run(w, EMUL_DONE);
	assert_int_equal(*(u32 *)harness_ram(w, RAM(1)), 100);
}

static void the_hint_replaces_the_walk_when_offsets_agree(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x8b, 0x43, 0x10); /* mov 0x10(%rbx),%eax */
	w->e.hint =
		(struct emul_hint){ .valid = true, .gpa = gpa(MMIO + 0x5010) };
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x5010, 4, false);
	assert_int_equal(w->walks, 0);
	w->e.hint =
		(struct emul_hint){ .valid = true, .gpa = gpa(MMIO + 0x5014) };
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x10, 4, false);
	assert_int_equal(w->walks, 1);
	w->e.hint.gpa = gpa(MMIO + 0x5010);
	w->e.hint.gva_valid = true;
	w->e.hint.gva = gva(AT + PAGE_SIZE + 0x10);
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x10, 4, false);
}

static void the_hint_is_not_for_two_operands(void **state)
{
	struct world *w = harness_pages(RAM(1), MMIO);

	(void)state;
	w->gpr[REG_RSI] = AT + 0x20;
	w->gpr[REG_RDI] = NEXT + 0x20;
	CODE(w, 0xa5); /* movsl: both operands have the hint's offset */
	*(u32 *)harness_ram(w, RAM(1) + 0x20) = 0xcafe;
	w->e.hint =
		(struct emul_hint){ .valid = true, .gpa = gpa(MMIO + 0x20) };
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x20, 4, true);
	assert_int_equal(harness_data(w), 0xcafe);
}

static void known_mmio_is_not_tried_as_ram(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x8b, 0x03);
	harness_run(w, EMUL_IO_NEEDED);
	assert_int_equal(w->rams, 2); /* the code, the operand */
	harness_answer(w, 3, EMUL_DONE);
	w->e.mmio_page = gpa(MMIO);
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_IO_NEEDED);
	assert_int_equal(w->rams, 3);
	harness_answer(w, 4, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 4);
}

/** Pending state is plain data: a copy of it finishes as well. */
static void a_copied_context_completes(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);
	struct emulator saved;

	(void)state;
	CODE(w, 0x48, 0x8b, 0x83, 0xfc, 0x0f, 0, 0);
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 0x44332211, EMUL_IO_NEEDED);
	saved = w->e;
	memset(&w->e, 0xee, sizeof(w->e));
	w->e = saved;
	harness_answer(w, 0x88776655, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 0x8877665544332211);
}

static void code_rewritten_during_the_exit_does_not_matter(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	CODE(w, 0x8b, 0x03);
	harness_run(w, EMUL_IO_NEEDED);
	memset(harness_ram(w, RAM(0)), 0xf4, 16);
	harness_answer(w, 9, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 9);
	assert_int_equal(w->e.rip, CODE_AT + 2);
	/* And rewritten code is decoded, not remembered. */
	CODE(w, 0x8b, 0x0b); /* mov (%rbx),%ecx */
	harness_run(w, EMUL_IO_NEEDED);
	harness_answer(w, 10, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 10);
}

static void non_canonical_addresses_fault(void **state)
{
	struct world *w = harness_new();

	(void)state;
	CODE(w, 0x48, 0x8b, 0x03);
	w->gpr[REG_RBX] = BIT(47) - 4;
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_GP);
	assert_true(w->e.exception.has_error_code);
	CODE(w, 0x48, 0x8b, 0x45,
	     0x00); /* mov 0(%rbp),%rax: the stack segment */
	w->gpr[REG_RBP] = BIT(63);
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_SS);
}

static void fs_and_gs_have_bases(void **state)
{
	struct world *w = harness_pages(MMIO, MMIO + PAGE_SIZE);

	(void)state;
	w->segments[SEGMENT_GS].base = gva(AT);
	CODE(w, 0x65, 0x8b, 0x04, 0x25, 8, 0, 0, 0); /* mov %gs:8,%eax */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 8, 4, false);
	/* In 64-bit mode the old four have none, whatever the prefix says. */
	w->segments[SEGMENT_ES].base = gva(AT);
	w->gpr[REG_RBX] = AT + 0x10;
	CODE(w, 0x26, 0x8b, 0x03); /* mov %es:(%rbx),%eax */
	harness_run(w, EMUL_IO_NEEDED);
	harness_expect(w, MMIO + 0x10, 4, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_exits_once_and_then_completes),
		cmocka_unit_test(a_write_retires_before_its_exit),
		cmocka_unit_test(add_to_memory_reads_once_writes_once),
		cmocka_unit_test(a_core_device_answers_without_an_exit),
		cmocka_unit_test(a_fault_drops_a_pending_read),
		cmocka_unit_test(read_only_ram_takes_writes_as_mmio),
		cmocka_unit_test(movs_from_fifo_to_fifo_moves_each_byte_once),
		cmocka_unit_test(cmps_reads_source_first_and_each_once),
		cmocka_unit_test(an_answer_without_a_question_stops),
		cmocka_unit_test(
			locked_cmpxchg_on_mmio_writes_the_old_value_back),
		cmocka_unit_test(a_locked_cell_that_changed_is_tried_again),
		cmocka_unit_test(the_hint_replaces_the_walk_when_offsets_agree),
		cmocka_unit_test(the_hint_is_not_for_two_operands),
		cmocka_unit_test(known_mmio_is_not_tried_as_ram),
		cmocka_unit_test(a_copied_context_completes),
		cmocka_unit_test(
			code_rewritten_during_the_exit_does_not_matter),
		cmocka_unit_test(non_canonical_addresses_fault),
		cmocka_unit_test(fs_and_gs_have_bases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
