/** @file
 * How an instruction ends that cannot complete, and how a step is counted.
 */
#include "guest-tests/lab3/lab3.h"

extern char faulting_movs[];

static void movs_to_nowhere(void)
{
	u64 from = HERE, to = PAGES_FREE_GVA;

	asm volatile("faulting_movs: movsb"
		     : "+S"(from), "+D"(to) : : "memory");
}

/** The value is lost, as on a processor: the guest's retry reads again. */
TEST(fault_after_a_read_leaves_nothing)
{
	static u8 page[PAGE_SIZE] __aligned(PAGE_SIZE);
	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	struct trap trap;

	device_fill(fifo, 0x11);
	device_fill(fifo, 0x22);
	device_clear_exits();
	trap_catch(movs_to_nowhere, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF,
		    "MOVS to an unmapped page is #PF, after its read (spec "
		    "3.10-17)");
	CHECK_EQ(trap.cr2, PAGES_FREE_GVA, "CR2 is the destination");
	CHECK_EQ(trap.error, 2, "the error code says that it was a write "
		 "(spec 3.10-17)");
	CHECK_EQ(trap.rip, (u64)faulting_movs,
		 "RIP is at the instruction that faults (spec 3.10-17)");
	CHECK_EQ(trap.rsi, HERE, "RSI has not moved (spec 3.5)");
	CHECK_EXITS(device_clear_exits(), 1,
		    "an instruction that faults leaves no exit behind (spec "
		    "3.10-16)");

	pages_map(gva(PAGES_FREE_GVA), gpa((u64)page), PAGES_WRITE);
	trap_catch(movs_to_nowhere, &trap);
	CHECK_COUNT(trap.vector, TRAP_NONE, "with the page in place it ends");
	CHECK_EQ(page[0], 0x22, "the guest's retry reads the device again, and "
		 "gets its next value (spec 3.10-17)");
	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 2,
		    "two tries are two reads (spec 3.10-17)");
}

/* TF, one instruction, and TF off again; a trap comes behind each of the four
 * instructions that TF is set for. */
#define STEPPED(name, text, ...)                                              \
	extern char stepped_##name[];                                         \
	static void step_##name(void)                                         \
	{                                                                     \
		asm volatile("pushfq; orl $0x100, (%%rsp); popfq\n" text "\n" \
			     ".globl stepped_" #name "\n"                     \
			     "stepped_" #name ":\n"                           \
			     "pushfq; andl $~0x100, (%%rsp); popfq"           \
			     : : __VA_ARGS__ : "memory", "cc");               \
	}

STEPPED(load, "movl (%%rbx), %%eax", "b"(HERE), "a"(0))
STEPPED(store, "movl %%eax, (%%rbx)", "b"(HERE), "a"(7))
STEPPED(add, "addl %%eax, (%%rbx)", "b"(HERE), "a"(7))

static void check_steps(void (*fn)(void), const char *after)
{
	struct trap_steps steps;

	trap_step(fn, &steps);
	CHECK_EQ(steps.rip[0], (u64)after,
		 "the single-step trap comes behind the instruction, when its "
		 "last exit is answered (spec 10.3)");
	CHECK_COUNT(steps.count, 4,
		    "an instruction that goes to the VMM is one single-step "
		    "trap, like any other (spec 3.10-18, 3.10-19)");
}

TEST(step_over_a_read_is_one_trap)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 8);

	check_steps(step_load, stepped_load);
	CHECK_COUNT(device_accesses(mirror), 1, "the load asks once");
}

TEST(step_over_a_write_is_one_trap)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 8);

	check_steps(step_store, stepped_store);
	CHECK_COUNT(device_accesses(mirror), 1, "the store asks once");
	check_steps(step_add, stepped_add);
	CHECK_COUNT(device_accesses(mirror), 3, "ADD asks twice");
}

static void cmpxchg16b(void)
{
	asm volatile("lock cmpxchg16b (%0)"
		     : : "S"(HERE), "a"(0), "b"(0), "c"(0), "d"(0)
		     : "memory", "cc");
}

/** Sixteen bytes in one access are more than a device can be asked. */
TEST(unhandleable_instruction_ends_the_run)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 16);

	mmio_write4(HERE, 1);
	CHECK_COUNT(device_accesses(mirror), 1,
		    "a store to a device is emulated");
	CHECK_STOP(STOP_EMULATION, ~0ull, ~0ull,
		   "CMPXCHG16B on a device ends the run at CPL 0, it does not "
		   "loop (spec 3.10-13)");
	cmpxchg16b();
}

static void user_cmpxchg16b(void)
{
	cmpxchg16b();
	asm volatile("int3");
}

TEST(unhandleable_instruction_of_a_program_is_ud)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 16);
	struct trap trap;

	trap_user(user_cmpxchg16b, &trap);
	CHECK_COUNT(trap.vector, TRAP_UD,
		    "what the emulator does not know is #UD for a program, and "
		    "the VM lives on (spec 3.10-14)");
	CHECK_COUNT(device_accesses(mirror), 0, "no device was asked");
	mmio_write4(HERE, 1);
	CHECK_COUNT(device_accesses(mirror), 1,
		    "the next instruction is emulated as ever");
}
