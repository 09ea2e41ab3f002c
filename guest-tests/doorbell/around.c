/** @file
 * What ends with an instruction, and what may come around it: traps, events,
 * programs, another machine; ports.
 */
#include "guest-tests/doorbell/doorbell.h"

#define ROUNDS 20
#define PORT 0x300
#define FREE_GVA PAGES_FREE_GVA

extern char doorbell_stepped[];

static void store_stepped(void)
{
	asm volatile("pushfq; orl $0x100, (%%rsp); popfq\n\t"
		     "movl %%eax, (%%rbx)\n"
		     "doorbell_stepped:\n\t"
		     "pushfq; andl $~0x100, (%%rsp); popfq"
		     : : "b"(BELL_GPA), "a"(7) : "memory", "cc");
}

TEST(single_step_trap_comes_behind_a_store_that_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	struct trap_steps steps;

	for (u64 i = 0; i < ROUNDS; i++) {
		trap_step(store_stepped, &steps);
		CHECK_EQ(steps.rip[0], (u64)doorbell_stepped,
			 "the first trap comes behind the store, whichever way "
			 "it has rung (spec 3.9)");
		CHECK_COUNT(steps.count, 4, "... once");
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS, "each store rings once");
	CHECK_TRUE(vmcall_counter(COUNTER_QUICK_RINGS) > 0,
		   "some of them without emulation");
}

static void store_user(void)
{
	doorbell_store4(FREE_GVA, 1);
	asm volatile("ud2");
}

TEST(program_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	struct trap trap;

	pages_map(gva(FREE_GVA), gpa(BELL_GPA), PAGES_WRITE | PAGES_USER);
	for (u64 i = 1; i <= ROUNDS; i++) {
		trap_user(store_user, &trap);
		CHECK_COUNT(trap.vector, TRAP_UD,
			    "a program may have a doorbell");
		CHECK_COUNT(doorbell_take(bell), 1, "... and rings it");
		doorbell_store4(BELL_GPA, 1);
		CHECK_COUNT(doorbell_take(bell), 1, "so does its kernel");
	}
	pages_map(gva(FREE_GVA), gpa(BELL_GPA), PAGES_WRITE);
	asm volatile("invlpg (%0)" : : "r"(FREE_GVA) : "memory");
	trap_user(store_user, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF, "a page that was closed is closed");
	CHECK_COUNT(doorbell_take(bell), 0, "... and nothing rings");
}

/** Where an IDT has the gate of #PF. */
#define GATE (TRAP_PF * 16ull)

/**
 * The store that is known faults, at an address with the offset of the doorbell
 * in its page; to deliver the fault the processor reads, at the very doorbell,
 * its gate in the IDT.
 */
TEST(delivery_of_an_event_does_not_ring)
{
	u64 bell = BELL_GPA + GATE;

	doorbell_write_code();
	doorbell_make(bell, 0);
	for (u64 i = 0; i < 5; i++) {
		doorbell_call(doorbell_code, bell, 0);
	}
	CHECK_TRUE(vmcall_counter(COUNTER_QUICK_RINGS) > 0, "it is known");
	trap_load_idt(BELL_GPA);
	CHECK_STOP(STOP_DELIVERY, ~0ull, ~0ull,
		   "what touches a doorbell while an event is delivered is no "
		   "store of the instruction's (spec 1.4)");
	doorbell_call(doorbell_code, FREE_GVA + GATE, 0);
}

TEST(restored_vcpu_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores = 0;

	for (u64 i = 0; i < 3; i++) {
		stores += doorbell_teach(BELL_GPA);
		CHECK_DONE(vmcall0(HYPERCALL_RESTORE));
	}
	doorbell_store4(BELL_GPA, 1);
	CHECK_COUNT(doorbell_take(bell), stores + 1,
		    "a vCPU that was reset and restored rings once a store");
}

TEST(doorbell_moves_with_its_guest)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 port = doorbell_make_port(PORT, 1);
	struct hypercall_io_hook move = { .action = IO_HOOK_MOVE, .nth = 1 };
	u64 stores = doorbell_teach(BELL_GPA);

	CHECK_DONE(vmcall1(HYPERCALL_IO_HOOK, vmcall_address(&move)));
	mmio_read4(DEVICE_COUNTER_GPA);
	stores += doorbell_teach(BELL_GPA);
	asm volatile("outb %%al, %%dx" : : "a"(1), "d"(PORT));
	CHECK_COUNT(doorbell_take(bell), stores,
		    "a doorbell rings on the machine that its guest has moved "
		    "to, and the count goes along");
	CHECK_COUNT(doorbell_take(port), 1, "... that of a port, too");
}

TEST(out_rings)
{
	u64 any = doorbell_make_port(PORT, 0);
	u64 word = doorbell_make_port(PORT + 2, 2);

	for (u64 i = 0; i < ROUNDS; i++) {
		asm volatile("outb %%al, %%dx" : : "a"(1), "d"(PORT));
		asm volatile("outl %%eax, %%dx" : : "a"(1), "d"(PORT));
		asm volatile("outw %%ax, %%dx" : : "a"(1), "d"(PORT + 2));
	}
	CHECK_COUNT(doorbell_take(any), 2 * ROUNDS, "an OUT of any width rings");
	CHECK_COUNT(doorbell_take(word), ROUNDS, "... or of its own");
	CHECK_COUNT(device_clear_exits(), 0, "and does not leave");
	asm volatile("outb %%al, %%dx" : : "a"(5), "d"(PORT + 2));
	CHECK_EQ(device_exit(0).data, 5, "an OUT of another width leaves");
}

TEST(in_does_not_ring)
{
	u64 bell = doorbell_make_port(PORT, 0);
	u8 value = 0;

	for (u64 i = 0; i < ROUNDS; i++) {
		asm volatile("inb %%dx, %%al" : "=a"(value) : "d"(PORT));
	}
	CHECK_COUNT(doorbell_take(bell), 0, "an IN does not ring");
	CHECK_COUNT(device_clear_exits(), ROUNDS, "it leaves");
}

TEST(string_out_rings_for_each_element)
{
	u64 bell = doorbell_make_port(PORT, 1);
	u64 rcx = 5;
	static const u8 bytes[5] = { 1, 2, 3, 4, 5 };
	const u8 *rsi = bytes;

	asm volatile("rep outsb"
		     : "+S"(rsi), "+c"(rcx) : "d"(PORT) : "memory");
	CHECK_COUNT(doorbell_take(bell), 5, "each element of an OUTS rings");
	CHECK_COUNT(device_clear_exits(), 0, "and does not leave");
}

TEST(port_and_address_are_not_the_same)
{
	u64 bell = doorbell_make_port(PORT, 0);
	u64 memory = doorbell_make(BELL_GPA, 0);

	mmio_write4(BELL_GPA, 1);
	asm volatile("outb %%al, %%dx" : : "a"(1), "d"(PORT));
	CHECK_COUNT(doorbell_take(bell), 1, "an OUT rings a port's doorbell");
	CHECK_COUNT(doorbell_take(memory), 1, "a store that of an address");
}
