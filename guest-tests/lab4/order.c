/** @file
 * What comes when: the end of an instruction, its traps, its several writes.
 *
 * An instruction that writes has ended when its pieces leave, and still they
 * belong to it: the single-step trap comes behind the last of them, a fault of
 * the same instruction means that none may leave.
 */
#include "guest-tests/lab4/lab4.h"

#define PATTERN DEVICE_PATTERN_GPA
#define LAST(page, n) ((page) + PAGE_SIZE - (n))

/** For functions that take no arguments. */
static u64 address, step_end;

/** Set TF, so that there is a trap behind the instruction after POPF. */
#define STEP(insn)                                                     \
	asm volatile("leaq 1f(%%rip), %%rax\n\t"                       \
		     "movq %%rax, %0\n\t"                              \
		     "movq %1, %%rax\n\t"                              \
		     "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"      \
		     insn "\n1:\tnop\n\tnop\n\tnop"                    \
		     : "=m"(step_end)                                  \
		     : "r"(VALUE), "b"(address)                        \
		     : "rax", "memory", "cc")

static void step_store(void)
{
	STEP("movq %%rax, (%%rbx)");
}

static void step_load(void)
{
	STEP("movq (%%rbx), %%rax");
}

static void step_rmw(void)
{
	STEP("addq %%rax, (%%rbx)");
}

/** One #DB, behind the instruction, after all its pieces. */
static void check_step(void (*fn)(void), u64 pieces)
{
	struct trap trap;

	lab4_begin();
	trap_catch(fn, &trap);
	CHECK_EQ(trap.vector, 1, "with TF set, an emulated instruction ends in "
				 "a trap like any other (spec 10.3)");
	CHECK_EQ(trap.rip, step_end, "the trap comes behind the instruction, "
				     "neither before it nor one later (spec "
				     "3.10-18, 3.10-19)");
	CHECK_LEAVES(pieces, "the trap comes when all pieces have left (spec "
			     "10.3)");
}

TEST(step_trap_comes_after_the_last_piece)
{
	address = lab4_window(NOBODY_FAR, PATTERN) - 4;
	check_step(step_store, 2);
	check_step(step_load, 2);
	check_step(step_rmw, 4);
	/* One piece, and none. */
	address = PATTERN;
	check_step(step_store, 1);
	check_step(step_load, 1);
	address = DEVICE_CORE_SCRATCH_GPA;
	check_step(step_store, 0);
	check_step(step_load, 0);
}

/** The flag is the one that the instruction began with, in another VM too. */
TEST(step_trap_survives_the_middle)
{
	struct trap trap;

	address = lab4_window(NOBODY_FAR, PATTERN) - 4;
	for (u32 piece = 1; piece <= 2; piece++) {
		lab4_hook(IO_HOOK_ASK_BACK, piece);
		lab4_hook(IO_HOOK_MOVE, piece);
		check_step(step_store, 2);
		lab4_hook(IO_HOOK_MOVE_DRAINED, piece);
		check_step(step_load, 2);
	}
	lab4_begin();
	trap_catch(step_store, &trap);
	CHECK_EQ(trap.vector, 1, "and once more with nobody in between");
}
