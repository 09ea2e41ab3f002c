/** @file
 * Memory comes and goes where the cache remembers a device.
 *
 * "This frame has no slot" holds exactly as long as the slots are the same
 * ones, and their generation tells.  Nobody clears anything: an old generation
 * does not match, and the emulator, which asks without having faulted, is the
 * first to fall for a mistake.
 */
#include "guest-tests/lab2/lab2.h"

#define MEMORY 0x7788990011223344ull
#define SKIP (1ull << 19)

static u64 generation(void)
{
	return (u64)vmcall0(HYPERCALL_GENERATION);
}

static void map_x(u64 physical)
{
	space_make(0);
	space_map(0, gva(GVA_X), gpa(physical), PAGES_WRITE);
	space_load(0);
}

static void hold_add(u32 step)
{
	const struct hypercall_slot add = {
		.kind = SLOT_ADD,
		.slot = 2,
		.gpa = SLOTS_GPA,
		.pages = 1,
		.hold = step,
	};

	slots_hold(&add);
}

/** A device's page becomes memory: neither half may answer any more. */
TEST(slot_added_over_known_frame_never_hits)
{
	struct hypercall_cache_counts t;

	map_x(PAGE_A);
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	slots_poke(1, 0, MEMORY);
	slots_add(1, gpa(PAGE_A), 1, 0);
	cache_start(&t);
	CHECK_EQ(cache_emulated_read4(GVA_X), (u32)MEMORY,
		 "after a slot is added, an emulated load returns its memory "
		 "(spec 2.4-13)");
	CHECK_EQ(mmio_read8(GVA_X), MEMORY,
		 "after a slot is added, a load returns its memory (spec "
		 "2.4-13)");
	cache_emulated_write4(GVA_X, 5);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits + t.gva_hits + t.gpa_hits, 0,
		    "after a slot is added there are no hits in it (spec "
		    "2.4-13)");
	CHECK_EQ(slots_peek(1, 0), (MEMORY & ~0xffffffffull) | 5,
		 "after a slot is added, an emulated store reaches its memory "
		 "(spec 2.4-13)");
}

/** Memory goes, and what is a device then is remembered like any other. */
TEST(slot_deleted_is_mmio_and_hits_again)
{
	struct hypercall_cache_counts t;

	map_x(PAGE_A);
	mmio_read4(GVA_X);
	slots_poke(1, 0, MEMORY);
	slots_add(1, gpa(PAGE_A), 1, 0);
	CHECK_EQ(mmio_read8(GVA_X), MEMORY, "a slot's memory can be read");
	slots_delete(1);
	cache_start(&t);
	CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_A),
		 "after a slot is deleted, an emulated load is the device's "
		 "(spec 1.5-3)");
	cache_stop(&t);
	CHECK_COUNT(t.gva_hits + t.gpa_hits, 0,
		    "what was known before two changes of the slots is not "
		    "believed after them (spec 2.1)");
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A),
		 "after a slot is deleted, a load is the device's (spec "
		 "1.5-3)");
	cache_start(&t);
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 2, "where a slot was, later accesses hit");
}

/** A slot far away: the entry is not cleared, and does not match. */
TEST(unrelated_change_costs_one_miss)
{
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_A);
	mmio_read4(PAGE_A);
	CHECK_DONE(vmcall1(HYPERCALL_SLOT_BUMP, 1));
	cache_start(&t);
	for (unsigned int i = 0; i < 10; i++) {
		CHECK_EQ(mmio_read4(PAGE_A + 4 * i), lab2_pattern(PAGE_A + 4 * i),
			 "a load, whatever the slots do");
	}
	cache_stop(&t);
	CHECK_COUNT(t.fault_misses, 1,
		    "a change of the slots costs one miss (spec 1.5-4)");
	CHECK_COUNT(t.fault_hits, 9,
		    "after one miss the page is known again (spec 1.5-4)");
	CHECK_COUNT(t.clears[CACHE_SLOTS], 0,
		    "a change of the slots forgets no address: the generation "
		    "has taken care of it (lab 2.6)");
	CHECK_EQ(cache_look().generation, generation(),
		 "a fill carries the slots' generation (spec 2.1)");
}

/** Inside a swap nothing matches, although nothing has been forgotten. */
TEST(nothing_matches_inside_a_swap)
{
	struct hypercall_cache_counts t;

	map_x(PAGE_B);
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	hold_add(SLOT_STEP_OPEN);
	cache_start(&t);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B),
			 "a load inside a swap is emulated as ever");
		CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_B),
			 "an emulated load inside a swap works as ever");
	}
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits + t.gva_hits + t.gpa_hits, 0,
		    "while the slots change nothing is known for certain (spec "
		    "1.3)");
	slots_finish();
	mmio_read4(GVA_X);
	cache_start(&t);
	mmio_read4(GVA_X);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 1, "after the swap the page is known again");
}

/** What a swap finds out is of neither generation: it must not be stored. */
TEST(fill_inside_a_swap_changes_nothing)
{
	struct hypercall_cache before, after;
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_A);
	before = cache_look();
	hold_add(SLOT_STEP_OPEN);
	cache_start(&t);
	CHECK_EQ(mmio_read4(PAGE_B), lab2_pattern(PAGE_B),
		 "a load inside a swap");
	cache_stop(&t);
	after = cache_look();
	CHECK_COUNT(t.fills_in_progress, 1,
		    "inside a swap a fill is tried (spec 2.4-14)");
	CHECK_TRUE(after.gfn == before.gfn && after.gva == before.gva &&
			   after.generation == before.generation,
		   "a fill inside a swap leaves the entry as it was (spec "
		   "2.4-14)");
	slots_finish();
	cache_start(&t);
	CHECK_EQ(mmio_read4(PAGE_B), lab2_pattern(PAGE_B), "a load");
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 0,
		    "what a swap has found out is not believed after it (spec "
		    "1.5-6)");
}

/** Step by step, with an access wherever one can be: device or memory. */
TEST(each_step_of_a_change_gives_device_or_memory)
{
	static const u32 steps[] = { SLOT_STEP_OPEN, SLOT_STEP_WAIT };
	struct hypercall_slot change = { .slot = 1, .gpa = PAGE_A, .pages = 1 };

	map_x(PAGE_A);
	slots_poke(1, 0, MEMORY);
	for (unsigned int i = 0; i < 20; i++) {
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A),
			 "without a slot a load is the device's");
		change.kind = SLOT_ADD;
		change.hold = steps[i % 2];
		slots_hold(&change);
		CHECK_EQ(mmio_read4(GVA_X), (u32)MEMORY,
			 "a slot that has been published is memory (spec "
			 "1.5-11)");
		CHECK_EQ(cache_emulated_read4(GVA_X), (u32)MEMORY,
			 "a slot that has been published is memory also for "
			 "the emulator (spec 1.5-11)");
		slots_finish();
		CHECK_EQ(mmio_read4(GVA_X), (u32)MEMORY, "a slot is memory");
		change.kind = SLOT_DELETE;
		slots_hold(&change);
		CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_A),
			 "a slot that has been taken out is no memory for the "
			 "emulator (spec 1.5-11)");
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A),
			 "a slot that has been taken out is no memory (spec "
			 "1.5-11)");
		slots_finish();
	}
}

/** An MMIO entry has 19 bits of the generation, the cache has all. */
TEST(all_bits_of_the_generation_count)
{
	struct hypercall_cache_counts t;

	map_x(PAGE_A);
	for (unsigned int i = 0; i < 3; i++) {
		mmio_read4(GVA_X);
		mmio_read4(GVA_X);
		slots_poke(1, 0, MEMORY);
		slots_add(1, gpa(PAGE_A), 1, 0);
		CHECK_DONE(vmcall1(HYPERCALL_GENERATION_SKIP, SKIP - 1));
		cache_start(&t);
		CHECK_EQ(cache_emulated_read4(GVA_X), (u32)MEMORY,
			 "2^19 changes later what was known is not believed "
			 "(spec 1.5-7)");
		CHECK_EQ(mmio_read4(GVA_X), (u32)MEMORY,
			 "2^19 changes later a new slot is memory (spec "
			 "1.5-7)");
		cache_stop(&t);
		CHECK_COUNT(t.fault_hits + t.gva_hits + t.gpa_hits, 0,
			    "all 64 bits of the generation must be equal (spec "
			    "2.1)");
		slots_delete(1);
	}
}
