/** @file
 * One virtual address in several address spaces.
 *
 * MOV to CR3 gives each address a new meaning.  With EPT the hypervisor does
 * not see it happen, and must not know virtual addresses; under shadow paging
 * it does.  A *fast* switch finds the tables that were made when the guest was
 * here last, a *slow* one has to make them.
 */
#include "guest-tests/lab2/lab2.h"

#define ROUNDS 1000
/** A slow switch is ten times the work. */
#define SLOW_ROUNDS 140
/** So many that their tables cannot all be kept. */
#define MANY 7

/** What GVA_X means in space n: device A, device B, or memory. */
static u64 meaning(unsigned int n)
{
	static const u64 devices[] = { PAGE_A, PAGE_B };

	return n % 3 == 2 ? lab2_memory().v : devices[n % 3];
}

static u32 value_of(unsigned int n)
{
	return n % 3 == 2 ? MEMORY_WORD : lab2_pattern(meaning(n));
}

static void make(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		space_make(i);
		space_map(i, gva(GVA_X), gpa(meaning(i)), PAGES_WRITE);
	}
}

/** Both ways: as the emulator would do it, and as the processor does it. */
static void check_loads(unsigned int n)
{
	CHECK_EQ(cache_emulated_read4(GVA_X), value_of(n),
		 "an emulated load is from the page that the tables of now say "
		 "(spec 2.4-3)");
	CHECK_EQ(mmio_read4(GVA_X), value_of(n),
		 "a load is from the page that the tables of now say (spec "
		 "2.4-3)");
}

/** Two spaces and two roots: all switches but the first ones are fast. */
TEST(fast_cr3_load_forgets_the_address)
{
	struct hypercall_cache_counts t;

	make(3);
	for (unsigned int i = 0; i < 3; i++) {
		space_load(i);
		check_loads(i);
	}
	cache_start(&t);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		space_load(i % 3);
		check_loads(i % 3);
	}
	cache_stop(&t);
	CHECK_COUNT(t.fast_switches, lab2_in_shadow(ROUNDS),
		    "the tables of three spaces are kept (spec 2.2)");
	CHECK_COUNT(t.builds, 0, "a root that is kept is not built again");
	CHECK_COUNT(t.clears[CACHE_CR3_FAST],
		    lab2_in_shadow(t.clears[CACHE_CR3_FAST]),
		    "with EPT there is no virtual address to forget");
}

/** More spaces than roots are kept: each switch is slow. */
TEST(slow_cr3_load_forgets_the_address)
{
	struct hypercall_cache_counts t;

	make(MANY);
	cache_start(&t);
	for (unsigned int i = 0; i < SLOW_ROUNDS; i++) {
		space_load(i % MANY);
		check_loads(i % MANY);
	}
	cache_stop(&t);
	CHECK_COUNT(t.slow_switches, lab2_in_shadow(SLOW_ROUNDS),
		    "a root that was not kept makes the switch slow (spec "
		    "2.4-4)");
	CHECK_COUNT(t.fast_switches, 0, "none of these switches is fast");
}

/** The event itself takes the address away, before any table is made. */
TEST_OF_SHADOW(cr3_load_forgets_at_once)
{
	struct hypercall_cache_counts t;

	make(2);
	cache_start(&t);
	space_load(0);
	mmio_read4(GVA_X);
	space_load(1);
	cache_stop(&t);
	CHECK_COUNT(t.slow_switches, 2, "the first switch to a space is slow");
	CHECK_COUNT(t.clears[CACHE_CR3_SLOW], 1,
		    "a slow CR3 load forgets the virtual address at once, "
		    "whatever follows (spec 10.6)");
	mmio_read4(GVA_X);
	cache_start(&t);
	space_load(0);
	cache_stop(&t);
	CHECK_COUNT(t.fast_switches, 1, "the second switch to a space is fast");
	CHECK_COUNT(t.clears[CACHE_CR3_FAST], 1,
		    "a fast CR3 load forgets the virtual address at once, "
		    "whatever follows (spec 10.6)");
}

/**
 * With bit 63 nothing is flushed: no root is synced, and nothing but the switch
 * itself says that the address has another meaning.
 */
TEST_OF_SHADOW(no_flush_cr3_load_forgets_the_address)
{
	struct hypercall_cache_counts t;

	make(3);
	space_enable(SPACE_CR4_PCIDE);
	for (unsigned int i = 0; i < 3; i++) {
		space_load_pcid(i, i, false);
		check_loads(i);
	}
	cache_start(&t);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		space_load_pcid(i % 3, i % 3, true);
		CHECK_EQ(i % 2 ? mmio_read4(GVA_X) :
				 cache_emulated_read4(GVA_X),
			 value_of(i % 3),
			 "a load is from the page that the tables of this PCID "
			 "say (spec 2.4-5)");
	}
	cache_stop(&t);
	CHECK_COUNT(t.fast_switches, ROUNDS, "each switch is fast");
	CHECK_COUNT(t.syncs, 0, "with bit 63 set nothing is flushed");
}

/**
 * The frame has nothing to do with address spaces: it goes on to be known, and
 * the emulator's last question is still answered.
 */
TEST(frame_stays_known_over_cr3_load)
{
	struct hypercall_cache_counts t;

	for (unsigned int i = 0; i < 2; i++) {
		space_make(i);
		space_map(i, gva(GVA_X), gpa(PAGE_B), PAGES_WRITE);
	}
	space_load(0);
	CHECK_EQ(mmio_read4(GVA_X), lab2_pattern(PAGE_B), "a load");
	space_load(1);
	CHECK_EQ(cache_look().gfn, PAGE_B >> 12,
		 "a CR3 load does not forget the frame (spec 2.1)");
	cache_start(&t);
	CHECK_EQ(cache_emulated_read4(GVA_X), lab2_pattern(PAGE_B),
		 "a load in the other space");
	cache_stop(&t);
	CHECK_COUNT(t.gva_hits, 0,
		    "after a CR3 load no virtual address is known (spec 10.6)");
	CHECK_COUNT(t.gpa_hits, 1,
		    "after a CR3 load the frame still hits (spec 2.4-12)");
}
