/** @file
 * Between two pieces: nothing that the VMM does there may show.
 *
 * vcpu_run() has returned in the middle of an instruction.  What is still to
 * be done is remembered by the vCPU and by nobody else: not on a stack, not in
 * the exit record, and not in one VM only.
 */
#include "guest-tests/lab4/lab4.h"

#define PATTERN DEVICE_PATTERN_GPA
#define LAST(page, n) ((page) + PAGE_SIZE - (n))

/** FIFO and pattern side by side: a load of 4 + 4 pops one value. */
static u64 fifo_window(void)
{
	vmcall1(HYPERCALL_DEVICE_RESET, DEVICE_FIFO_GPA);
	device_fill(DEVICE_FIFO_GPA, 0x11111111);
	device_fill(DEVICE_FIFO_GPA, 0x22222222);
	return lab4_window(DEVICE_FIFO_GPA, PATTERN);
}

static void check_popped(u64 value)
{
	CHECK_EQ(value, lab4_pattern(PATTERN, 4) << 32 | 0x11111111,
		 "a load gets the FIFO's first value and the pattern's bytes");
	CHECK_COUNT(vmcall_device(DEVICE_FIFO_GPA, DEVICE_LEFT), 1,
		    "the FIFO was asked exactly once (spec 4.5-15)");
	CHECK_LEAVES(2, "each piece of a load leaves exactly once");
}

static u64 store_window(void)
{
	return lab4_window(NOBODY_FAR, DEVICE_SCRATCH_GPA);
}

static void check_stored(void)
{
	CHECK_LEAVES(2, "each piece of a store leaves exactly once");
	CHECK_LEFT(0, STORE(LAST(NOBODY_FAR, 4), 4, 0x44332211),
		   "the first piece is the first page's");
	CHECK_LEFT(1, STORE(DEVICE_SCRATCH_GPA, 4, 0x88776655),
		   "the second piece has its own address, length and bytes, "
		   "whatever happened after the first");
}

/**
 * The record's length, direction and address are the hypervisor's word to the
 * VMM, and never the other way round.  Bytes behind the answer are none.
 */
TEST(exit_record_is_not_believed)
{
	u64 value, middle = fifo_window();

	lab4_begin();
	lab4_hook(IO_HOOK_SCRIBBLE, 1);
	lab4_hook(IO_HOOK_SCRIBBLE, 2);
	value = mmio_read8(middle - 4);
	check_popped(value);

	middle = lab4_window(PATTERN, lab4_ram_gpa(0));
	*(u64 *)lab4_ram[0] = VALUE;
	lab4_hook(IO_HOOK_SCRIBBLE, 1);
	CHECK_EQ(mmio_read8(middle - 4),
		 (VALUE << 32) | lab4_pattern(LAST(PATTERN, 4), 4),
		 "of an answer only as many bytes count as were asked for "
		 "(spec 4.5-13)");

	middle = store_window();
	lab4_begin();
	lab4_hook(IO_HOOK_SCRIBBLE, 1);
	lab4_hook(IO_HOOK_SCRIBBLE, 2);
	mmio_write8(middle - 4, VALUE);
	check_stored();
}

/** A load of RAX, and where it stands. */
static u64 load_from(u64 address, u64 *at, u64 *after)
{
	u64 value;

	asm volatile("leaq 1f(%%rip), %1\n\tleaq 2f(%%rip), %2\n"
		     "1:\tmovq (%3), %0\n2:"
		     : "=&a"(value), "=&r"(*at), "=&r"(*after)
		     : "b"(address)
		     : "memory");
	return value;
}

/** A store, and where the instruction behind it stands. */
static u64 store_to(u64 address)
{
	u64 after;

	asm volatile("leaq 1f(%%rip), %0\n\tmovq %1, (%2)\n1:"
		     : "=&r"(after)
		     : "a"(VALUE), "b"(address)
		     : "memory");
	return after;
}

/** A load needs its value before it can end; a store has ended already. */
TEST(rip_is_at_a_load_and_behind_a_store)
{
	u64 middle = lab4_window(DEVICE_SCRATCH_GPA, PATTERN), at, after;

	lab4_begin();
	load_from(middle - 4, &at, &after);
	CHECK_EQ(device_exit_state(0).rip, at,
		 "while a load is with the VMM, RIP is at it (spec 4.5-10)");
	CHECK_EQ(device_exit_state(1).rip, at,
		 "RIP is at a load until its last piece (spec 3.9)");
	lab4_begin();
	after = store_to(middle - 4);
	CHECK_EQ(device_exit_state(0).rip, after,
		 "while a store is with the VMM, RIP is behind it (spec "
		 "4.5-10)");
	CHECK_EQ(device_exit_state(1).rip, after,
		 "RIP is behind a store from its first piece on (spec 3.9)");
}

/** All registers are read, and printed, at each piece. */
TEST(looking_at_a_vcpu_changes_nothing)
{
	u64 value, middle = fifo_window();

	lab4_begin();
	lab4_hook(IO_HOOK_DUMP, 1);
	lab4_hook(IO_HOOK_DUMP, 2);
	value = mmio_read8(middle - 4);
	check_popped(value);

	middle = store_window();
	lab4_begin();
	lab4_hook(IO_HOOK_DUMP, 1);
	lab4_hook(IO_HOOK_DUMP, 2);
	mmio_write8(middle - 4, VALUE);
	check_stored();
}

/** One -EINTR, after so many more pieces. @return what came of the hooks */
static struct hypercall_middle check_interrupted(u64 pieces)
{
	struct hypercall_middle m = lab4_middle();

	CHECK_COUNT(m.pieces, pieces,
		    "what is pending is completed first, and the next piece "
		    "comes before -EINTR (spec 4.3, 4.5-11)");
	CHECK_COUNT(m.interrupts, 1, "then vcpu_run() says -EINTR, once (spec "
				     "4.5-11)");
	return m;
}

static void interrupt_load(enum hypercall_io_action how, u32 piece)
{
	u64 at, after, value, middle = fifo_window();
	struct hypercall_middle m;

	lab4_begin();
	lab4_hook(how, piece);
	value = load_from(middle - 4, &at, &after);
	check_popped(value);
	m = check_interrupted(2 - piece);
	CHECK_EQ(m.rip, after, "at -EINTR a load is complete (spec 4.5-12)");
	CHECK_EQ(m.rax, value, "at -EINTR the register of a load holds the "
			       "devices' bytes (spec 4.5-12)");
}

static void interrupt_store(enum hypercall_io_action how, u32 piece)
{
	u64 after, middle = store_window();

	lab4_begin();
	lab4_hook(how, piece);
	after = store_to(middle - 4);
	check_stored();
	CHECK_EQ(check_interrupted(2 - piece).rip, after,
		 "at -EINTR RIP is behind the store");
}

/** The VMM wants its vCPU back, but not in the middle of an instruction. */
TEST(pieces_come_before_immediate_exit)
{
	for (u32 piece = 1; piece <= 2; piece++) {
		interrupt_store(IO_HOOK_ASK_BACK, piece);
		interrupt_load(IO_HOOK_ASK_BACK, piece);
	}
}

/** A signal is the same, but nobody needs to set anything before the call. */
TEST(pieces_come_before_a_signal)
{
	for (u32 piece = 1; piece <= 2; piece++) {
		interrupt_store(IO_HOOK_SIGNAL, piece);
		interrupt_load(IO_HOOK_SIGNAL, piece);
	}
}

/** The vCPU moves to another VM between the pieces, or behind them. */
TEST(load_survives_a_move_to_another_vm)
{
	for (u32 piece = 1; piece <= 2; piece++) {
		u64 value, middle = fifo_window();

		lab4_begin();
		lab4_hook(IO_HOOK_MOVE, piece);
		value = mmio_read8(middle - 4);
		check_popped(value);
		CHECK_COUNT(lab4_middle().moves, 1, "the vCPU has moved");
	}
	CHECK_EQ(mmio_read8(DEVICE_CORE_PATTERN_GPA),
		 lab4_pattern(DEVICE_CORE_PATTERN_GPA, 8),
		 "the devices of the core are there in the new VM");
}

TEST(store_survives_a_move_to_another_vm)
{
	for (u32 piece = 1; piece <= 2; piece++) {
		u64 middle = store_window();

		lab4_begin();
		lab4_hook(IO_HOOK_MOVE, piece);
		mmio_write8(middle - 4, VALUE);
		check_stored();
		CHECK_COUNT(lab4_middle().moves, 1, "the vCPU has moved");
	}
	CHECK_EQ(mmio_read4(DEVICE_SCRATCH_GPA), 0x88776655,
		 "the device has what was stored");
}

/** A read-modify-write with all of it at each of its four pieces. */
TEST(rmw_survives_all_of_it)
{
	for (u32 piece = 1; piece <= 4; piece++) {
		u64 middle = fifo_window();

		lab4_begin();
		lab4_hook(IO_HOOK_SCRIBBLE, piece);
		lab4_hook(IO_HOOK_MOVE, piece);
		lab4_hook(IO_HOOK_ASK_BACK, piece);
		asm volatile("addq %0, (%1)"
			     :
			     : "r"(1ull), "r"(middle - 4)
			     : "memory", "cc");
		CHECK_LEAVES(4, "two pieces to read and two to write");
		CHECK_LEFT(2, STORE(LAST(DEVICE_FIFO_GPA, 4), 4, 0x11111112),
			   "what was read is what is added to, whatever "
			   "happened in between");
		CHECK_LEFT(3, STORE(PATTERN, 4, lab4_pattern(PATTERN, 4)),
			   "the upper bytes are those that were read");
		CHECK_COUNT(vmcall_device(DEVICE_FIFO_GPA, DEVICE_READS), 1,
			    "the FIFO was asked exactly once");
		check_interrupted(4 - piece);
	}
}

/** The other way to move: complete first, then save with nothing pending. */
TEST(drained_vcpu_moves_with_nothing_pending)
{
	u64 value, middle = fifo_window();

	lab4_begin();
	lab4_hook(IO_HOOK_MOVE_DRAINED, 1);
	value = mmio_read8(middle - 4);
	check_popped(value);
	CHECK_EQ(check_interrupted(1).rax, value,
		 "what was drained is in the register");
}

/** Registers that no general instruction shows move as well. */
TEST(whole_vcpu_moves)
{
	u64 sse, dr, msr, middle = store_window();

	asm volatile("movq %0, %%xmm11" : : "r"(VALUE));
	asm volatile("wrmsr"
		     :
		     : "c"(0xc0000082), "a"(0x12345678), "d"(0x00001111));
	asm volatile("movq %0, %%dr2" : : "r"(0x5678ull));
	lab4_begin();
	lab4_hook(IO_HOOK_MOVE, 1);
	lab4_hook(IO_HOOK_MOVE, 2);
	mmio_write8(middle - 4, VALUE);
	check_stored();
	CHECK_COUNT(lab4_middle().moves, 2, "the vCPU has moved twice");
	asm volatile("movq %%xmm11, %0" : "=r"(sse));
	asm volatile("movq %%dr2, %0" : "=r"(dr));
	CHECK_EQ(sse, VALUE, "SSE registers are part of a vCPU");
	CHECK_EQ(dr, 0x5678, "debug registers are part of a vCPU");
	asm volatile("rdmsr\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax"
		     : "=a"(msr)
		     : "c"(0xc0000082)
		     : "rdx");
	CHECK_EQ(msr, 0x0000111112345678, "MSRs are part of a vCPU");
}

/** Ports wait for their values in the same way: from a port to a device. */
TEST(port_read_survives_a_move)
{
	u32 value, before;
	u64 from = DEVICE_PORT_SCRATCH, to;

	asm volatile("outl %0, %1" : : "a"(0x11223344), "Nd"((u16)from));
	for (u32 nth = 1; nth <= 2; nth++) {
		before = (u32)vmcall_device(DEVICE_PORT_SCRATCH, DEVICE_READS);
		lab4_begin();
		lab4_hook(IO_HOOK_MOVE, 1);
		asm volatile("inl %1, %0" : "=a"(value) : "Nd"((u16)from));
		CHECK_EQ(value, 0x11223344, "an IN that waits is part of a "
					    "vCPU (spec 10.9)");
		mmio_write4(NOBODY_NEAR, value);
		CHECK_LEFT(1, STORE(NOBODY_NEAR, 4, 0x11223344),
			   "what was read from a port is stored to a device");
		lab4_hook(IO_HOOK_MOVE, 1);
		to = vmcall_address(lab4_ram[0]);
		asm volatile("insl" : "+D"(to) : "d"(from) : "memory");
		CHECK_EQ(*(u32 *)lab4_ram[0], 0x11223344,
			 "an INS that waits is part of a vCPU (spec 10.9)");
		CHECK_COUNT(vmcall_device(DEVICE_PORT_SCRATCH, DEVICE_READS),
			    before + 2, "each port is read exactly once");
		CHECK_COUNT(lab4_middle().moves, 2, "the vCPU has moved");
	}
}
