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
	CHECK_EQ(trap.vector, TRAP_DB, "with TF set, an emulated instruction "
				       "ends in a trap like any other (spec "
				       "10.3)");
	CHECK_EQ(trap.rip, step_end, "the trap comes behind the instruction, "
				     "neither before it nor one later (spec "
				     "3.10-18, 3.10-19)");
	CHECK_LEAVES(pieces, "the trap comes when all pieces have left (spec "
			     "10.3)");
}

/** In a VM that has just been made, delivery itself faults and begins anew. */
static void check_one_step(void (*fn)(void), u64 pieces)
{
	check_step(fn, pieces);
	CHECK_COUNT(lab4_injections(TRAP_DB), 1,
		    "the trap is the hypervisor's to inject, once: no "
		    "processor makes it up at VM entry (SDM 3C 27.7.3)");
}

TEST(step_trap_comes_after_the_last_piece)
{
	address = lab4_window(NOBODY_FAR, PATTERN) - 4;
	check_one_step(step_store, 2);
	check_one_step(step_load, 2);
	check_one_step(step_rmw, 4);
	/* One piece, and none. */
	address = PATTERN;
	check_one_step(step_store, 1);
	check_one_step(step_load, 1);
	address = DEVICE_CORE_SCRATCH_GPA;
	check_one_step(step_store, 0);
	check_one_step(step_load, 0);
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

/** What CALL m16:64 reads: an offset and a selector - SDM 2A, CALL. */
static struct {
	u64 offset;
	u16 selector;
} __packed far_pointer;

/** Where the test's own stack is while another one is tried. */
static u64 own_stack;

/** CALL REX.W FF /3, with the stack at address, to what stands behind it. */
static u64 call_far(void)
{
	u64 rip, rsp;

	far_pointer.selector = 0x08;
	asm volatile("leaq 1f(%%rip), %0\n\t"
		     "movq %0, %2\n\t"
		     "movq %%rsp, %3\n\t"
		     "movq %4, %%rsp\n\t"
		     ".byte 0x48; lcall *%2\n" /* REX.W */
		     "1:\tmovq %%rsp, %1\n\t"
		     "movq %3, %%rsp"
		     : "=&r"(rip), "=&r"(rsp), "+m"(far_pointer),
		       "=m"(own_stack)
		     : "r"(address)
		     : "memory");
	CHECK_EQ(rsp, address - 16, "a far CALL pushes CS and RIP");
	return rip;
}

/**
 * A far CALL writes twice before it is done.  The first of its values lies in
 * two pages, the second in one of them.
 */
TEST(several_writes_of_one_instruction_all_leave)
{
	u64 rip;

	address = lab4_window(NOBODY_FAR, NOBODY_NEAR) + 4;
	lab4_begin();
	rip = call_far();
	CHECK_LEFT(0, STORE(LAST(NOBODY_FAR, 4), 4, 0x08),
		   "an instruction's first write leaves first (spec 10.3)");
	CHECK_LEFT(1, STORE(NOBODY_NEAR, 4, 0),
		   "all of the first write leaves before the second");
	CHECK_LEFT(2, STORE(LAST(NOBODY_FAR, 12), 8, rip),
		   "the second write of an instruction leaves as well (spec "
		   "10.3)");
	CHECK_LEAVES(3, "no write of an instruction is lost (spec 10.3)");

	for (u32 piece = 1; piece <= 3; piece++) {
		lab4_begin();
		lab4_hook(IO_HOOK_MOVE, piece);
		rip = call_far();
		CHECK_LEAVES(3, "no write is lost when the vCPU moves between "
				"them (spec 10.9)");
		CHECK_LEFT(2, STORE(LAST(NOBODY_FAR, 12), 8, rip),
			   "each write has its own bytes");
	}
}

/** At CPL 3, so that the fault is not delivered on that stack. */
static void call_far_and_fault(void)
{
	asm volatile("movq %0, %%rsp\n\t.byte 0x48; lcall *%1"
		     :
		     : "r"(address), "m"(far_pointer)
		     : "memory");
}

/**
 * The first write is queued, the second one faults: the instruction has not
 * taken place, so nothing of it may leave, then or later.
 */
TEST(queued_write_is_dropped_by_a_fault)
{
	struct trap trap;

	address = PAGES_FREE_GVA + PAGE_SIZE;
	pages_map(gva(address), gpa(NOBODY_NEAR), PAGES_WRITE | PAGES_USER);
	address += 8;
	far_pointer.selector = 0x23;
	lab4_begin();
	trap_user(call_far_and_fault, &trap);
	CHECK_EQ(trap.vector, TRAP_PF, "the second write faults");
	CHECK_EQ(trap.cr2, address - 16, "the second write's address is in CR2");
	CHECK_LEAVES(0, "a fault drops what its instruction has queued (spec "
			"4.5-24)");
	lab4_begin();
	mmio_write4(NOBODY_FAR, 0x77);
	CHECK_LEFT(0, STORE(NOBODY_FAR, 4, 0x77),
		   "the next access finds nothing pending (spec 4.5-24)");
	CHECK_LEAVES(1, "the next access finds nothing pending (spec 4.5-24)");
}

/* By their numbers: the stack that PUSHA takes, and the test's own. */
u32 order_taken, order_saved;

/* 64-bit mode has no PUSHA.  Each register says which one it is. */
extern const char order_pusha[];
asm(".pushsection .text\n"
    ".code32\n"
    "order_pusha:\n"
    "	pushal\n"
    "	movl %esp, order_saved\n"
    "	movl order_taken, %esp\n"
    "	movl $0x11110000, %eax\n"
    "	movl $0x11110001, %ecx\n"
    "	movl $0x11110002, %edx\n"
    "	movl $0x11110003, %ebx\n"
    "	movl $0x11110005, %ebp\n"
    "	movl $0x11110006, %esi\n"
    "	movl $0x11110007, %edi\n"
    "	pushal\n"
    "	movl order_saved, %esp\n"
    "	popal\n"
    "	lret\n"
    ".code64\n"
    ".popsection");

/** What PUSHA pushes as register n. */
static u32 pushed(u32 n)
{
	return n == 4 ? order_taken : 0x11110000 + n;
}

/** The n-th of PUSHA's writes, at the place of a 4-byte value. */
static void check_push(unsigned int exit, u32 n, u32 at)
{
	CHECK_LEFT(exit, STORE(at, 4, pushed(n)),
		   "PUSHA writes eight times, each of them leaves, in order "
		   "(spec 3.10-9)");
}

/** The fourth write lies in both pages: nine pieces, and a queue of nine. */
TEST(eight_writes_of_pusha_all_leave)
{
	u32 middle = (u32)(NOBODY_NEAR + PAGE_SIZE);

	order_taken = middle + 14;
	lab4_begin();
	lab4_hook(IO_HOOK_MOVE, 5);
	trap_call32(order_pusha);
	CHECK_LEAVES(9, "PUSHA writes eight times, one of them split (spec "
			"3.10-9)");
	for (u32 n = 0; n < 3; n++) {
		check_push(n, n, order_taken - 4 * (n + 1));
	}
	CHECK_LEFT(3, STORE(middle - 2, 2, 0x0003),
		   "the lower part of a split push leaves first");
	CHECK_LEFT(4, STORE(middle, 2, 0x1111),
		   "then the upper part, before the next push");
	for (u32 n = 4; n < 8; n++) {
		check_push(n + 1, n, order_taken - 4 * (n + 1));
	}
}
