/** @file
 * Stacks that lie in devices: many reads, and registers that change between
 * them.
 *
 * POPA reads eight times and moves ESP each time.  With a device for a stack
 * each read but the last ends a pass, and whoever lets a pass go on with the
 * registers of the one before pops from further and further up: KVM does
 * (spec 3.4, DRIFT).  32-bit code, since 64-bit mode has no POPA.
 */
#include "guest-tests/lab3/lab3.h"

#define MARK 0x11110000u

/* By their numbers: what POPA has left in EAX to EDI, ESP among them. */
u32 stack_popped[8];
/* Where the code below finds its stack again; what it takes for ESP. */
u32 stack_saved, stack_taken;

/*
 * Both leave the registers as they were, on the test's own stack.  CPUID is
 * for HYPERCALL_EMULATE: PUSHA is emulated even if it does not fault.
 */
extern const char popa_code[], pusha_code[], far_code[], far_target[];
asm(".pushsection .text\n"
    ".code32\n"
    "popa_code:\n"
    "	pushal\n"
    "	movl %esp, stack_saved\n"
    "	movl stack_taken, %esp\n"
    "	popal\n"
    "	movl %eax, stack_popped\n"
    "	movl %ecx, stack_popped+4\n"
    "	movl %edx, stack_popped+8\n"
    "	movl %ebx, stack_popped+12\n"
    "	movl %esp, stack_popped+16\n"
    "	movl %ebp, stack_popped+20\n"
    "	movl %esi, stack_popped+24\n"
    "	movl %edi, stack_popped+28\n"
    "	movl stack_saved, %esp\n"
    "	popal\n"
    "	lret\n"
    "pusha_code:\n"
    "	pushal\n"
    "	movl %esp, stack_saved\n"
    "	movl stack_taken, %esp\n"
    "	cpuid\n"
    "	pushal\n"
    "	movl stack_saved, %esp\n"
    "	popal\n"
    "	lret\n"
    "far_code:\n"
    "	pushal\n"
    "	movl %esp, stack_saved\n"
    "	movl stack_taken, %esp\n"
    "	lret\n"
    "far_target:\n"
    "	movl %esp, stack_popped\n"
    "	movl stack_saved, %esp\n"
    "	popal\n"
    "	lret\n"
    ".code64\n"
    ".popsection");

static void check_popa(enum device_side side, u64 at)
{
	u64 mirror = device_make(DEVICE_MIRROR, side, at, PAGE_SIZE);
	u32 bytes[8];

	for (u32 i = 0; i < 8; i++) {
		bytes[i] = MARK + i;
	}
	device_put(mirror, bytes, sizeof(bytes));
	stack_taken = (u32)at;
	trap_call32(popa_code);
	for (u32 i = 0; i < 8; i++) {
		u32 reg = 7 - i; /* EDI is the first (SDM 2B POPA) */

		CHECK_EQ(stack_popped[reg],
			 reg == RSP ? (u32)at + 32 : MARK + i,
			 "POPA with its stack in a device gets each register "
			 "from its own place, and ESP ends behind them (spec "
			 "3.10-7)");
	}
	CHECK_COUNT(device_accesses(mirror), 7,
		    "POPA pops each register once and skips ESP's place (spec "
		    "3.10-7)");
}

TEST(popa_from_a_device_gets_each_register)
{
	check_popa(DEVICE_OUTSIDE, HERE);
	check_popa(DEVICE_IN_CORE, THERE);
}

/** Two values from one stack: where to go, and in which segment. */
TEST(far_return_from_a_device)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 64);
	u32 bytes[2] = { (u32)(u64)far_target, TRAP_CODE32 };

	device_put(mirror, bytes, sizeof(bytes));
	stack_taken = HERE;
	trap_call32(far_code);
	CHECK_EQ(stack_popped[0], HERE + 8,
		 "far RET with its stack in a device goes where the stack "
		 "says, and ESP ends behind both (spec 3.10-8)");
	CHECK_COUNT(device_accesses(mirror), 2,
		    "far RET pops each of its two values once (spec 3.10-8)");
}

static void push_over_the_edge(void)
{
	CHECK_DONE(vmcall0(HYPERCALL_EMULATE));
	trap_call32(pusha_code);
}

/** Two values fit, the third is below the page. */
TEST(fault_behind_a_queued_write_drops_it)
{
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 64);
	struct trap trap;

	pages_split(gva(HERE - PAGE_SIZE));
	pages_unmap(gva(HERE - PAGE_SIZE));
	stack_taken = HERE + 8;
	device_clear_exits();
	trap_catch(push_over_the_edge, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF,
		    "a fault behind a write that is queued is delivered (spec "
		    "3.5)");
	CHECK_EQ(trap.cr2, HERE - 4, "CR2 is the third value's place");
	CHECK_EXITS(device_clear_exits(), 0,
		    "what an instruction has queued before its fault is "
		    "dropped (spec 3.5, 3.10-16)");
	mmio_write4(HERE + 32, 0x77);
	CHECK_EXITS(device_clear_exits(), 1,
		    "nothing of it comes with the next instruction (spec "
		    "3.10-16)");
	CHECK_EQ(device_log(mirror, 0).offset, 32,
		 "the next write is the next instruction's");
}
