/** @file
 * The same protected-mode code on the processor and in the emulator.
 *
 * A case is an arena (arena.h) and a sequence (sequence.h), both from its seed.
 * It runs twice from real mode on: as the VM does it, which is on the processor
 * if its guests are unrestricted, and emulated.  All registers end on a stack,
 * so what is compared is the arena: stacks, descriptors, data.  A case that
 * differs is tried again with fewer elements, until it is clear with which.
 *
 * What QEMU gets wrong stands in sequence.c, but for one thing, that is looked
 * over here: the RF that it pushes (SDM 3B 18.3.1.1).
 */
#include "guest-tests/gates/arena.h"
#include "guest-tests/gates/code.h"
#include "guest-tests/gates/sequence.h"
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/real.h"
#include "guest-tests/lib/test.h"
#include "guest-tests/lib/text.h"

/** As many for so many cases that a run asks for: 480 of 10,000. */
#define CASES(all) ((all) / 25 + 80)
#define RF BIT(16)

static u8 native[ARENA_BYTES] __aligned(8);
static u8 emulated[ARENA_BYTES] __aligned(8);
static u64 emulations;

static void choose_start(u64 *random, struct arena_start *start)
{
	for (unsigned int i = 0; i < 8; i++) {
		start->gpr[i] = (u32)(arena_random(random) >> 8);
	}
	start->eflags = ((u32)arena_random(random) & 0x30d5) | 2;
	start->level = 3 * arena_below(random, 2);
}

static void run(u64 seed, unsigned int length, u16 flags, u8 *left)
{
	u64 random = seed * 0x9e3779b97f4a7c15ull | 1;
	struct arena_start start;
	struct hypercall_real r;

	arena_random(&random);
	choose_start(&random, &start);
	real_prepare(&r, code_begin, code_begin_end);
	r.flags = flags;
	arena_make(&random, &start, HYPERCALL_REAL_END);
	sequence_make(&random, start.level, length);
	real_run(&r);
	memcpy(left, arena_at(0), ARENA_BYTES);
	emulations = r.emulations;
}

/** The first place that differs, or ARENA_BYTES. */
static u32 difference(void)
{
	u32 ignored = arena_is_qemu() ? RF : 0;

	for (u32 i = 0; i < ARENA_BYTES; i += 4) {
		u32 a = *(u32 *)(native + i), b = *(u32 *)(emulated + i);

		if ((a ^ b) & ~ignored) {
			return i;
		}
	}
	return ARENA_BYTES;
}

static u32 try(u64 seed, unsigned int length)
{
	run(seed, length, 0, native);
	run(seed, length, REAL_EMULATED, emulated);
	return difference();
}

static void print_place(u32 at)
{
	struct text text = { .length = 0 };

	text_add_hex(&text, at);
	text_add(&text, ": native ");
	text_add_hex(&text, *(u32 *)(native + at));
	text_add(&text, ", emulated ");
	text_add_hex(&text, *(u32 *)(emulated + at));
	text_add(&text, "\n");
	text_print(&text);
}

/** For people, on the console: the sequence, and all that differs. */
static void print_all(void)
{
	for (u32 at = 0; at < ARENA_BYTES; at += 4) {
		bool code = at >= ARENA_SEQUENCE && at < ARENA_SEQUENCE + 0x100;

		if (*(u32 *)(native + at) != *(u32 *)(emulated + at) ||
		    (code && *(u32 *)(native + at))) {
			print_place(at);
		}
	}
}

/** Find the element, and fail. */
static void explain(u64 seed)
{
	struct text text = { .length = 0 };
	unsigned int length = 0;
	u32 at = ARENA_BYTES;

	while (at == ARENA_BYTES && length < SEQUENCE_LENGTH) {
		at = try(seed, ++length);
	}
	print_all();
	text_add_hex(&text, at);
	text_add(&text, " holds ");
	text_add_hex(&text, *(u32 *)(emulated + at));
	text_add(&text, " emulated, natively ");
	text_add_hex(&text, *(u32 *)(native + at));
	text_add(&text, " behind element ");
	text_add_decimal(&text, length);
	text_add(&text, ", seed ");
	text_add_decimal(&text, seed);
	check_text(CHECK_PLACE("protected-mode code does in the emulator what "
			       "it does on the processor (spec 9)",
			       FORMAT_TEXT),
		   text.buffer, "no difference");
}

TEST(gates_do_what_the_processor_does)
{
	u64 seed = boot_info()->seed, end = seed + CASES(boot_info()->cases);

	for (; seed < end; seed++) {
		if (try(seed, SEQUENCE_LENGTH) != ARENA_BYTES) {
			explain(seed);
		}
	}
	CHECK_TRUE(emulations > 0, "one of the two was emulated");
}
