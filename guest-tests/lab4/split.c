/** @file
 * Accesses over a page boundary: two pages, two fates.
 *
 * Nothing says that two pages which are neighbours for a program have anything
 * to do with each other: each may be RAM or a device, anywhere.  What leaves
 * to the VMM is at most one request a page, with that page's own address.
 */
#include "guest-tests/lab4/lab4.h"

/** The device that gives bytes by their addresses, and a page of nobody. */
#define PATTERN DEVICE_PATTERN_GPA
#define LAST(page, n) ((page) + PAGE_SIZE - (n))

/**
 * Three bytes here, five there, the lower address first.  The VMM overwrites
 * the hypervisor's dead stack between the two, so that bytes which were left
 * on it arrive as 0x5a5a5a5a5a.
 */
TEST(split_store_leaves_in_ascending_pieces)
{
	u64 middle = lab4_window(NOBODY_NEAR, NOBODY_NEAR + PAGE_SIZE);

	lab4_begin();
	mmio_write8(middle - 3, VALUE);
	CHECK_LEAVES(2, "a store over two pages of MMIO leaves in two pieces "
			"(spec 4.5-1)");
	CHECK_LEFT(0, STORE(LAST(NOBODY_NEAR, 3), 3, 0x332211),
		   "the part on the lower page leaves first (spec 4.5-1)");
	CHECK_LEFT(1, STORE(NOBODY_NEAR + PAGE_SIZE, 5, 0x8877665544),
		   "the second piece has its own bytes, from a place that "
		   "outlives the first exit (spec 4.5-2)");
}

/** The second page lies before the first one, with others in between. */
TEST(split_access_to_far_pages_keeps_each_address)
{
	u64 middle = lab4_window(NOBODY_FAR, PATTERN);

	lab4_begin();
	mmio_write8(middle - 6, VALUE);
	CHECK_LEFT(0, STORE(LAST(NOBODY_FAR, 6), 6, 0x665544332211),
		   "the first piece has the first page's address (spec 4.5-3)");
	CHECK_LEFT(1, STORE(PATTERN, 2, 0x8877),
		   "the second piece has the second page's address, however "
		   "far that is (spec 4.5-3)");
	CHECK_LEAVES(2, "two pages, two pieces");

	lab4_begin();
	CHECK_EQ(mmio_read8(middle - 6),
		 lab4_pattern(PATTERN, 2) << 48 | 0xffffffffffff,
		 "the bytes of both pages are put together in their order");
	CHECK_LEFT(0, LOAD(LAST(NOBODY_FAR, 6), 6, 0xffffffffffff),
		   "a split load asks for each page's part (spec 4.1)");
	CHECK_LEFT(1, LOAD(PATTERN, 2, lab4_pattern(PATTERN, 2)),
		   "a split load asks at each page's address (spec 4.5-3)");
}

/** All ways to cut eight bytes in two, and those that are not cut. */
TEST(every_split_of_eight_bytes)
{
	u64 middle = lab4_window(DEVICE_SCRATCH_GPA, PATTERN);

	for (unsigned int n = 1; n < 8; n++) {
		u64 low = LAST(DEVICE_SCRATCH_GPA, n);

		lab4_begin();
		mmio_write8(middle - n, VALUE);
		CHECK_LEFT(0, STORE(low, n, lab4_part(VALUE, 0, n)),
			   "the first page gets what lies on it (spec 4.1)");
		CHECK_LEFT(1, STORE(PATTERN, 8 - n, lab4_part(VALUE, n, 8 - n)),
			   "the second page gets the rest (spec 4.1)");
		CHECK_EQ(mmio_read8(middle - n),
			 lab4_part(VALUE, 0, n) |
				 lab4_pattern(PATTERN, 8 - n) << 8 * n,
			 "a load is put together of both pages' bytes (spec "
			 "4.1)");
		CHECK_LEAVES(4, "two pieces each way, never more (spec "
				"4.5-19)");
	}
	lab4_begin();
	mmio_write8(middle - 8, VALUE);
	mmio_write8(middle, VALUE);
	CHECK_LEAVES(2, "an access that ends at the boundary, or begins "
			"there, is not split (spec 4.1)");
}

/** The half that is RAM has been read before the exit, and stays. */
TEST(ram_half_of_a_split_load_survives)
{
	u64 middle = lab4_window(lab4_ram_gpa(0), PATTERN);
	u32 *ram = (u32 *)&lab4_ram[0][PAGE_SIZE - 4];
	u64 wanted = lab4_pattern(PATTERN, 4) << 32 | 0x44332211;

	*ram = 0x44332211;
	lab4_begin();
	CHECK_EQ(mmio_read8(middle - 4), wanted,
		 "the answer for the second page leaves the first page's bytes "
		 "as they are (spec 4.5-4)");
	CHECK_LEAVES(1, "only the page without memory is asked for (spec "
			"4.5-4)");
	CHECK_LEFT(0, LOAD(PATTERN, 4, wanted >> 32),
		   "the part on the second page leaves (spec 4.5-4)");
	CHECK_EQ(mmio_read4(middle - 1) & 0xff, 0x44,
		 "also when one byte only is RAM");
}

TEST(mmio_half_of_a_split_load_merges_with_ram)
{
	u64 middle = lab4_window(PATTERN, lab4_ram_gpa(0));
	u64 front = lab4_pattern(LAST(PATTERN, 4), 4);

	*(u32 *)lab4_ram[0] = 0x88776655;
	lab4_begin();
	CHECK_EQ(mmio_read8(middle - 4), 0x8877665500000000 | front,
		 "the answer for the first page leaves the second page's bytes "
		 "as they are (spec 4.5-5)");
	CHECK_LEAVES(1, "only the page without memory is asked for (spec "
			"4.5-5)");
	CHECK_LEFT(0, LOAD(LAST(PATTERN, 4), 4, front),
		   "the part on the first page leaves (spec 4.5-5)");
}

/** A store to both: RAM gets its part at once, the VMM its part later. */
TEST(split_store_reaches_ram_and_mmio)
{
	u64 middle = lab4_window(lab4_ram_gpa(0), NOBODY_NEAR);

	lab4_begin();
	mmio_write8(middle - 3, VALUE);
	CHECK_EQ(*(u32 *)&lab4_ram[0][PAGE_SIZE - 4], 0x33221100,
		 "the part of a store that lies in RAM is written there");
	CHECK_LEFT(0, STORE(NOBODY_NEAR, 5, VALUE >> 24),
		   "the part of a store that is not RAM leaves (spec 4.1)");
	CHECK_LEAVES(1, "RAM needs no exit");

	middle = lab4_window(NOBODY_NEAR, lab4_ram_gpa(1));
	lab4_begin();
	mmio_write8(middle - 3, VALUE);
	CHECK_EQ(*(u64 *)lab4_ram[1], VALUE >> 24,
		 "a first part that has to leave does not hold up the second, "
		 "which is RAM (spec 4.2)");
	CHECK_LEFT(0, STORE(LAST(NOBODY_NEAR, 3), 3, 0x332211),
		   "the part of a store that is not RAM leaves (spec 4.1)");
	CHECK_LEAVES(1, "RAM needs no exit");
}

/** Two pages of RAM: the emulator comes here by the first operand alone. */
TEST(split_access_to_ram_leaves_nobody)
{
	u64 middle = lab4_window(lab4_ram_gpa(1), lab4_ram_gpa(0));
	u64 from = middle - 3, to = DEVICE_SCRATCH_GPA;

	*(u32 *)&lab4_ram[1][PAGE_SIZE - 4] = 0x33221100;
	*(u64 *)lab4_ram[0] = VALUE >> 24;
	lab4_begin();
	asm volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
	CHECK_LEFT(0, STORE(DEVICE_SCRATCH_GPA, 8, VALUE),
		   "an operand in two pages of RAM is put together without an "
		   "exit (spec 4.1)");
	CHECK_LEAVES(1, "only the store leaves");
}

/** Read-modify-write: two pieces to read, the same two to write. */
TEST(split_rmw_reads_both_then_writes_both)
{
	u64 middle = lab4_window(PATTERN, DEVICE_SCRATCH_GPA);
	u64 low = LAST(PATTERN, 4), front = lab4_pattern(low, 4);

	vmcall2(HYPERCALL_DEVICE_FILL, DEVICE_SCRATCH_GPA, 0x10);
	lab4_begin();
	asm volatile("addq %0, (%1)"
		     :
		     : "r"(0x0000000100000000), "r"(middle - 4)
		     : "memory", "cc");
	CHECK_LEFT(0, LOAD(low, 4, front), "an RMW reads its first page first");
	CHECK_LEFT(1, LOAD(DEVICE_SCRATCH_GPA, 4, 0x10101010),
		   "an RMW has read all before it writes (spec 3.4)");
	CHECK_LEFT(2, STORE(low, 4, front), "an RMW writes its first page");
	CHECK_LEFT(3, STORE(DEVICE_SCRATCH_GPA, 4, 0x10101011),
		   "an RMW writes what it has computed (spec 3.10-4)");
	CHECK_LEAVES(4, "each page is read once and written once");
}

static u64 boundary;

static void store_over(void)
{
	mmio_write8(boundary - 4, VALUE);
}

static void add_over(void)
{
	asm volatile("addq %0, (%1)"
		     :
		     : "r"(1ull), "r"(boundary - 4)
		     : "memory", "cc");
}

static void check_fault(void (*fn)(void), u64 error)
{
	struct trap trap;

	lab4_begin();
	trap_catch(fn, &trap);
	CHECK_EQ(trap.vector, TRAP_PF, "the second page's fault is the guest's "
				       "(spec 10.5)");
	CHECK_EQ(trap.cr2, boundary, "CR2 is where the second page begins "
				     "(spec 3.10-16)");
	CHECK_EQ(trap.error, error, "the error code tells the second page's "
				    "fault; an RMW is a write (spec 3.5)");
	CHECK_LEAVES(0, "no piece leaves when the second page faults (spec "
			"4.5-24)");
	CHECK_NO_EVENT("both pages are translated before a device is asked "
		       "(spec 10.5)");
}

/** Whether RAM or a device: the first page must not know of the attempt. */
TEST(second_page_fault_has_no_effect)
{
	struct tally t;

	boundary = lab4_window_half(DEVICE_CORE_SCRATCH_GPA);
	check_fault(store_over, 2);
	check_fault(add_over, 2);
	CHECK_COUNT(vmcall_device(DEVICE_CORE_SCRATCH_GPA, DEVICE_WRITES) +
			    vmcall_device(DEVICE_CORE_SCRATCH_GPA,
					  DEVICE_READS), 0,
		    "both pages are checked before a device of the core is "
		    "touched (spec 10.5)");

	boundary = lab4_window_half(NOBODY_NEAR);
	check_fault(store_over, 2);
	tally_start(&t);
	mmio_write4(boundary - 4, 0x4321);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MMIO_EXITS], 1,
		    "after a fault nothing of it is pending (spec 4.5-24)");

	/* Not present, then there but not writable: the first page a device
	 * again, so that the emulator is asked. */
	boundary = lab4_window_half(NOBODY_NEAR);
	pages_map(gva(boundary), gpa(lab4_ram_gpa(0)), 0);
	asm volatile("movq %%cr0, %%rax\n\torq $0x10000, %%rax\n\t"
		     "movq %%rax, %%cr0" : : : "rax");
	*(u32 *)lab4_ram[0] = 0x11111111;
	check_fault(store_over, 3);
	check_fault(add_over, 3);
	CHECK_EQ(*(u32 *)lab4_ram[0], 0x11111111,
		 "what may not be written is not written");
}
