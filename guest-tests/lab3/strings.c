/** @file
 * Repeated string instructions: many small instructions in a row.
 *
 * Each element is read by passes of its own and then forgotten; in between the
 * registers say how far it got, and an exception or an interrupt may come.
 */
#include "guest-tests/lab3/lab3.h"

#define COUNT 4096
/** Between the parts the watchdog hears of the test. */
#define PART 1024

static u8 buffer[COUNT + 1] __aligned(PAGE_SIZE);

/** RSI, RDI, RCX of a string instruction. */
struct string {
	u64 from, to, count;
};

static void rep_movsb(struct string *s)
{
	asm volatile("rep movsb"
		     : "+S"(s->from), "+D"(s->to), "+c"(s->count)
		     : : "memory");
}

/** The first byte that is not the stream's, or COUNT. */
static u64 first_wrong(u64 count)
{
	u64 i = 0;

	while (i < count && buffer[i] == (u8)hypercall_stream(i)) {
		i++;
	}
	return i;
}

TEST(rep_movs_pops_once_a_byte)
{
	u64 stream = device_make(DEVICE_STREAM, DEVICE_OUTSIDE, HERE,
				 PAGE_SIZE);
	struct string s = { HERE, (u64)buffer, 0 };

	buffer[COUNT] = 0xcc;
	for (u64 done = PART; done <= COUNT; done += PART) {
		s.count = PART;
		rep_movsb(&s);
		CHECK_COUNT(vmcall_device(stream, DEVICE_READS), done,
			    "REP MOVSB from a FIFO pops exactly once a byte "
			    "(spec 3.10-2)");
	}
	CHECK_COUNT(first_wrong(COUNT), COUNT,
		    "REP MOVSB keeps the order of the bytes (spec 3.10-2)");
	CHECK_EQ(buffer[COUNT], 0xcc, "REP MOVSB writes no byte too many");
	CHECK_COUNT(s.count, 0, "REP MOVSB ends with RCX = 0 (spec 3.10-2)");
	CHECK_EQ(s.from, HERE + COUNT, "RSI is behind the last byte");
	CHECK_EQ(s.to, (u64)buffer + COUNT, "RDI is behind the last byte");
	s.from = HERE;
	rep_movsb(&s);
	CHECK_COUNT(vmcall_device(stream, DEVICE_READS), COUNT,
		    "REP with a count of 0 asks no device (spec 3.10-22)");
}

/** While nobody outside is needed the emulator goes on by itself. */
TEST(rep_goes_on_in_the_emulator)
{
	u64 core = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, THERE, PAGE_SIZE);
	struct string s = { HERE, (u64)buffer, 64 };
	u64 to = THERE, count = 3000, before;

	device_make(DEVICE_STREAM, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	before = vmcall_counter(COUNTER_EMULATIONS);
	rep_movsb(&s);
	CHECK_COUNT(vmcall_counter(COUNTER_EMULATIONS) - before, 1,
		    "after a read that was answered the remaining iterations "
		    "follow without a new exit of the processor (spec 3.7)");
	before = vmcall_counter(COUNTER_EMULATIONS);
	asm volatile("rep stosb"
		     : "+D"(to), "+c"(count) : "a"(0x3c) : "memory");
	CHECK_COUNT(vmcall_device(core, DEVICE_WRITES), 3000,
		    "REP STOSB writes each byte once");
	CHECK_COUNT(vmcall_counter(COUNTER_EMULATIONS) - before, 3,
		    "interrupts get their turn whenever 1024 divides the count "
		    "that is left (spec 3.7)");
}

TEST(rep_movs_goes_down_with_df)
{
	static u32 words[3];
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, 64);
	static const u32 bytes[] = { 0x0a0a0a0a, 0x0b0b0b0b, 0x0c0c0c0c };
	u64 from = HERE + 8, to = (u64)&words[2], count = 3;

	device_put(mirror, bytes, sizeof(bytes));
	asm volatile("std\n\t"
		     "rep movsl\n\t"
		     "cld"
		     : "+S"(from), "+D"(to), "+c"(count) : : "memory", "cc");
	for (u64 i = 0; i < 3; i++) {
		CHECK_COUNT(device_log(mirror, i).offset, 8 - 4 * i,
			    "with DF set REP MOVS asks a device from the "
			    "highest address down (spec 3.10-23)");
		CHECK_EQ(words[i], bytes[i],
			 "with DF set each element comes to its place");
	}
	CHECK_COUNT(device_accesses(mirror), 3, "each element is read once");
}

extern char rep_stos[];

/** What the VMM sees at each exit, and that RF is gone at the end. */
TEST(rep_stos_is_seen_element_by_element)
{
	u64 to = HERE, count = 3, eax = 0x01020304;

	device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	device_clear_exits();
	asm volatile("rep_stos: rep stosl\n\t"
		     "movl %2, (%3)"
		     : "+D"(to), "+c"(count)
		     : "a"((u32)eax), "b"(HERE) : "memory");
	for (u64 i = 0; i < 3; i++) {
		struct hypercall_io_state state = device_exit_state(i);

		CHECK_EQ(device_exit(i).address, HERE + 4 * i,
			 "REP STOSD is one exit an element (spec 3.10-20)");
		CHECK_EQ(state.rip, (u64)rep_stos,
			 "RIP stays at REP STOSD, also at its last exit (spec "
			 "3.10-20)");
		CHECK_COUNT(state.gpr[RCX], 2 - i,
			    "each element has counted RCX down when it leaves "
			    "(spec 3.10-20)");
		CHECK_EQ(state.rflags & FLAG_RF, FLAG_RF,
			 "RF is set while a string instruction goes on (spec "
			 "3.10-20)");
	}
	CHECK_EQ(device_exit_state(3).rflags & FLAG_RF, 0,
		 "RF is clear at the next instruction (spec 3.10-20)");
	CHECK_EXITS(device_clear_exits(), 4, "no element is written twice");
}

/** The fourth byte of the device is another than that of the RAM. */
static void check_repe(enum device_side side, u64 at)
{
	static const u8 ram[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u64 fifo = device_make(DEVICE_FIFO, side, at, PAGE_SIZE);
	u64 from = (u64)ram, to = at, count = sizeof(ram), flags;

	for (u64 i = 0; i < sizeof(ram); i++) {
		device_fill(fifo, i == 3 ? 0x40 : ram[i]);
	}
	asm volatile("repe cmpsb\n\t"
		     "pushfq\n\t"
		     "popq %3"
		     : "+S"(from), "+D"(to), "+c"(count), "=r"(flags)
		     : : "memory", "cc");
	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 4,
		    "REPE CMPSB reads up to the first difference and no "
		    "further (spec 3.7)");
	CHECK_COUNT(count, 4, "RCX counts the difference too");
	CHECK_EQ(flags & (FLAG_ZF | FLAG_CF), FLAG_CF,
		 "the flags are those of the last comparison");
	CHECK_EQ(to, at + 4, "RDI is behind the difference");
}

/** The comparison ends the run: RIP moves on, and the rest is not touched. */
TEST(repe_cmps_ends_behind_the_difference)
{
	check_repe(DEVICE_OUTSIDE, HERE);
	check_repe(DEVICE_IN_CORE, THERE);
}

#define EDGE (PAGES_FREE_GVA + PAGE_SIZE)

static void over_the_edge(void)
{
	struct string s = { HERE, EDGE - 5, 20 };

	rep_movsb(&s);
}

/** Five bytes fit, the sixth is read and cannot be put anywhere. */
TEST(fault_in_the_middle_keeps_what_was_done)
{
	u64 stream = device_make(DEVICE_STREAM, DEVICE_OUTSIDE, HERE,
				 PAGE_SIZE);
	struct trap trap;

	pages_map(gva(PAGES_FREE_GVA), gpa((u64)buffer), PAGES_WRITE);
	trap_catch(over_the_edge, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF,
		    "a store behind the last page is #PF");
	CHECK_EQ(trap.cr2, EDGE, "CR2 says where");
	CHECK_COUNT(trap.rcx, 15,
		    "a fault in the middle of REP MOVS finds RCX as it was "
		    "before the element that faults (spec 3.7)");
	CHECK_EQ(trap.rdi, EDGE, "... and RDI");
	CHECK_EQ(trap.rsi, HERE + 5, "... and RSI");
	for (u64 i = 0; i < 5; i++) {
		CHECK_EQ(buffer[PAGE_SIZE - 5 + i], (u8)hypercall_stream(i),
			 "the elements before it have been moved");
	}
	CHECK_COUNT(vmcall_device(stream, DEVICE_READS), 6,
		    "the element that faults was read once (spec 3.5)");
}
