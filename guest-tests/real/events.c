/** @file
 * Exceptions and interrupts of real mode: through the table at 0, by three
 * pushes and a far jump.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/real/code16.h"

#define NO_MSR 0x12345678
#define HANDLER 0x100 /* code16.S */

static void twice(void (*test)(u16 flags))
{
	test(0);
	test(REAL_EMULATED);
}

static void step(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_step);
	r.flags = flags;
	real_set_vector(TRAP_DB, HANDLER);
	real_run(&r);
	CHECK_COUNT(r.gpr[2], 6,
		    "with TF each instruction ends with one #DB (spec 9-12)");
}

TEST(each_instruction_is_trapped_once)
{
	twice(step);
}

TEST(no_trap_behind_mov_ss_nor_in_a_handler)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_step_stack);
	r.flags = REAL_EMULATED;
	real_set_vector(TRAP_DB, HANDLER);
	real_set_vector(0x21, HANDLER + 0x10);
	real_run(&r);
	CHECK_COUNT(r.gpr[2], 3,
		    "MOV SS holds its trap off, and INT n clears TF "
		    "(SDM 3A 6.8.3)");
}

static void call_21(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_call_21);
	r.flags = flags;
	real_set_vector(0x21, HANDLER);
	real_run(&r);
	CHECK_EQ(r.gpr[3], 0x77, "INT n goes through the table at 0");
	CHECK_COUNT(r.gpr[5] & 0xff, 1,
		    "and IRET takes the flags that the handler has left");
	CHECK_EQ(r.gpr[4], REAL_STACK_TOP, "the stack is as it was");
}

TEST(int_n_and_iret)
{
	twice(call_21);
}

static void divide(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_divide);
	r.flags = flags;
	real_set_vector(TRAP_DE, HANDLER);
	real_run(&r);
	CHECK_COUNT(r.gpr[2], 1, "a division by 0 is one #DE");
	CHECK_EQ(r.gpr[1], REAL_STACK_TOP, "IRET takes three words");
}

TEST(a_fault_comes_with_the_address_of_its_instruction)
{
	twice(divide);
}

static void undefined(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_undefined);
	r.flags = flags;
	real_set_vector(TRAP_UD, HANDLER);
	real_run(&r);
	CHECK_COUNT(r.gpr[2], 1, "UD2 is one #UD");
	CHECK_EQ(r.gpr[4], REAL_STACK_TOP - 6,
		 "FLAGS, CS and IP are pushed, and no error code");
}

/** On the processor this one is the hypervisor's to inject. */
static void no_msr(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_no_msr);
	r.flags = flags;
	r.gpr[1] = NO_MSR;
	real_set_vector(TRAP_GP, HANDLER);
	real_run(&r);
	CHECK_COUNT(r.gpr[2], 1, "RDMSR of what is none is one #GP");
	CHECK_EQ(r.gpr[4], REAL_STACK_TOP - 6,
		 "#GP pushes no error code in real mode, whoever raises it");
}

TEST(an_exception_has_no_error_code_in_real_mode)
{
	twice(undefined);
	twice(no_msr);
}

/** SS.RPL is not that of CS: no such state can be entered; and the table at 0
 * has no gates. */
TEST(an_exception_without_a_gate_shuts_down)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_divide);
	r.flags = REAL_EMULATED | REAL_PROTECTED;
	r.segment[REAL_SS] |= 3;
	CHECK_STOP(STOP_TRIPLE_FAULT, ~0ull, ~0ull,
		   "an exception while the state of protected mode is invalid "
		   "looks for its gate; without one it is #GP, #DF, and the "
		   "end (spec 9-5)");
	real_run(&r);
}

TEST(an_interrupt_table_beyond_its_limit_shuts_down)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_undefined);
	r.flags = REAL_EMULATED;
	r.idt_limit = 4 * TRAP_UD + 2;
	CHECK_STOP(STOP_TRIPLE_FAULT, ~0ull, ~0ull,
		   "a vector beyond the limit is #GP, #DF, and the end");
	real_run(&r);
}
