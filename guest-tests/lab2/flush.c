/** @file
 * INVLPG and its like: the guest says which translations it has changed.
 *
 * Between the change and the flush either meaning is right; after it only the
 * new one.  And a flush of another page takes nothing away: whoever forgets at
 * each INVLPG is right and slow, and that counts as wrong.
 */
#include "guest-tests/lab2/lab2.h"

#define TIMES 50
#define LARGE_GPA (PAGE_A & ~0x1fffffull)

static void set_up(u64 physical)
{
	space_make(0);
	space_map(0, gva(GVA_X), gpa(physical), PAGES_WRITE);
	space_map(0, gva(GVA_Y), gpa(physical), PAGES_WRITE);
	space_load(0);
}

/** The page has another meaning, and the guest says so. */
static void remap(gpa_t physical)
{
	space_map(0, gva(GVA_X), physical, PAGES_WRITE);
	space_invlpg(GVA_X + 0x678);
}

/** From a device to memory: nothing may reach the device any more. */
TEST(remapped_to_memory_is_memory)
{
	gpa_t memory = lab2_memory();
	volatile u32 *word = (volatile u32 *)memory.v;

	set_up(DEVICE_SCRATCH_GPA);
	mmio_write4(GVA_X, 1);
	mmio_write4(GVA_X, 2);
	remap(memory);
	CHECK_EQ(cache_emulated_read4(GVA_X), MEMORY_WORD,
		 "after remapping and INVLPG an emulated load is from memory "
		 "(spec 2.4-6)");
	cache_emulated_write4(GVA_X, 3);
	CHECK_COUNT(*word, 3, "after remapping and INVLPG an emulated store "
		    "is to memory (spec 2.4-6)");
	mmio_write4(GVA_X + 4, 4);
	CHECK_COUNT(word[1], 4, "after remapping and INVLPG a store is to "
		    "memory (spec 2.4-6)");
	CHECK_COUNT(vmcall_device(DEVICE_SCRATCH_GPA, DEVICE_WRITES), 2,
		    "after remapping and INVLPG nothing reaches the device "
		    "(spec 2.4-6)");
}

/** From one device to another, and back: a fault comes in either case. */
TEST(remapped_to_another_device_is_that_device)
{
	set_up(PAGE_A);
	for (int i = 0; i < 4; i++) {
		u64 page = i % 2 ? PAGE_B : PAGE_A;

		remap(gpa(page));
		CHECK_EQ(cache_emulated_read4(GVA_X + 8),
			 lab2_pattern(page + 8),
			 "after remapping and INVLPG an emulated load is from "
			 "the new device (spec 2.4-6)");
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(page),
			 "after remapping and INVLPG a load is from the new "
			 "device (spec 2.4-6)");
	}
}

/** Flush after flush, and the one page is not concerned. */
TEST(invlpg_of_another_page_keeps_the_entry)
{
	struct hypercall_cache_counts t;

	set_up(PAGE_A);
	mmio_read4(GVA_X);
	cache_start(&t);
	for (unsigned int i = 0; i < TIMES; i++) {
		space_invlpg(GVA_Y);
		space_invlpg(GVA_X - PAGE_SIZE);
		CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
	}
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_INVLPG], 0,
		    "INVLPG of another page forgets nothing (spec 2.4-7)");
	CHECK_COUNT(t.fault_hits, TIMES,
		    "after INVLPG of another page the entry still hits (spec "
		    "2.4-7)");
	CHECK_COUNT(t.fault_misses, 0,
		    "after INVLPG of another page nothing is asked anew (spec "
		    "2.4-7)");
}

/** Any address in the page names it. */
TEST_OF_SHADOW(invlpg_forgets_its_page)
{
	struct hypercall_cache_counts t;

	set_up(PAGE_A);
	mmio_read4(GVA_X);
	cache_start(&t);
	space_invlpg(GVA_X + 0xfff);
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_INVLPG], 1,
		    "INVLPG of an address in the page forgets it (spec 10.6)");
	CHECK_EQ(cache_look().gva, 0,
		 "after INVLPG the virtual address is not known (spec 2.1)");
	CHECK_EQ(cache_look().gfn, PAGE_A >> 12,
		 "INVLPG does not forget the frame (spec 2.1)");
}

/** A guest's page of 2 MiB is one page, whichever of its addresses is named. */
TEST_OF_SHADOW(invlpg_of_a_large_page_forgets_all_of_it)
{
	struct hypercall_cache_counts t;

	space_make(0);
	space_map_large(0, gpa(LARGE_GPA));
	space_load(0);
	CHECK_EQ(mmio_read4(GVA_X + (PAGE_A - LARGE_GPA)), lab2_pattern(PAGE_A),
		 "a load through a page of 2 MiB");
	cache_start(&t);
	space_invlpg(GVA_X);
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_INVLPG], 1,
		    "INVLPG of a large page forgets each part of it (SDM 3A "
		    "4.10.4.1)");
}

/** INVPCID of one page, of a PCID, of all. */
TEST_OF_SHADOW(invpcid_forgets_what_it_names)
{
	struct hypercall_cache_counts t;

	set_up(PAGE_A);
	space_enable(SPACE_CR4_PCIDE);
	mmio_read4(GVA_X);
	cache_start(&t);
	space_invpcid(SPACE_INVPCID_PAGE, 0, GVA_Y);
	space_invpcid(SPACE_INVPCID_PAGE, 1, GVA_X);
	space_invpcid(SPACE_INVPCID_PCID, 1, 0);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
	cache_stop(&t);
	CHECK_COUNT(t.fault_hits, 1,
		    "INVPCID of another page, or of another PCID, keeps the "
		    "entry (SDM 2A INVPCID)");
	cache_start(&t);
	space_invpcid(SPACE_INVPCID_PAGE, 0, GVA_X);
	mmio_read4(GVA_X);
	space_invpcid(SPACE_INVPCID_PCID, 0, 0);
	mmio_read4(GVA_X);
	space_invpcid(SPACE_INVPCID_ALL, 0, 0);
	mmio_read4(GVA_X);
	space_invpcid(SPACE_INVPCID_ALL_BUT_GLOBAL, 0, 0);
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_INVLPG], 1,
		    "INVPCID of the page forgets it (SDM 2A INVPCID)");
	CHECK_COUNT(t.clears[CACHE_FLUSH], 3,
		    "INVPCID of this PCID, or of all, forgets the address (SDM "
		    "2A INVPCID)");
	CHECK_EQ(cache_look().gfn, PAGE_A >> 12,
		 "a flush does not forget the frame (spec 2.1)");
}

/** A global page belongs to all PCIDs, and so does its flush. */
TEST_OF_SHADOW(invlpg_of_a_global_page_counts_for_all_pcids)
{
	for (unsigned int i = 0; i < 2; i++) {
		space_make(i);
		space_map(i, gva(GVA_X), gpa(PAGE_A),
			  PAGES_WRITE | SPACE_GLOBAL);
	}
	space_enable(SPACE_CR4_PGE);
	space_load(0);
	space_enable(SPACE_CR4_PCIDE);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
	space_load_pcid(1, 1, false);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_A), "a load");
	for (unsigned int i = 0; i < 2; i++) {
		space_map(i, gva(GVA_X), gpa(PAGE_B),
			  PAGES_WRITE | SPACE_GLOBAL);
	}
	space_invlpg(GVA_X);
	CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_B),
		 "after INVLPG a global page has its new meaning for the "
		 "emulator (SDM 3A 4.10.4.1)");
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B),
		 "after INVLPG a global page has its new meaning (SDM 3A "
		 "4.10.4.1)");
	space_load_pcid(0, 0, true);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B),
		 "after INVLPG a global page has its new meaning in each PCID "
		 "(SDM 3A 4.10.4.1)");
}

static void store_x(void)
{
	mmio_write4(GVA_X, 9);
}

static void load_nothing(void)
{
	mmio_read4(GVA_X + 64 * PAGE_SIZE);
}

/**
 * A page fault is a flush of its page: guests that make a page writable in
 * their page-fault handler do no INVLPG, and need not.
 */
TEST(page_fault_flushes_its_page)
{
	struct hypercall_cache_counts t;
	struct trap trap;

	set_up(DEVICE_SCRATCH_GPA);
	*space_entry(0, gva(GVA_X)) &= ~PAGES_WRITE;
	space_invlpg(GVA_X);
	asm volatile("mov %%cr0, %%rax\n\t"
		     "or $0x10000, %%eax\n\t"
		     "mov %%rax, %%cr0" : : : "rax", "memory");
	mmio_read4(GVA_X);
	mmio_read4(GVA_X);
	cache_start(&t);
	trap_catch(store_x, &trap);
	cache_stop(&t);
	CHECK_EQ(trap.vector, TRAP_PF, "a store to a read-only page faults");
	CHECK_COUNT(t.clears[CACHE_PAGE_FAULT], lab2_in_shadow(1),
		    "a page fault forgets its page (SDM 3A 4.10.4.1)");
	*space_entry(0, gva(GVA_X)) |= PAGES_WRITE;
	mmio_write4(GVA_X, 5);
	CHECK_COUNT(mmio_read4(GVA_X), 5,
		    "what a page fault has made the guest allow is allowed");
}

/** Elsewhere a page fault takes nothing away. */
TEST(page_fault_of_another_page_keeps_the_entry)
{
	struct hypercall_cache_counts t;
	struct trap trap;

	set_up(PAGE_A);
	mmio_read4(GVA_X);
	cache_start(&t);
	for (unsigned int i = 0; i < TIMES; i++) {
		trap_catch(load_nothing, &trap);
		CHECK_EQ(trap.vector, TRAP_PF, "a page that is not there");
		mmio_read4(GVA_X);
	}
	cache_stop(&t);
	CHECK_COUNT(t.clears[CACHE_PAGE_FAULT], 0,
		    "a page fault of another page forgets nothing (lab 2.6)");
	CHECK_COUNT(t.fault_hits, TIMES,
		    "after a page fault of another page the entry still hits "
		    "(lab 2.6)");
}
