/** @file
 * Real mode at all: a vCPU goes there and comes back, and meets devices.
 *
 * What the processor can do, the emulator must do in the same way: each test
 * runs its code twice, as the VM does it and with all of it emulated.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/real/code16.h"

/** Twice: the VM's own way, and emulated. */
static void twice(void (*test)(u16 flags))
{
	test(0);
	test(REAL_EMULATED);
}

static void add(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_add);
	r.flags = flags;
	r.gpr[3] = 0x12340000;
	real_run(&r);
	CHECK_EQ(r.gpr[5], 0x12340005, "16-bit code computes what it says");
	CHECK_EQ(r.cr0 & 1, 0, "the vCPU was in real mode");
	if (flags & REAL_EMULATED) {
		CHECK_COUNT(r.emulations, 5,
			    "the emulator has done every instruction of it");
	}
}

TEST(a_vcpu_runs_in_real_mode)
{
	twice(add);
}

static u32 pattern(u64 address)
{
	u32 value = 0;

	for (unsigned int i = 0; i < 4; i++) {
		value |= (u32)hypercall_pattern(address + i) << 8 * i;
	}
	return value;
}

static void load(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_load);
	r.flags = flags | REAL_BIG;
	r.segment[REAL_DS] = 0;
	r.gpr[6] = DEVICE_PATTERN_GPA + 0x24;
	device_clear_exits();
	real_run(&r);
	CHECK_EQ(r.gpr[5], pattern(DEVICE_PATTERN_GPA + 0x24),
		 "big real mode reads a device behind 1 MiB (spec 9-1)");
	CHECK_COUNT(r.gpr[3], 1, "and goes on with the next instruction");
	CHECK_EXITS(device_clear_exits(), 1, "the VMM was asked once");
}

TEST(big_real_mode_reads_a_device)
{
	twice(load);
}

static void make_big(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_valid);
	r.flags = flags;
	r.gpr[2] = 0x10; /* flat data: lib/trap.c */
	r.gpr[6] = DEVICE_PATTERN_GPA;
	real_run(&r);
	CHECK_EQ(r.gpr[5], pattern(DEVICE_PATTERN_GPA),
		 "a limit of protected mode stays in real mode");
}

TEST(a_guest_makes_big_real_mode_itself)
{
	twice(make_big);
}

static void pops(u16 flags)
{
	struct hypercall_real r;

	vmcall1(HYPERCALL_DEVICE_RESET, DEVICE_FIFO_GPA);
	for (u64 i = 0; i < 40; i++) {
		vmcall2(HYPERCALL_DEVICE_FILL, DEVICE_FIFO_GPA, 0x20 + i);
	}
	CODE16_PREPARE(&r, code16_pops);
	r.flags = flags | REAL_BIG;
	r.segment[REAL_DS] = 0;
	r.gpr[1] = 33;
	r.gpr[6] = DEVICE_FIFO_GPA;
	r.gpr[7] = 0x10;
	real_run(&r);
	CHECK_COUNT(vmcall_device(DEVICE_FIFO_GPA, DEVICE_READS), 33,
		    "REP MOVSB takes each value of a FIFO once (spec 9-11)");
	for (u32 i = 0; i < 33; i++) {
		CHECK_EQ(*real_memory(REAL_DATA + 0x10 + i), 0x20 + i,
			 "and all arrive in their order");
	}
	CHECK_COUNT(r.gpr[1], 0, "rCX is used up");
}

TEST(rep_movs_takes_each_value_once)
{
	twice(pops);
}

/** NOPs before the store, in front of it in the same segment. */
static void store_behind(u32 nops, u16 flags)
{
	u8 *code = (u8 *)(u64)REAL_CODE;
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_store);
	for (u64 i = 0; i < (u64)(code16_store_end - code16_store); i++) {
		code[nops + i] = code16_store[i];
	}
	memset(code, 0x90, nops);
	r.flags = flags | REAL_BIG;
	r.segment[REAL_DS] = 0;
	r.gpr[3] = nops;
	r.gpr[6] = DEVICE_SCRATCH_GPA;
	device_clear_exits();
	real_run(&r);
	CHECK_COUNT(device_exit(0).data, nops,
		    "a store that is the 130th instruction of a section "
		    "arrives (spec 9-8)");
	CHECK_EXITS(device_clear_exits(), 1, "and once");
}

TEST(a_store_at_the_bound_is_neither_lost_nor_doubled)
{
	for (u32 nops = 125; nops < 135; nops++) {
		store_behind(nops, REAL_EMULATED);
	}
	for (u32 nops = 257; nops < 262; nops++) {
		store_behind(nops, REAL_EMULATED);
	}
	store_behind(129, 0);
}

static void modify(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_modify);
	r.flags = flags;
	real_run(&r);
	CHECK_COUNT(r.gpr[3], 1,
		    "an instruction sees what the one before has made of it "
		    "(spec 9-7)");
}

TEST(self_modifying_code_is_honoured)
{
	twice(modify);
}

TEST(an_exit_can_be_left_and_completed_later)
{
	struct hypercall_io_hook hook = { IO_HOOK_ASK_BACK, .nth = 1 };
	struct hypercall_middle middle;
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_load);
	r.flags = REAL_BIG | REAL_EMULATED;
	r.segment[REAL_DS] = 0;
	r.gpr[6] = DEVICE_PATTERN_GPA;
	CHECK_DONE(vmcall1(HYPERCALL_IO_HOOK, vmcall_address(&hook)));
	real_run(&r);
	CHECK_DONE(vmcall1(HYPERCALL_MIDDLE, vmcall_address(&middle)));
	CHECK_COUNT(middle.interrupts, 1, "vcpu_run() was asked back");
	CHECK_EQ(middle.rax, pattern(DEVICE_PATTERN_GPA),
		 "and the register was complete by then (spec 9-13)");
	CHECK_COUNT(middle.rip, 4, "with RIP behind the load");
	CHECK_COUNT(r.gpr[3], 1, "then the loop goes on");
}

TEST(code_of_64_bits_runs_in_the_loop)
{
	u64 sum = 0, before;

	vmcall1(HYPERCALL_EMULATE_ALL, 1);
	before = vmcall_counter(COUNTER_EMULATIONS);
	for (volatile unsigned int i = 0; i < 1000; i++) {
		sum += i;
	}
	before = vmcall_counter(COUNTER_EMULATIONS) - before;
	vmcall1(HYPERCALL_EMULATE_ALL, 0);
	CHECK_EQ(sum, 499500, "emulated code computes what it says");
	CHECK_TRUE(before > 4000, "the emulator has done every instruction");
	before = vmcall_counter(COUNTER_EMULATIONS);
	for (volatile unsigned int i = 0; i < 1000; i++) {
		sum += i;
	}
	CHECK_COUNT(vmcall_counter(COUNTER_EMULATIONS) - before, 0,
		    "what can be entered is entered (spec 9-9)");
}

TEST(what_the_emulator_does_not_know_ends_the_vm)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_unknown);
	r.flags = REAL_EMULATED;
	CHECK_STOP(STOP_EMULATION, ~0ull, ~0ull,
		   "an instruction that the emulator does not know ends the VM "
		   "(spec 9-14)");
	real_run(&r);
}
