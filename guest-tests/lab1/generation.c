/** @file
 * Generations: when is a remembered "no memory here" still true?
 *
 * Each change of the slots moves their generation on.  An MMIO entry carries
 * the generation that it was made with, cut to 19 bits, and counts only while
 * the two agree.  Inside a change nothing may be remembered (spec 1.3).
 */
#include "guest-tests/lab1/lab1.h"

#define PAGE DEVICE_PATTERN_GPA
#define GENERATION_MASK BITS(18, 0)
#define IN_PROGRESS BIT(63)
/** Ignored by the processor and by the format: survives only if nobody
 * writes the entry anew. */
#define MARK BIT(63)

static u64 generation(void)
{
	return (u64)vmcall0(HYPERCALL_GENERATION);
}

/** What the pattern device gives at PAGE + offset. */
static u32 pattern4(u64 offset)
{
	u32 value = 0;

	for (int i = 3; i >= 0; i--) {
		value = value << 8 | hypercall_pattern(PAGE + offset + i);
	}
	return value;
}

static void load(u64 offset)
{
	CHECK_EQ(mmio_read4(PAGE + offset), pattern4(offset),
		 "a load gives the device's value, whatever the slots do");
}

static void poke(u64 and, u64 or)
{
	struct hypercall_poke p = {
		.gpa = PAGE, .and = and, .or = or, .level = 1
	};

	CHECK_DONE(vmcall1(HYPERCALL_EPT_POKE, vmcall_address(&p)));
}

/** Hold the addition of a slot elsewhere, with bit 63 set. */
static void open_swap(void)
{
	const struct hypercall_slot add = {
		.kind = SLOT_ADD,
		.slot = 2,
		.gpa = SLOTS_GPA,
		.pages = 1,
		.hold = SLOT_STEP_OPEN,
	};

	slots_hold(&add);
	CHECK_TRUE(generation() & IN_PROGRESS,
		   "inside a swap bit 63 of the generation is set (spec 1.3)");
}

/** An entry that is marked stays marked: valid ones are left alone. */
static void check_recognised(void)
{
	load(4);
	poke(~0ull, MARK);
	load(8);
	CHECK_TRUE(slots_entry(gpa(PAGE)).entry & MARK,
		   "an MMIO entry of the present generation is recognised, not "
		   "written anew (spec 1.4)");
}

/**
 * A slot comes at the other end of memory.  Nothing has changed for the
 * device, but nobody knows that without looking: one look, not none and not
 * many.
 */
TEST(unrelated_change_costs_one_slow_path)
{
	struct tally t;

	load(0);
	check_recognised();
	CHECK_DONE(vmcall1(HYPERCALL_SLOT_BUMP, 1));

	tally_start(&t);
	load(12);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "a stale MMIO entry costs one exit, like a valid one (spec "
		    "1.5-4)");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 0,
		    "a stale MMIO entry is rewritten, not removed (spec 1.3)");
	CHECK_FALSE(slots_entry(gpa(PAGE)).entry & MARK,
		    "a stale MMIO entry takes the slow path and is written "
		    "anew (spec 1.5-4)");
	CHECK_EQ(slots_entry(gpa(PAGE)).generation,
		 generation() & GENERATION_MASK,
		 "a rewritten MMIO entry has the present generation (spec "
		 "1.3)");

	poke(~0ull, MARK);
	tally_start(&t);
	load(16);
	load(20);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 2,
		    "after the slow path accesses are plain misconfigurations "
		    "again (spec 1.5-4)");
	CHECK_TRUE(slots_entry(gpa(PAGE)).entry & MARK,
		   "a change of the slots costs the slow path exactly once "
		   "(spec 1.5-4)");
}

/**
 * Between "the new slots are visible" and "everybody has seen them" nothing
 * that is concluded may be written down.  The access itself works as ever.
 */
TEST(access_inside_swap_leaves_no_entry)
{
	struct tally t;

	open_swap();
	for (int i = 0; i < 2; i++) {
		tally_start(&t);
		load(0);
		tally_stop(&t);
		CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
			    "inside a swap each access is emulated from an EPT "
			    "violation (spec 1.5-5)");
		CHECK_EQ(slots_entry(gpa(PAGE)).entry, 0,
			 "an access inside a swap leaves no MMIO entry (spec "
			 "1.5-5)");
	}
	slots_finish();

	tally_start(&t);
	load(4);
	load(8);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "after the swap the first access makes the MMIO entry "
		    "(spec 1.5-5)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "after the swap the second access finds the MMIO entry "
		    "(spec 1.5-5)");
}

/**
 * The worst that could be written down inside a swap is an entry with the
 * number that comes after: it would carry yesterday's knowledge under today's
 * date.
 */
TEST(entry_made_inside_swap_never_matches)
{
	struct hypercall_ept entry;
	struct tally t;

	load(0);
	open_swap();
	load(4);
	entry = slots_entry(gpa(PAGE));
	slots_finish();
	CHECK_FALSE(generation() & IN_PROGRESS,
		    "after a swap bit 63 of the generation is clear");
	CHECK_FALSE(entry.is_mmio &&
			    entry.generation == (generation() &
						 GENERATION_MASK),
		    "an entry which an access inside a swap leaves does not "
		    "carry the generation that comes after (spec 1.5-6)");
	if (entry.is_mmio) {
		poke(~0ull, MARK);
	}
	tally_start(&t);
	load(8);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS] + t.count[COUNTER_MISCONFIGS],
		    1, "an access after a swap costs one exit");
	CHECK_FALSE(slots_entry(gpa(PAGE)).entry & MARK,
		    "what was known before or inside a swap is not believed "
		    "after it (spec 1.5-6)");
	CHECK_EQ(slots_entry(gpa(PAGE)).generation,
		 generation() & GENERATION_MASK,
		 "after a swap the MMIO entry is made with the new generation "
		 "(spec 1.3)");
}

/** Go 2^19 changes on and see that the entry of before is not believed. */
static void wrap_around(void)
{
	struct tally t;
	struct hypercall_ept entry;

	load(0);
	CHECK_DONE(vmcall1(HYPERCALL_GENERATION_SKIP, GENERATION_MASK + 1));
	tally_start(&t);
	load(4);
	load(8);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "2^19 changes later an MMIO entry is gone: its 19 bits "
		    "would match again (spec 1.5-7)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "a generation of more than 19 bits matches the entry made "
		    "with it (spec 1.3)");
	poke(~0ull, MARK);
	load(12);
	entry = slots_entry(gpa(PAGE));
	CHECK_TRUE(entry.entry & MARK,
		   "beyond generation 2^19 a fresh MMIO entry is recognised by "
		   "its 19 bits, not written anew (spec 1.3)");
	CHECK_EQ(entry.generation, generation() & GENERATION_MASK,
		 "an MMIO entry has the lower 19 bits of the generation (spec "
		 "1.2)");
	CHECK_EQ(entry.gpa, PAGE,
		 "a generation of more than 19 bits does not spill into the "
		 "frame of an MMIO entry (spec 1.2)");
}

/**
 * Nineteen bits come round after half a million changes.  Then an entry of
 * long ago would match again; all of them are removed at that moment.  Twice,
 * since beyond the first round the generation has more bits than an entry.
 */
TEST(generation_is_truncated_to_19_bits)
{
	wrap_around();
	wrap_around();
}
