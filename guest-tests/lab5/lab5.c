/** @file
 * Devices by number, and the guest's half of the rounds.
 */
#include "guest-tests/lab5/lab5.h"

#include "guest-tests/lib/boot.h"

/** A section ends by its OUT long before. */
#define EMULATE_MANY 100000000ull

/** How often vCPU 1 tells the watchdog that it gets on: emulated on Bochs, a
 * round is long. */
#define ROUNDS_A_CALL 8

/** In one go; then it is time to look at the clock, and for twice as many. */
#define ROUNDS_FIRST 3

/**
 * Of the time stamp counter.  Two CPUs that wait for each other need a
 * microsecond a round where both can run, and milliseconds where they cannot.
 */
#define TICKS_ENOUGH 20000000ull

/** The word cases= of the hypervisor; any other number says that there is all
 * the time in the world. */
#define CASES_DEFAULT 10000

static struct hypercall_bus_meeting meeting;

static u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

struct hypercall_bus lab5_device(u32 number, u64 base, u64 length)
{
	return (struct hypercall_bus){
		.number = number, .base = base, .length = length, .widths = 15 };
}

s64 lab5_call(struct hypercall_bus *b, enum hypercall_bus_action action)
{
	b->action = action;
	return vmcall1(HYPERCALL_BUS, vmcall_address(b));
}

void lab5_add(u32 number, u64 base, u64 length)
{
	struct hypercall_bus b = lab5_device(number, base, length);

	check_equal(CHECK_PLACE("a device with a range of its own can be "
				"registered (spec 10.7)", FORMAT_DECIMAL),
		    (u64)lab5_call(&b, BUS_ADD), 0);
}

void lab5_remove(u32 number)
{
	struct hypercall_bus b = { .number = number };

	check_equal(CHECK_PLACE("a device that is on the bus can be "
				"unregistered (spec 6.3)", FORMAT_DECIMAL),
		    (u64)lab5_call(&b, BUS_REMOVE), 0);
}

struct hypercall_bus lab5_look(u32 number)
{
	struct hypercall_bus b = { .number = number };

	CHECK_DONE(lab5_call(&b, BUS_LOOK));
	return b;
}

u64 lab5_pages(void)
{
	return lab5_look(0).pages;
}

u64 lab5_value(u32 number, u64 bytes)
{
	return hypercall_stream(number) & (~0ull >> (64 - 8 * bytes));
}

u64 lab5_exits(void)
{
	return vmcall_counter(COUNTER_MMIO_EXITS) +
	       vmcall_counter(COUNTER_IO_EXITS);
}

/* Rounds ------------------------------------------------------------------- */

/** Wait for the flag; the instruction behind the loop is the access. */
static void see_and_store(u64 round, u64 gpa)
{
	asm volatile("1:	incq %0\n\t"
		     "cmpq %2, %1\n\t"
		     "jne 1b\n\t"
		     "movl %%eax, (%3)"
		     : "+m"(meeting.turns)
		     : "m"(meeting.flag), "r"(round), "b"(gpa), "a"(round)
		     : "memory", "cc");
}

static void see_and_out(u64 round, u64 port)
{
	asm volatile("1:	incq %0\n\t"
		     "cmpq %2, %1\n\t"
		     "jne 1b\n\t"
		     "outl %%eax, %%dx"
		     : "+m"(meeting.turns)
		     : "m"(meeting.flag), "r"(round), "d"(port), "a"(round)
		     : "memory", "cc");
}

/** The same by the emulator, in one read section, which the OUT ends. */
static void emulated_see_and_store(u64 round, u64 gpa)
{
	u64 leaf = 0;

	CHECK_DONE(vmcall1(HYPERCALL_EMULATE, EMULATE_MANY));
	asm volatile("cpuid\n\t"
		     "1:	incq %1\n\t"
		     "cmpq %3, %2\n\t"
		     "jne 1b\n\t"
		     "movl %%edi, (%%rsi)\n\t"
		     "outb %%al, $0x80"
		     : "+a"(leaf), "+m"(meeting.turns)
		     : "m"(meeting.flag), "r"(round), "S"(gpa), "D"(round)
		     : "rbx", "rcx", "rdx", "memory", "cc");
}

/** Outside of any section: who unregisters the device waits for those. */
static void end_round(u64 round)
{
	__atomic_store_n(&meeting.done, round, __ATOMIC_RELEASE);
	while (__atomic_load_n(&meeting.gone, __ATOMIC_ACQUIRE) != round) {
		asm volatile("pause");
	}
}

static u64 play_second(void *argument)
{
	const struct lab5_rounds *rounds = argument;

	if (rounds->by == BY_LOOP) {
		CHECK_DONE(vmcall1(HYPERCALL_EMULATE_ALL, 1));
	}
	for (u64 round = 1; round <= rounds->device.rounds; round++) {
		if (rounds->by == BY_EMULATOR) {
			emulated_see_and_store(round, rounds->device.base);
		} else if (rounds->device.bus == BUS_OF_PORTS) {
			see_and_out(round, rounds->device.base);
		} else {
			see_and_store(round, rounds->device.base);
		}
		end_round(round);
		if (round % ROUNDS_A_CALL == 0) {
			vmcall0(HYPERCALL_GENERATION);
		}
	}
	return 0;
}

/** @return in how many rounds nobody, or somebody else, has answered */
static u64 play_some(const struct lab5_rounds *rounds)
{
	struct hypercall_bus b = rounds->device;

	meeting = (struct hypercall_bus_meeting){ 0 };
	b.meeting = vmcall_address(&meeting);
	second_start(play_second, (void *)rounds);
	check_equal(CHECK_PLACE("a device can be registered and unregistered "
				"round after round (spec 6.3)", FORMAT_DECIMAL),
		    (u64)lab5_call(&b, BUS_ROUNDS), 0);
	CHECK_COUNT(second_wait(), 0, "the second vCPU plays all rounds");
	return b.rounds - b.accesses;
}

u64 lab5_play(const struct lab5_rounds *rounds)
{
	struct lab5_rounds some = *rounds;
	u64 left = rounds->device.rounds, end = rdtsc() + TICKS_ENOUGH;
	bool hurry = boot_info()->cases == CASES_DEFAULT;
	u64 missed = 0, go = ROUNDS_FIRST;

	while (left && !(hurry && (missed || rdtsc() > end))) {
		some.device.rounds = left < go ? left : go;
		missed += play_some(&some);
		left -= some.device.rounds;
		go *= 2;
	}
	return rounds->device.rounds - missed;
}

/* Parking ------------------------------------------------------------------ */

void lab5_turns(const struct meeting *of, u64 turns)
{
	u64 now = __atomic_load_n(&of->turns, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&of->turns, __ATOMIC_SEQ_CST) < now + turns) {
		asm volatile("pause");
	}
}

static u64 touch(void *argument)
{
	return mmio_read4((u64)argument);
}

void lab5_park(u32 number, u64 base, enum hypercall_bus_behaviour behaviour)
{
	struct hypercall_bus b = lab5_device(number, base, 8);

	b.behaviour = behaviour;
	CHECK_DONE(lab5_call(&b, BUS_ADD));
	second_start(touch, (void *)base);
	do {
		CHECK_DONE(lab5_call(&b, BUS_PARKED));
	} while (!b.parked);
}

void lab5_release(void)
{
	struct hypercall_bus b = { 0 };

	CHECK_DONE(lab5_call(&b, BUS_RELEASE));
	second_wait();
}
