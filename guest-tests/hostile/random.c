/** @file
 * Random bytes at CPL 0 and CPL 3.
 *
 * A case is a page of random bytes and random registers, of which some point
 * into memory.  It runs with TF, so each instruction ends in a #DB, where all
 * registers are looked at.  After another exception it goes on with new bytes.
 * All exceptions have a stack of their own (IST 1).  After so many steps the
 * system registers are put back as they were, and the next case begins.
 *
 * At CPL 0 that cannot always help: bytes may spoil tables, stack or program,
 * or hang.  Then the VM ends in one of the ways of expected.txt, and the next
 * share of the cases begins in a fresh one.
 *
 * Left out, as they end a VM by design: HLT, and at CPL 0 code in MMIO; and
 * POPF, behind which nobody counts the steps.
 *
 * Most shares at CPL 0 have nothing mapped but memory, so that an instruction
 * which the emulator does not know is a page fault; the others have MMIO.
 */
#include "guest-tests/hostile/random.h"

#include "guest-tests/hostile/hostile.h"
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/text.h"

#define STEPS 200
#define HLT 0xf4
#define POPF 0x9d
#define NOP 0x90
#define TF BIT(8)
#define FIXED BIT(1)
#define VECTOR_DB 1
#define STACK_POINTER 4
#define REPORT_EACH 1000

u8 random_arena[RANDOM_ARENA] __aligned(4096);
u8 random_code[RANDOM_CODE] __aligned(4096);
static u64 left, steps;
static bool at_cpl3, runs;
static u64 x; /* the random numbers' state */

static bool is_prefix(u8 byte)
{
	static const u8 prefixes[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				       0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	bool is = (byte & 0xf0) == 0x40;

	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		is |= byte == prefixes[i];
	}
	return is;
}

/** Nobody would come back from there with a count. */
static bool is_end(const struct random_machine *machine)
{
	const volatile u8 *at = (const volatile u8 *)machine->rip;
	u8 next;

	for (unsigned int i = 0; i < 15; i++) {
		if ((u64)(at + i) >= GUEST_RAM_SIZE - 2) {
			return true;
		}
		next = at[i];
		if (!is_prefix(next)) {
			return next == HLT || next == POPF;
		}
	}
	return false;
}

static u64 random_register(void)
{
	u64 any = hostile_random(&x);

	switch (any >> 60 & 3) {
	case 0:
		return (u64)random_arena + (any & 0xfff8);
	case 1:
		return any & 0xff;
	case 2:
		return any & 0xff ? any :
				    DEVICE_NOBODY_GPA + (any >> 8 & 0xff8);
	default:
		return (u64)random_arena + RANDOM_ARENA / 2;
	}
}

/** New bytes and registers, and there it goes on. */
static void begin_again(struct random_machine *machine)
{
	u64 any = hostile_random(&x);
	u8 *at = random_code + 2048 + (any >> 32 & 0x78);

	for (unsigned int i = 0; i < 32; i += 8) {
		*(u64 *)(at + i) = hostile_random(&x);
	}
	for (unsigned int i = 0; i < 4; i++) {
		machine->gpr[any >> (8 * i) & 15] = random_register();
	}
	machine->gpr[STACK_POINTER] = (u64)random_arena + RANDOM_ARENA / 2;
	machine->cs = at_cpl3 ? 0x23 : 0x08;
	machine->ss = at_cpl3 ? 0x1b : 0x10;
	machine->rip = (u64)at;
	machine->rflags = TF | FIXED | (any >> 48 & 0xcd5);
	while (is_end(machine)) {
		*(volatile u8 *)machine->rip = NOP;
	}
}

/** Random bytes have spoilt the program, or the processor's state. */
static void fail_outside(const struct random_machine *machine)
{
	struct text text = { .length = 0 };

	text_add(&text, "exception ");
	text_add_decimal(&text, machine->vector);
	text_add(&text, " at ");
	text_add_hex(&text, machine->rip);
	check_text(CHECK_PLACE("between cases there is no exception",
			       FORMAT_TEXT),
		   text.buffer, "none");
}

bool random_step(struct random_machine *machine)
{
	if (!runs) {
		fail_outside(machine);
	}
	steps++;
	hostile_look_at(machine->gpr, 16);
	if (!left) {
		return false;
	}
	left--;
	if (machine->vector != VECTOR_DB || is_end(machine)) {
		begin_again(machine);
	}
	return true;
}

void random_report(u64 more, bool now)
{
	static u64 unsaid;
	struct text text = { .length = 0 };

	unsaid += more;
	if (unsaid < REPORT_EACH && !now) {
		return;
	}
	text_add(&text, "hostile: steps +");
	text_add_decimal(&text, unsaid);
	text_add(&text, "\n");
	text_print(&text);
	unsaid = 0;
}

static void make_case(struct random_machine *machine)
{
	for (unsigned int i = 0; i < 256; i += 8) {
		*(u64 *)(random_code + 2048 + i) = hostile_random(&x);
	}
	for (unsigned int i = 0; i < 16; i++) {
		machine->gpr[i] = random_register();
	}
	begin_again(machine);
}

static void run_case(void)
{
	struct random_machine machine;

	make_case(&machine);
	left = STEPS;
	runs = true;
	random_run(&machine);
	runs = false;
	random_state_put_back(at_cpl3);
}

void random_share(u64 share, bool user)
{
	u64 end = boot_info()->cases * RANDOM_STEPS_EACH / RANDOM_SHARES;

	x = (boot_info()->seed * RANDOM_SHARES + share + 1) *
	    0xbf58476d1ce4e5b9ull;
	at_cpl3 = user;
	hostile_begin();
	random_state_begin(share >= RANDOM_MMIO);
	while (steps < end) {
		u64 before = steps;

		run_case();
		random_report(steps - before, steps >= end);
	}
	hostile_look_at_ram();
	hostile_end();
}
