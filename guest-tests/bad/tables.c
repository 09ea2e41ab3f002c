/** @file
 * Page tables that are none.
 *
 * The processor follows whatever stands in an entry.  What comes of it is the
 * guest's own page fault, or an end of this VM with a sentence; never a fault
 * of the hypervisor's, which reads the same entries (mmu/guest_walk.c).
 */
#include "guest-tests/lib/test.h"

#define PRESENT BIT(0)
#define WRITE BIT(1)
#define ACCESSED BIT(5)
#define TABLE (PRESENT | WRITE)
#define RESERVED BIT(51)
#define ADDRESS BITS(51, 12)

/** Inside the processor's addresses, and nobody's memory. */
#define NOWHERE 0x30000000ull

static u64 tables[4][512] __aligned(4096);
static u64 page[512] __aligned(4096);

static u64 *top(void)
{
	u64 cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return (u64 *)(cr3 & ADDRESS);
}

static void flush(void)
{
	asm volatile("mov %%cr3, %%rax\n\tmov %%rax, %%cr3" : : : "rax",
		     "memory");
}

/** Four levels of tables for PAGES_FREE_GVA, down to the page. */
static void build(void)
{
	u64 at = PAGES_FREE_GVA;

	for (unsigned int i = 0; i < 3; i++) {
		tables[i][at >> (30 - 9 * i) & 511] =
			(u64)(i < 2 ? tables[i + 1] : page) | TABLE;
	}
	top()[at >> 39 & 511] = (u64)tables[0] | TABLE;
	page[1] = 0x4949;
	flush();
}

static void touch(void)
{
	mmio_read8(PAGES_FREE_GVA + 8);
}

static void not_reached(void)
{
	CHECK_TRUE(false, "this guest does not come to its end");
}

TEST(cr3_beyond_memory)
{
	asm volatile("mov %0, %%cr3" : : "r"(NOWHERE) : "memory");
	not_reached();
}

TEST(table_beyond_memory)
{
	build();
	tables[1][PAGES_FREE_GVA >> 21 & 511] = NOWHERE | TABLE;
	flush();
	touch();
	not_reached();
}

TEST(table_in_a_device)
{
	build();
	tables[1][PAGES_FREE_GVA >> 21 & 511] = DEVICE_PATTERN_GPA | TABLE;
	flush();
	touch();
	not_reached();
}

/** A read-only slot: entries that cannot be marked as accessed. */
TEST(table_in_read_only_memory)
{
	slots_poke(1, 0, (u64)page | TABLE);
	slots_add(1, gpa(SLOTS_GPA), 1, SLOT_READONLY);
	build();
	tables[1][PAGES_FREE_GVA >> 21 & 511] = SLOTS_GPA | TABLE;
	flush();
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(mmio_read8(PAGES_FREE_GVA + 8), 0x4949,
			 "a load through a table in read-only memory gives "
			 "what is there");
	}
	CHECK_EQ(mmio_read8(SLOTS_GPA) & ~ACCESSED, (u64)page | TABLE,
		 "the table keeps its entry");
}

/** One page is all four levels, and the page at the end as well. */
TEST(table_that_leads_to_itself)
{
	u64 *self = tables[3];

	for (unsigned int i = 0; i < 512; i++) {
		self[i] = (u64)self | TABLE;
	}
	top()[PAGES_FREE_GVA >> 39 & 511] = (u64)self | TABLE;
	flush();
	for (u64 at = 0; at < BIT(39); at += BIT(36) + BIT(27) + BIT(15)) {
		CHECK_EQ(mmio_read8(PAGES_FREE_GVA + at) & ADDRESS, (u64)self,
			 "a table that leads to itself is memory like any");
	}
	CHECK_EQ(self[0] & ACCESSED, ACCESSED,
		 "its entries are marked as accessed");
}

/** The classic: the top table's entry for itself, through which it changes. */
TEST(tables_changed_through_themselves)
{
	const u64 slot = 0x1ed;
	u64 at = 0xffff000000000000ull | slot << 39 | slot << 30 | slot << 21 |
		 slot << 12;

	build();
	top()[slot] = (u64)top() | TABLE;
	flush();
	CHECK_EQ(mmio_read8(at + 8 * (PAGES_FREE_GVA >> 39 & 511)) & ADDRESS,
		 (u64)tables[0], "a table can be read through itself");
	mmio_write8(at + 8 * (PAGES_FREE_GVA >> 39 & 511), 0);
	flush();
	CHECK_EQ(top()[PAGES_FREE_GVA >> 39 & 511], 0,
		 "and be written through itself");
}

static u64 fault_code(void)
{
	struct trap trap;

	trap_catch(touch, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF, "a reserved bit is a page fault");
	return trap.error;
}

/** TCG leaves the P bit out (docs/machines.md). */
TEST(reserved_bits_at_each_level)
{
	build();
	for (unsigned int i = 0; i < 3; i++) {
		u64 *entry = &tables[i][PAGES_FREE_GVA >> (30 - 9 * i) & 511];

		*entry |= RESERVED;
		flush();
		CHECK_EQ(fault_code() & ~PRESENT, BIT(3),
			 "a reserved bit is said in the error code (SDM 3A "
			 "4.7)");
		*entry &= ~RESERVED;
	}
	top()[PAGES_FREE_GVA >> 39 & 511] |= RESERVED;
	flush();
	CHECK_EQ(fault_code() & ~PRESENT, BIT(3),
		 "a reserved bit is said in the error code (SDM 3A 4.7)");
}
