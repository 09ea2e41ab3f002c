/** @file
 * What happens between a question and its answer makes no difference.
 *
 * Other CPUs write to memory, code is rewritten, the VMM looks at the vCPU:
 * the instruction was begun before and ends as if none of it had been.  Hooks
 * in the VMM do it during the exit, every time in the same moment.
 */
#include "guest-tests/lab3/lab3.h"

#define OLD 0x1111111111111111ull

/** RAM and device are compared; the RAM changes while the device is asked. */
TEST(ram_is_not_read_again)
{
	static volatile u8 cell;
	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 from = vmcall_address(&cell), to = HERE, flags;

	cell = 5;
	device_fill(fifo, 5);
	device_poke_at_exit(1, &cell, 6, 1);
	asm volatile("cmpsb\n\t"
		     "pushfq\n\t"
		     "popq %0"
		     : "=r"(flags), "+S"(from), "+D"(to)
		     :
		     : "memory", "cc");
	CHECK_EQ(cell, 6, "another CPU has written to the RAM meanwhile");
	CHECK_EQ(flags & FLAG_ZF, FLAG_ZF,
		 "RAM that changes while the VMM is asked is not read again: "
		 "the instruction uses its first value (spec 3.10-5)");
	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 1,
		    "the device is asked once");
}

/** MOV (%rbx),%eax; RET; then its register becomes ECX. */
TEST(rewritten_code_does_not_matter)
{
	static u8 code[16] __aligned(16) = { 0x8b, 0x03, 0xc3 };
	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 eax = 1, ecx = 2;

	device_fill(fifo, 0xaaaa);
	device_fill(fifo, 0xbbbb);
	device_poke_at_exit(1, &code[1], 0x0b, 1);
	asm volatile("call *%3"
		     : "+a"(eax), "+c"(ecx)
		     : "b"(HERE), "r"(code)
		     : "memory");
	CHECK_EQ(code[1], 0x0b, "the instruction was rewritten meanwhile");
	CHECK_EQ(eax, 0xaaaa,
		 "an instruction that is rewritten while the VMM is asked "
		 "completes as it was begun (spec 3.10-6)");
	CHECK_EQ(ecx, 2, "a register that the begun instruction does not name "
		 "stays as it is (spec 3.10-6)");
	asm volatile("call *%3"
		     : "+a"(eax), "+c"(ecx)
		     : "b"(HERE), "r"(code)
		     : "memory");
	CHECK_EQ(ecx, 0xbbbb, "the next time the new instruction is executed");
	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 2,
		    "each time the device is asked once");
}

static void check_waiting(const struct hypercall_io_state *state,
			  const char *at)
{
	CHECK_EQ(state->rip, (u64)at,
		 "while a read waits for its answer RIP is at the instruction "
		 "(spec 3.9)");
	CHECK_EQ(state->gpr[RAX], OLD,
		 "while a read waits for its answer its register has the old "
		 "value (spec 3.9)");
}

extern char waiting_load[], waiting_movs[], done_movs[];

/** The VMM reads the registers at each exit; that changes nothing either. */
TEST(registers_wait_for_the_answer)
{
	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 rax = OLD, rsi = HERE, rdi = THERE;
	struct hypercall_io_state state;

	device_fill(fifo, 0xcafe);
	device_fill(fifo, 0xbabe);
	device_clear_exits();
	asm volatile("waiting_load: movq (%1), %0"
		     : "+a"(rax) : "b"(HERE) : "memory");
	CHECK_EQ(rax, 0xcafe, "the load gets the device's value");
	asm volatile("waiting_movs: movsb\n\t"
		     "done_movs:"
		     : "+S"(rsi), "+D"(rdi) : "a"(OLD) : "memory");
	state = device_exit_state(0);
	check_waiting(&state, waiting_load);
	state = device_exit_state(1);
	check_waiting(&state, waiting_movs);
	CHECK_EQ(state.gpr[RSI], HERE,
		 "while MOVS waits for its value RSI has not moved (spec 3.9)");
	CHECK_EQ(state.gpr[RDI], THERE,
		 "while MOVS waits for its value RDI has not moved (spec 3.9)");
	state = device_exit_state(2);
	CHECK_EQ(state.rip, (u64)done_movs,
		 "at a write exit RIP is behind the instruction (spec 3.9)");
	CHECK_EQ(state.gpr[RSI], HERE + 1,
		 "at a write exit RSI has moved on (spec 3.9)");
	CHECK_EQ(state.gpr[RDI], THERE + 1,
		 "at a write exit RDI has moved on (spec 3.9)");
}

/** Two questions, two answers: four events, in the order of the exits. */
TEST(each_read_is_traced_once)
{
	static const struct {
		u64 kind, gpa, value;
	} expected[] = {
		{ 0, HERE, 0 },
		{ 1, HERE, 0x1111 },
		{ 0, THERE, 0 },
		{ 1, THERE, 0x2222 },
	};
	struct hypercall_trace events[8];
	u64 left = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 right = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, THERE, PAGE_SIZE);
	u64 from = HERE, to = THERE;

	device_fill(left, 0x1111);
	device_fill(right, 0x2222);
	vmcall2(HYPERCALL_MMIO_EVENTS, vmcall_address(events), 8);
	asm volatile("cmpsl"
		     : "+S"(from), "+D"(to) : : "memory", "cc");
	CHECK_COUNT(vmcall2(HYPERCALL_MMIO_EVENTS, vmcall_address(events), 8),
		    4, "a read is traced when it is refused, and once more "
		    "with its answer, however many passes it takes (spec "
		    "10.10)");
	for (unsigned int i = 0; i < ARRAY_SIZE(expected); i++) {
		CHECK_COUNT(events[i].kind, expected[i].kind,
			    "each read is traced as refused, then as answered "
			    "(spec 10.10)");
		CHECK_EQ(events[i].a, expected[i].gpa,
			 "each event has its own address (spec 10.10)");
		CHECK_EQ(events[i].b, expected[i].value,
			 "an answer is traced with its value (spec 10.10)");
	}
}
