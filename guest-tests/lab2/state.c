/** @file
 * Which half, for whom, and since when.
 *
 * With EPT no virtual address may ever be remembered, since the guest loads CR3
 * without an exit.  Without paging there is none to remember.  An address of a
 * guest's guest is a number of another space.  And a vCPU that begins anew, or
 * is restored from a saved state, has no past.
 */
#include "guest-tests/lab2/lab2.h"

#include "guest-tests/lab2/flat.h"

/** Every way to fill: at the first touch, again, after a change, by a store. */
TEST_OF_EPT(ept_remembers_no_virtual_address)
{
	struct hypercall_cache_counts t;

	space_make(0);
	space_map(0, gva(GVA_X), gpa(PAGE_A), PAGES_WRITE);
	space_map(0, gva(GVA_Y), gpa(DEVICE_SCRATCH_GPA), PAGES_WRITE);
	space_load(0);
	cache_start(&t);
	for (unsigned int i = 0; i < 4; i++) {
		mmio_read4(GVA_X);
		CHECK_EQ(cache_look().gva, 0,
			 "with EPT a load leaves no virtual address (spec "
			 "2.4-2)");
		mmio_write4(GVA_Y, i);
		CHECK_EQ(cache_look().gva, 0,
			 "with EPT a store leaves no virtual address (spec "
			 "2.4-2)");
		mmio_read4(PAGE_B);
		CHECK_EQ(cache_look().gva, 0,
			 "with EPT a load leaves no virtual address, also "
			 "where it equals the physical one (spec 2.4-2)");
		CHECK_DONE(vmcall1(HYPERCALL_SLOT_BUMP, 1));
	}
	(void)cache_emulated_read4(GVA_X);
	cache_stop(&t);
	CHECK_COUNT(t.gva_fills, 0,
		    "with EPT no fill has a virtual address (spec 2.4-2)");
	CHECK_COUNT(t.gva_hits, 0,
		    "with EPT no virtual address is believed (spec 2.2)");
	CHECK_COUNT(t.fills, 12, "with EPT the frame is remembered (spec 2.2)");
}

/** Under shadow paging both halves are there, with the mapping's rights. */
TEST_OF_SHADOW(shadow_remembers_address_frame_and_rights)
{
	static const u64 flags[] = { PAGES_WRITE, PAGES_USER,
				     PAGES_WRITE | PAGES_USER, 0 };
	struct hypercall_cache now;

	space_make(0);
	for (u64 i = 0; i < ARRAY_SIZE(flags); i++) {
		space_map(0, gva(GVA_X + i * PAGE_SIZE), gpa(PAGE_A), flags[i]);
	}
	space_load(0);
	for (u64 i = 0; i < ARRAY_SIZE(flags); i++) {
		u64 address = GVA_X + i * PAGE_SIZE;

		mmio_read4(address + 0x123);
		mmio_read4(address + 0xff0);
		now = cache_look();
		CHECK_EQ(now.gva, address,
			 "the page's virtual address is remembered (lab 2.2)");
		CHECK_EQ(now.gfn, PAGE_A >> 12,
			 "the frame is remembered (lab 2.2)");
		CHECK_EQ(now.rights & (PAGES_WRITE | PAGES_USER), flags[i],
			 "what the mapping allows is remembered (lab 2.2)");
	}
}

/**
 * The same number, with paging off and on: off it is the device's address, on
 * the guest's tables make memory of it.
 */
TEST(paging_switched_off_and_on_changes_the_meaning)
{
	struct hypercall_cache_counts t;
	gpa_t memory = lab2_memory();

	pages_split(gva(PAGE_B));
	pages_map(gva(PAGE_B), memory, PAGES_WRITE);
	for (unsigned int i = 0; i < 10; i++) {
		cache_start(&t);
		CHECK_EQ(flat_read4(PAGE_B), lab2_pattern(PAGE_B),
			 "without paging an address is the device's (spec "
			 "2.4-9)");
		cache_stop(&t);
		CHECK_COUNT(t.gva_fills, 0,
			    "without paging no virtual address is remembered "
			    "(spec 10.6)");
		CHECK_EQ(cache_emulated_read4(PAGE_B), MEMORY_WORD,
			 "with paging an emulated load goes where the tables "
			 "say (spec 2.4-9)");
		CHECK_EQ(mmio_read4(PAGE_B), MEMORY_WORD,
			 "with paging a load goes where the tables say (spec "
			 "2.4-9)");
	}
}

/** Each change of the mode forgets the address, and not the frame. */
TEST_OF_SHADOW(mode_change_forgets_the_address)
{
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_A);
	cache_start(&t);
	space_enable(SPACE_CR4_PGE);
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_MODE], 1,
		    "a change of CR4.PGE forgets the virtual address (spec "
		    "2.1)");
	mmio_read4(PAGE_A);
	cache_start(&t);
	(void)flat_read4(PAGE_B);
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_MODE], 1,
		    "switching paging off forgets the virtual address at once "
		    "(spec 2.1)");
	CHECK_EQ(cache_look().gfn, PAGE_B >> 12,
		 "a change of the mode does not forget the frame (spec 2.1)");
}

/**
 * A device is touched without paging, then CR3 is loaded, then paging is on
 * again: the device's address is a virtual one now, and memory.
 */
TEST(cr3_loaded_without_paging_counts_when_it_is_on)
{
	gpa_t memory = lab2_memory();

	pages_split(gva(PAGE_B));
	pages_map(gva(PAGE_B), memory, PAGES_WRITE);
	for (unsigned int i = 0; i < 2; i++) {
		space_make(i);
		space_map(i, gva(GVA_X), gpa(i ? PAGE_B : PAGE_A), PAGES_WRITE);
	}
	space_load(0);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
	CHECK_EQ(flat_read4_then_cr3(PAGE_B, space_cr3(1)),
		 lab2_pattern(PAGE_B), "a load without paging");
	CHECK_EQ(cache_emulated_read4(PAGE_B), MEMORY_WORD,
		 "what was touched without paging is no virtual address "
		 "(spec 2.4-10)");
	CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_B),
		 "after a CR3 load without paging an emulated load goes where "
		 "the new tables say (spec 2.4-10)");
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B),
		 "after a CR3 load without paging a load goes where the new "
		 "tables say (spec 2.4-10)");
}

/** As if the fault's address were physical to a guest of the guest's. */
TEST(nested_address_never_hits)
{
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_B);
	mmio_read4(PAGE_B);
	CHECK_DONE(vmcall1(HYPERCALL_NESTED, 1));
	cache_start(&t);
	for (unsigned int i = 0; i < 5; i++) {
		CHECK_EQ(mmio_read4(PAGE_B), lab2_pattern(PAGE_B),
			 "a miss is slower and no different");
	}
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 0,
		    "an address of a guest's guest never hits, whatever number "
		    "it is (spec 2.4-15)");
	CHECK_DONE(vmcall1(HYPERCALL_NESTED, 0));
	cache_start(&t);
	mmio_read4(PAGE_B);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 1, "an address of the guest's own hits");
}

/** Reset and restored: what follows is a first touch again. */
TEST(restored_vcpu_knows_nothing)
{
	struct hypercall_cache now;
	struct hypercall_cache_counts t;

	mmio_read4(PAGE_B);
	mmio_read4(PAGE_B);
	CHECK_DONE(vmcall0(HYPERCALL_RESTORE));
	now = cache_look();
	CHECK_TRUE(now.gva == 0 && now.gfn == 0,
		   "after a reset the cache is empty (spec 2.4-18)");
	cache_start(&t);
	CHECK_EQ(cache_emulated_read4(PAGE_B), lab2_pattern(PAGE_B),
		 "an emulated load after a reset");
	cache_stop(&t);
	CHECK_COUNT(t.gva_hits + t.gpa_hits, 0,
		    "after a reset there is no hit before the first fill (spec "
		    "2.4-18, 2.4-19)");
	cache_start(&t);
	mmio_read4(PAGE_B);
	mmio_read4(PAGE_B);
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 1, "after the first fill there are hits");
}
