/** @file
 * Hits: what the cache is for, and for which access it may be used.
 *
 * That it hits is seen in the counters, and in the work that is not done.  That
 * it hits for the wrong access is seen by a program at CPL 3 that gets to a
 * device, or by a store that goes through a mapping which forbids it.
 */
#include "guest-tests/lab2/lab2.h"

#define TIMES 200

/**
 * One access finds the page out; all others are hits, at whatever offset and
 * whether they load or store.
 */
TEST(repeated_access_hits_the_cache)
{
	struct hypercall_cache_counts t;
	struct tally work;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(DEVICE_SCRATCH_GPA), PAGES_WRITE);
	space_load(0);
	CHECK_EQ(mmio_read4(GVA_X + 0x234), 0, "a load asks the device");
	cache_start(&t);
	tally_start(&work);
	for (u32 i = 0; i < TIMES; i++) {
		mmio_write4(GVA_X + 8 * i, i);
		CHECK_COUNT(mmio_read4(GVA_X + 8 * i), i,
			    "what is stored to a device is loaded from it, at "
			    "the same offset (lab 2.4, 2.5)");
	}
	tally_stop(&work);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 2 * TIMES,
		    "each further access to the same page is a hit (spec 2.1)");
	CHECK_COUNT(t.fault_misses, 0,
		    "an access to the page of last time is no miss (spec 2.1)");
	CHECK_COUNT(t.fills, 0, "a hit finds nothing out anew (spec 2.1)");
	CHECK_COUNT(work.count[COUNTER_SLOW_PATHS], 0,
		    "a hit asks neither tables nor slots (spec 1.4)");
	CHECK_COUNT(work.count[COUNTER_MMIO_EXITS], 2 * TIMES,
		    "each access leaves to the VMM once");
}

/** There is one entry.  Who comes last has it. */
TEST(the_last_page_is_remembered)
{
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_A);
	CHECK_EQ(cache_look().gfn, PAGE_A >> 12,
		 "the frame of an access to a device is remembered (lab 2.2)");
	mmio_read4(PAGE_B);
	CHECK_EQ(cache_look().gfn, PAGE_B >> 12,
		 "a fill replaces what was known (spec 2.1)");
	cache_start(&t);
	CHECK_EQ(mmio_read4(PAGE_A + 4), lab2_pattern(PAGE_A + 4),
		 "another page than the remembered one is itself (lab 2.5)");
	CHECK_EQ(mmio_read4(PAGE_A + 8), lab2_pattern(PAGE_A + 8),
		 "a hit is the remembered page (lab 2.5)");
	cache_stop(&t);
	CHECK_COUNT(t.fault_misses, 1,
		    "another page than the remembered one is a miss (spec "
		    "2.1)");
	CHECK_COUNT(t.fills, 1, "a miss is remembered for the next time");
	CHECK_COUNT(t.fault_hits, 1, "the next access is a hit (spec 2.1)");
}

/** The emulator's two questions, for an instruction that has not faulted. */
TEST(emulator_asks_for_address_and_frame)
{
	struct hypercall_cache_counts t;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(PAGE_B), PAGES_WRITE);
	space_load(0);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B), "a load");
	cache_start(&t);
	CHECK_EQ(cache_emulated_read4(GVA_X + 0x123), lab2_pattern(PAGE_B + 0x123),
		 "a hit for a virtual address gives the physical one, its "
		 "offset included (lab 2.4)");
	cache_stop(&t);
	CHECK_COUNT(t.gva_hits, lab2_in_shadow(1),
		    "the emulator need not walk for a virtual address that is "
		    "known, and none is under EPT (spec 2.1)");
	CHECK_COUNT(t.gva_misses, 1 - lab2_in_shadow(1),
		    "with EPT the emulator walks (spec 2.1)");
	CHECK_COUNT(t.gpa_hits, 1,
		    "the emulator need not try memory for a frame that is "
		    "known (spec 2.1)");
}

static void load_x(void)
{
	mmio_read4(GVA_X);
}

static void store_x(void)
{
	mmio_write4(GVA_X, 1);
}

static void forced_load_x(void)
{
	(void)cache_forced_read4(GVA_X);
}

/** Check that there was a #PF at GVA_X. */
static void check_fault(const struct trap *trap, u64 error)
{
	CHECK_EQ(trap->vector, TRAP_PF,
		 "an access that the mapping forbids is a page fault, not a "
		 "hit (spec 2.3)");
	CHECK_EQ(trap->error, error,
		 "the page fault's error code is that of the guest's tables "
		 "(SDM 3A 4.7)");
	CHECK_EQ(trap->cr2, GVA_X, "CR2 is the address that faulted");
}

/** A supervisor's page: the kernel fills the cache, a program must not hit. */
TEST(user_access_to_supervisor_mmio_is_a_page_fault)
{
	struct trap trap;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(DEVICE_SCRATCH_GPA), PAGES_WRITE);
	space_load(0);
	mmio_write4(GVA_X, 7);
	CHECK_COUNT(mmio_read4(GVA_X), 7, "the kernel may use its device");
	trap_user(load_x, &trap);
	check_fault(&trap, BIT(0) | BIT(2));
	trap_user(store_x, &trap);
	check_fault(&trap, BIT(0) | BIT(1) | BIT(2));
	CHECK_COUNT(vmcall_device(DEVICE_SCRATCH_GPA, DEVICE_WRITES), 1,
		    "a forbidden store does not reach the device (spec 2.3)");
	CHECK_COUNT(vmcall_device(DEVICE_SCRATCH_GPA, DEVICE_READS), 1,
		    "a forbidden load does not reach the device (spec 2.3)");
}

/**
 * The page was the program's and is not any more.  First the emulator meets it,
 * with what it remembers, then the processor.
 */
TEST(permission_that_was_dropped_is_not_remembered)
{
	struct trap trap;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(PAGE_A), PAGES_WRITE | PAGES_USER);
	space_load(0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
		*space_entry(0, gva(GVA_X)) &= ~PAGES_USER;
		space_invlpg(GVA_X);
		CHECK_DONE(vmcall0(HYPERCALL_EMULATE));
		trap_user(forced_load_x, &trap);
		check_fault(&trap, BIT(0) | BIT(2));
		trap_user(load_x, &trap);
		check_fault(&trap, BIT(0) | BIT(2));
		*space_entry(0, gva(GVA_X)) |= PAGES_USER;
		space_invlpg(GVA_X);
	}
}

/** A store through a read-only mapping, after a load has filled the cache. */
TEST(store_through_readonly_mapping_is_a_page_fault)
{
	u64 cr0;
	struct trap trap;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(DEVICE_SCRATCH_GPA), 0);
	space_load(0);
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | BIT(16)));
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	trap_catch(store_x, &trap);
	check_fault(&trap, BIT(0) | BIT(1));
	CHECK_COUNT(vmcall_device(DEVICE_SCRATCH_GPA, DEVICE_WRITES), 0,
		    "a forbidden store does not reach the device (spec 2.3)");
	CHECK_EQ(mmio_read4(GVA_X), 0, "a load still works");
}

/** The dirty bit is set by the first store, also if a load came before. */
TEST(first_store_sets_the_dirty_bit)
{
	space_make(0);
	space_map(0, gva(GVA_X), gpa(DEVICE_SCRATCH_GPA), PAGES_WRITE);
	*space_entry(0, gva(GVA_X)) &= ~SPACE_DIRTY;
	space_load(0);
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	CHECK_FALSE(*space_entry(0, gva(GVA_X)) & SPACE_DIRTY,
		    "a load does not set the dirty bit (SDM 3A 4.8)");
	mmio_write4(GVA_X, 1);
	CHECK_TRUE(*space_entry(0, gva(GVA_X)) & SPACE_DIRTY,
		   "a store sets the dirty bit, also where a load is "
		   "remembered (SDM 3A 4.8)");
}
