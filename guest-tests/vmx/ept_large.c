/** @file
 * EPT leaves of 1 GiB, and accessed and dirty flags (SDM 3C 29.3.2, 29.3.5).
 *
 * A leaf without an address leads to the machine's physical 0, where no guest
 * has any business; it may read there, since what is there when the image is
 * loaded is the same on every machine.
 */
#include "guest-tests/vmx/ept.h"

#define HUGE 0x80000000ull  /* by a leaf of 1 GiB */
#define LARGE 0xc0000000ull /* by one of 2 MiB */
#define ABSENT (QUAL_GLA | QUAL_ACCESS)

#define EPTP_ACCESSED_DIRTY BIT(6)
#define EPT_ACCESSED BIT(8)
#define EPT_DIRTY BIT(9)

static u8 page[4096] __aligned(4096);
static u64 table[512] __aligned(4096);

static void set_huge(u64 bits)
{
	CHECK_DONE(ept_set(HUGE, ~0ull, bits, 3));
	CHECK_DONE(ept_invalidate());
}

TEST_EPT(huge_leaves_translate)
{
	u64 by_huge, by_large;

	set_huge(EPT_R | EPT_WB | EPT_LARGE);
	CHECK_DONE(ept_set(LARGE, ~0ull, EPT_R | EPT_WB | EPT_LARGE, 2));
	asm volatile("mov 0x101000(%1), %0" : "=r"(by_huge) : "r"(HUGE));
	asm volatile("mov 0x101000(%1), %0" : "=r"(by_large) : "r"(LARGE));
	CHECK_EQ(by_huge, by_large,
		 "leaves of 1 GiB and 2 MiB lead to the same memory");
	TOUCH("movl $1, 0x3ffffffc(%%rdi)", HUGE);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R),
			HUGE + 0x3ffffffc);
	TOUCH("jmp *%%rdi", HUGE + 0x12345678);
	CHECK_VIOLATION(ABSENT | QUAL_FETCH | QUAL_RIGHTS(EPT_R),
			HUGE + 0x12345678);
}

TEST_EPT(huge_leaves_end_where_they_end)
{
	set_huge(EPT_R | EPT_WB | EPT_LARGE);
	TOUCH("mov -4(%%rdi), %%ebx", HUGE);
	CHECK_VIOLATION(ABSENT | QUAL_READ, HUGE - 4);
	TOUCH("mov 0x12(%%rdi), %%ebx", HUGE + 0x40000000);
	CHECK_VIOLATION(ABSENT | QUAL_READ, HUGE + 0x40000012);
}

#define CHECK_BAD_HUGE(bits) \
	do { \
		set_huge((bits) | EPT_LARGE); \
		TOUCH("mov 0x23456(%%rdi), %%ebx", HUGE); \
		CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG); \
		CHECK_EQ(exit_before(0).gpa, HUGE + 0x23456, \
			 "the access' address"); \
	} while (0)

TEST_EPT(huge_leaves_can_be_misconfigured)
{
	CHECK_BAD_HUGE(EPT_W | EPT_WB);
	CHECK_BAD_HUGE(EPT_RWX | 3 << 3);
	CHECK_BAD_HUGE(EPT_RWX | EPT_WB | BIT(51));
	CHECK_BAD_HUGE(EPT_R | EPT_WB | BIT(29));
	CHECK_BAD_HUGE(EPT_R | EPT_WB | BIT(12));
}

TEST_EPT(rights_of_a_huge_leaf_and_of_tables_above_count)
{
	u64 alone = 1ull << 39; /* nobody else has this entry of level 4 */
	u64 bits = EPT_R | EPT_X | EPT_WB | EPT_LARGE;

	pages_map(gva(PAGES_FREE_GVA), gpa(alone), PAGES_WRITE);
	CHECK_DONE(ept_set(alone, ~0ull, bits, 3));
	CHECK_DONE(ept_set(alone, ~0ull, EPT_R | EPT_W, 4));
	TOUCH("movl $1, 8(%%rdi)", PAGES_FREE_GVA);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	CHECK_EQ(exit_before(0).qualification,
		 ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R),
		 "a right that one of the two lacks is not there");
	CHECK_EQ(exit_before(0).gpa, alone + 8, "the access' address");
}

/** Flags of RAM's entry for this page. */
static u64 flags_of(const void *address)
{
	return (u64)service(SERVICE_EPT_READ, (u64)address, 1) &
	       (EPT_ACCESSED | EPT_DIRTY);
}

TEST_EPT(accessed_and_dirty_flags_are_set)
{
	CHECK_DONE(ept_use(1, EPTP_ACCESSED_DIRTY));
	CHECK_EQ(flags_of(page), 0, "nobody has been there");
	TOUCH("mov (%%rdi), %%ebx", page);
	CHECK_EQ(flags_of(page), EPT_ACCESSED, "a read sets accessed");
	TOUCH("mov %%ebx, (%%rdi)", page);
	CHECK_EQ(flags_of(page), EPT_ACCESSED | EPT_DIRTY,
		 "a write sets dirty (SDM 3C 29.3.5)");
	CHECK_EQ((u64)service(SERVICE_EPT_READ, (u64)page, 2) & EPT_ACCESSED,
		 EPT_ACCESSED, "tables on the way are accessed");
	CHECK_EQ(exit_before(0).reason, ~0ull, "none of that exits");
}

TEST_EPT(flags_stay_0_unless_the_pointer_asks)
{
	TOUCH("mov %%ebx, (%%rdi)", page);
	CHECK_EQ(flags_of(page), 0, "bit 6 of the EPT pointer is 0");
}

/** With these flags a walk counts as a write, whatever it sets. */
TEST_EPT(walks_of_tables_write_with_flags_on)
{
	table[0] = 0;
	CHECK_DONE(ept_use(1, EPTP_ACCESSED_DIRTY));
	pages_map(gva(PAGES_FREE_GVA), gpa((u64)page), PAGES_WRITE);
	TOUCH("mov (%%rdi), %%ebx", PAGES_FREE_GVA);
	CHECK_EQ(exit_before(0).reason, ~0ull, "a walk sets flags");
}
