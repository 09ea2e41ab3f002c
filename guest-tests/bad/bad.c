/** @file
 * Guests that misbehave, each in one way.
 *
 * None of these may cost more than its own test: the hypervisor says in a
 * sentence what happened and goes on with the next.  How each has to end stands
 * in expected.txt, which the project's check compares with what it sees.
 */
#include "guest-tests/lib/test.h"

/** A test that comes this far has been let through. */
static void not_reached(void)
{
	CHECK_TRUE(false, "this guest does not come to its end");
}

TEST(triple_fault)
{
	/* The exception, then #DF, then nothing: no IDT holds either. */
	trap_load_idt(PAGES_FREE_GVA);
	asm volatile("ud2");
	not_reached();
}

TEST(endless_loop_interrupts_off)
{
	asm volatile("cli\n1: jmp 1b");
	not_reached();
}

TEST(endless_loop_interrupts_on)
{
	asm volatile("sti\n1: jmp 1b");
	not_reached();
}

TEST(endless_exits)
{
	for (;;) {
		mmio_read4(DEVICE_COUNTER_GPA);
	}
}

TEST(halts_before_its_end)
{
	asm volatile("hlt");
	not_reached();
}

TEST(ends_without_a_check)
{
}

TEST(fails_a_check)
{
	CHECK_EQ(0x49, 49, "a rule may hold \"quotes\" and a \\ as well");
}

/** x87 on a device's register: nothing that the emulator knows. */
static void unknown_instruction(void)
{
	asm volatile("fildll (%0)" : : "r"(DEVICE_NOBODY_GPA));
}

TEST(unknown_instruction_at_cpl0)
{
	unknown_instruction();
	not_reached();
}

TEST(unknown_instruction_at_cpl3)
{
	struct trap trap;

	trap_user(unknown_instruction, &trap);
	CHECK_COUNT(trap.vector, TRAP_UD,
		    "an instruction at CPL 3 that cannot be emulated is #UD "
		    "(spec 3.8)");
	CHECK_EQ(trap.cs & 3, 3, "the #UD comes from CPL 3");
}

TEST(jump_to_nowhere)
{
	((void (*)(void))PAGES_FREE_GVA)();
	not_reached();
}

TEST(jump_to_a_device)
{
	((void (*)(void))DEVICE_NOBODY_GPA)();
	not_reached();
}

/** Arguments that are wrong for most calls: never a good address. */
static const u64 garbage[] = {
	0xfffffffffffffff0ull, 0xffffff, GUEST_RAM_SIZE - 4, 1ull << 63,
	DEVICE_FIFO_GPA,
};

TEST(hypercalls_with_garbage)
{
	for (u64 nr = HYPERCALL_COUNTER; nr < HYPERCALL_BEYOND; nr++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(garbage); i++) {
			vmcall3(nr, garbage[i], garbage[i], garbage[i]);
		}
	}
	CHECK_COUNT(vmcall0(HYPERCALL_BEYOND), -EINVAL,
		    "an unknown hypercall is refused");
	CHECK_COUNT(vmcall0(0), -EINVAL, "an unknown hypercall is refused");
	CHECK_COUNT(vmcall1(HYPERCALL_EXPECT_STOP, GUEST_RAM_SIZE), -EFAULT,
		    "an address outside of the guest's memory is refused");
	CHECK_COUNT(vmcall2(HYPERCALL_IO_LOG, 1ull << 63, 0), -EFAULT,
		    "an address outside of the guest's memory is refused");
}

TEST(slots_that_cannot_be)
{
	struct hypercall_slot slot = {
		.kind = SLOT_ADD, .slot = 1, .gpa = SLOTS_GPA, .pages = 1,
		.backing = BACKING_SIZE,
	};
	u64 address = vmcall_address(&slot);

	CHECK_COUNT(vmcall1(HYPERCALL_SLOT_CHANGE, address), -EINVAL,
		    "a slot outside of the backing is refused");
	slot.backing = 0;
	slot.gpa = 0x1000;
	CHECK_COUNT(vmcall1(HYPERCALL_SLOT_CHANGE, address), -EEXIST,
		    "a slot that overlaps another is refused");
	slot.gpa = SLOTS_GPA + 1;
	CHECK_COUNT(vmcall1(HYPERCALL_SLOT_CHANGE, address), -EINVAL,
		    "a slot that does not begin with a page is refused");
	slot.gpa = SLOTS_GPA;
	slot.slot = GUEST_RAM_SLOT;
	slot.kind = SLOT_DELETE;
	CHECK_COUNT(vmcall1(HYPERCALL_SLOT_CHANGE, address), -EINVAL,
		    "the guest's own memory cannot be deleted");
	slot.slot = 3;
	CHECK_COUNT(vmcall1(HYPERCALL_SLOT_CHANGE, address), -ENOENT,
		    "a slot that is not there cannot be deleted");
}

/** 16-bit code of which the emulator does every instruction. */
static void run_emulated(const u8 *code, u64 bytes)
{
	struct hypercall_real r;

	real_prepare(&r, code, code + bytes);
	r.flags = REAL_EMULATED;
	real_run(&r);
}

TEST(endless_loop_in_the_emulator)
{
	static const u8 code[] = { 0x90, 0xeb, 0xfd }; /* NOP, JMP to it */

	run_emulated(code, sizeof(code));
	not_reached();
}

TEST(unknown_instruction_in_the_emulator)
{
	static const u8 code[] = { 0x90, 0xd8, 0xc0 }; /* FADD */

	run_emulated(code, sizeof(code));
	not_reached();
}

/** Without an unrestricted guest the emulator runs it. */
TEST(real_mode)
{
	asm volatile("pushq $0x38\n\t" /* 32-bit code: lib/trap.c */
		     "pushq $1f\n\t"
		     "lretq\n\t"
		     ".code32\n"
		     "1: mov %%cr0, %%eax\n\t"
		     "and $0x7fffffff, %%eax\n\t"
		     "mov %%eax, %%cr0\n\t"
		     "and $~1, %%eax\n\t"
		     "mov %%eax, %%cr0\n\t"
		     "hlt\n\t"
		     ".code64"
		     :
		     :
		     : "eax", "memory");
	not_reached();
}
