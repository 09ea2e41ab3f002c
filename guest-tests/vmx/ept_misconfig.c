/** @file
 * EPT misconfigurations: entries that cannot be (SDM 3C 29.3.3.1).
 *
 * The exit has no qualification and no linear address; the guest-physical one
 * is the access', whatever level the bad entry stands at.
 */
#include "guest-tests/vmx/ept.h"

static u8 page[2][4096] __aligned(4096);

/** A place with an entry at each level and nobody else around. */
#define FAR 0x8000000000ull
#define FAR_GVA PAGES_FREE_GVA

/** The entry for `page` is bad, whatever the access. */
#define CHECK_BAD_LEAF(bits) \
	do { \
		CHECK_DONE(ept_set((u64)page[1], (u64)page[1], (bits), 1)); \
		CHECK_DONE(ept_invalidate()); \
		TOUCH("mov 0x10(%%rdi), %%ebx", page[1]); \
		CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG); \
		CHECK_EQ(exit_before(0).gpa, (u64)page[1] + 0x10, \
			 "the access' guest-physical address"); \
	} while (0)

TEST_EPT(writable_but_not_readable_is_misconfigured)
{
	CHECK_BAD_LEAF(EPT_W | EPT_WB);
	CHECK_BAD_LEAF(EPT_W | EPT_X | EPT_WB);
	TOUCH("movl $1, 0x10(%%rdi)", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG);
	TOUCH("jmp *%%rdi", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG);
	CHECK_EQ(exit_before(0).gpa, (u64)page[1], "a fetch's address");
	CHECK_EQ(exit_before(0).qualification, 0,
		 "there is no qualification (SDM 3C 28.2.1)");
}

TEST_EPT(reserved_memory_types_are_misconfigured)
{
	CHECK_BAD_LEAF(EPT_RWX | 2 << 3);
	CHECK_BAD_LEAF(EPT_RWX | 3 << 3);
	CHECK_BAD_LEAF(EPT_R | 7 << 3);
}

TEST_EPT(other_memory_types_are_not)
{
	static const u8 good[] = { 0, 1, 4, 5, 6 };

	for (u64 i = 0; i < ARRAY_SIZE(good); i++) {
		u64 bits = EPT_R | (u64)good[i] << 3;

		CHECK_DONE(ept_set((u64)page[1], (u64)page[1], bits, 1));
		CHECK_DONE(ept_invalidate());
		TOUCH("mov (%%rdi), %%ebx", page[1]);
		CHECK_EQ(exit_before(0).reason, ~0ull,
			 "UC, WC, WT, WP and WB are memory types");
	}
}

TEST_EPT(address_beyond_maxphyaddr_is_misconfigured)
{
	CHECK_BAD_LEAF(EPT_RWX | EPT_WB | BIT(51));
	CHECK_BAD_LEAF(EPT_R | EPT_WB | BIT(48));
}

TEST_EPT(ignored_bits_are_ignored)
{
	u64 bits = EPT_R | EPT_WB | BITS(11, 10) | BITS(62, 53);

	CHECK_DONE(ept_set((u64)page[1], (u64)page[1], bits, 1));
	CHECK_DONE(ept_invalidate());
	TOUCH("mov (%%rdi), %%ebx", page[1]);
	CHECK_EQ(exit_before(0).reason, ~0ull, "they are software's");
}

TEST_EPT(entry_without_rights_is_absent_whatever_else)
{
	CHECK_DONE(ept_set((u64)page[1], ~0ull, BIT(51) | 7 << 3, 1));
	CHECK_DONE(ept_invalidate());
	TOUCH("mov (%%rdi), %%ebx", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
}

/** The table entry above FAR's gets these bits; what is below is good. */
static void spoil_table(u64 level, u64 bits)
{
	CHECK_DONE(ept_set(FAR, (u64)page[1], EPT_RWX | EPT_WB, 1));
	for (u64 i = 2; i <= 4; i++) {
		CHECK_DONE(ept_set(FAR, ~0ull, i == level ? bits : EPT_RWX, i));
	}
	CHECK_DONE(ept_invalidate());
	pages_map(gva(FAR_GVA), gpa(FAR), PAGES_WRITE);
}

#define CHECK_BAD_TABLE(level, bits) \
	do { \
		spoil_table((level), (bits)); \
		TOUCH("mov 0x20(%%rdi), %%ebx", FAR_GVA); \
		CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG); \
		CHECK_EQ(exit_before(0).gpa, FAR + 0x20, \
			 "the access' address, not the entry's"); \
	} while (0)

TEST_EPT(reserved_bits_of_tables_are_misconfigured)
{
	CHECK_BAD_TABLE(2, EPT_RWX | BIT(3));
	CHECK_BAD_TABLE(3, EPT_RWX | BIT(6));
	CHECK_BAD_TABLE(4, EPT_RWX | BIT(4));
	CHECK_BAD_TABLE(4, EPT_RWX | EPT_LARGE);
}

TEST_EPT(rights_of_tables_can_be_misconfigured)
{
	CHECK_BAD_TABLE(2, EPT_W);
	CHECK_BAD_TABLE(3, EPT_W | EPT_X);
	CHECK_BAD_TABLE(4, EPT_W);
	CHECK_BAD_TABLE(4, EPT_RWX | BIT(50));
}

TEST_EPT(large_leaf_of_a_reserved_type_is_misconfigured)
{
	u64 far = 0x80000000;

	CHECK_DONE(ept_set(far, 0x200000, EPT_RWX | 7 << 3 | EPT_LARGE, 2));
	CHECK_DONE(ept_invalidate());
	TOUCH("mov 0x123456(%%rdi), %%ebx", far);
	CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG);
	CHECK_EQ(exit_before(0).gpa, far + 0x123456, "the access' address");
}

/** Bochs does not look at these bits: the recorder knows. */
TEST_EPT(unaligned_large_leaf_is_misconfigured)
{
	u64 far = 0x80000000;

	CHECK_DONE(ept_set(far, 0x201000, EPT_RWX | EPT_WB | EPT_LARGE, 2));
	CHECK_DONE(ept_invalidate());
	TOUCH("cmpb $1, 0x23456(%%rdi)", far);
}

TEST_EPT(misconfigured_entries_are_never_cached)
{
	CHECK_BAD_LEAF(EPT_W | EPT_WB);
	CHECK_DONE(ept_set((u64)page[1], (u64)page[1], EPT_R | EPT_WB, 1));
	TOUCH("mov (%%rdi), %%ebx", page[1]);
	CHECK_EQ(exit_before(1).reason, ~0ull,
		 "a good entry counts at once (SDM 3C 29.4.3)");
}

TEST_EPT(page_table_behind_a_bad_entry_is_misconfigured)
{
	static u64 pt[512] __aligned(4096);

	pages_map(gva(FAR_GVA), gpa((u64)page[0]), PAGES_WRITE);
	CHECK_DONE(ept_set((u64)pt, (u64)pt, EPT_W, 1));
	CHECK_DONE(ept_invalidate());
	TOUCH("mov 0x18(%%rdi), %%ebx", pt);
	CHECK_REASON(exit_before(0), EXIT_EPT_MISCONFIG);
	CHECK_EQ(exit_before(0).gpa, (u64)pt + 0x18, "its address");
}
