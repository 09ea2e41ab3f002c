/** @file
 * The guest's own page tables under the EPT (SDM 3C 29.3.3.2).
 *
 * A processor reads each entry of the guest's tables through the EPT, and
 * writes to it when an accessed or dirty bit is to be set.  A violation there
 * has bit 8 of its qualification clear: the linear address is the one that was
 * being translated, the guest-physical one that of the entry.
 */
#include "guest-tests/vmx/ept.h"

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_TABLE (PTE_P | PTE_W | PTE_A)

/** Where the tables below translate: PML4 entry 300, all else index 0. */
#define FAR_GVA 0xffff960000000000ull
#define FAR_INDEX 300

/* One page each, so that the EPT can tell them apart. */
static u64 pdpt[512] __aligned(4096);
static u64 pd[512] __aligned(4096);
static u64 pt[512] __aligned(4096);
static u8 data[2][4096] __aligned(4096);

/** Two pages at FAR_GVA; their PTEs have these bits beside P and W. */
static void build(u64 flags)
{
	u64 *pml4;

	asm volatile("mov %%cr3, %0" : "=r"(pml4));
	pml4[FAR_INDEX] = (u64)pdpt | PTE_TABLE;
	pdpt[0] = (u64)pd | PTE_TABLE;
	pd[0] = (u64)pt | PTE_TABLE;
	pt[0] = (u64)data[0] | PTE_P | PTE_W | flags;
	pt[1] = (u64)data[1] | PTE_P | PTE_W | flags;
	asm volatile("mov %0, %%cr3" : : "r"(pml4) : "memory");
}

/** The last exit: a violation at this entry, translating FAR_GVA + offset. */
#define CHECK_WALK(qual, table_entry, offset) \
	do { \
		struct services_exit exit_ = exit_before(0); \
		CHECK_REASON(exit_, EXIT_EPT_VIOLATION); \
		CHECK_EQ(exit_.qualification, (qual), \
			 "a violation in a walk has bit 8 clear " \
			 "(SDM 3C table 28-7)"); \
		CHECK_EQ(exit_.gpa, (u64)(table_entry), \
			 "the guest-physical address is the entry's"); \
		CHECK_EQ(exit_.gla, FAR_GVA + (offset), \
			 "the linear one is what is translated"); \
	} while (0)

TEST_EPT(absent_page_table_is_read)
{
	build(PTE_A | PTE_D);
	HIDE(pt);
	TOUCH("mov 0x10(%%rdi), %%ebx", FAR_GVA);
	CHECK_WALK(QUAL_READ | QUAL_GLA, pt, 0x10);
	TOUCH("movl $1, 0x1018(%%rdi)", FAR_GVA);
	CHECK_WALK(QUAL_READ | QUAL_GLA, &pt[1], 0x1018);
	TOUCH("jmp *%%rdi", FAR_GVA);
	CHECK_WALK(QUAL_READ | QUAL_GLA, pt, 0);
}

TEST_EPT(every_table_of_the_walk_is_read)
{
	build(PTE_A | PTE_D);
	HIDE(pd);
	TOUCH("mov (%%rdi), %%ebx", FAR_GVA);
	CHECK_WALK(QUAL_READ | QUAL_GLA, pd, 0);
	ALLOW(pd, EPT_RWX);
	HIDE(pdpt);
	TOUCH("mov (%%rdi), %%ebx", FAR_GVA);
	CHECK_WALK(QUAL_READ | QUAL_GLA, pdpt, 0);
}

/** Bochs sets them through a read-only mapping: the recorder knows. */
TEST_EPT(setting_an_accessed_bit_is_a_write)
{
	build(0);
	ALLOW(pt, EPT_R);
	TOUCH("cmpb $1, 8(%%rdi)", FAR_GVA);
}

TEST_EPT(setting_a_dirty_bit_is_a_write)
{
	build(PTE_A);
	ALLOW(pt, EPT_R);
	TOUCH("mov 8(%%rdi), %%ebx", FAR_GVA);
	CHECK_EQ(exit_before(0).reason, ~0ull,
		 "reading needs no more than the accessed bit, which is set");
	TOUCH("movl $1, 8(%%rdi)", FAR_GVA);
}

TEST_EPT(walks_through_read_only_tables_go_on)
{
	build(PTE_A | PTE_D);
	ALLOW(pt, EPT_R);
	ALLOW(pd, EPT_R);
	ALLOW(pdpt, EPT_R);
	data[0][1] = 0x31;
	TOUCH("mov (%%rdi), %%ebx", FAR_GVA);
	TOUCH("movb $0x32, 1(%%rdi)", FAR_GVA);
	CHECK_EQ(exit_before(0).reason, ~0ull,
		 "with accessed and dirty bits set nothing is written");
	CHECK_EQ(data[0][1], 0x32, "the store has been made");
}

TEST_EPT(stores_to_a_read_only_table_exit)
{
	build(PTE_A | PTE_D);
	ALLOW(pt, EPT_R);
	TOUCH("mov (%%rdi), %%ebx", FAR_GVA);
	CHECK_EQ(exit_before(0).reason, ~0ull, "a walk goes through it");
	TOUCH("movq $0, 0x800(%%rdi)", pt);
	CHECK_VIOLATION(QUAL_GLA | QUAL_ACCESS | QUAL_WRITE |
				QUAL_RIGHTS(EPT_R), (u64)pt + 0x800);
	TOUCH("mov (%%rdi), %%ebx", FAR_GVA + 0x1000);
	TOUCH("lock orq $0, 8(%%rdi)", pt);
	CHECK_EQ(exit_before(0).gpa, (u64)&pt[1],
		 "whatever walks have gone through it before");
}

TEST_EPT(page_behind_good_tables_faults_as_an_access)
{
	build(PTE_A | PTE_D);
	HIDE(data[1]);
	TOUCH("mov 0x1234(%%rdi), %%ebx", FAR_GVA);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	CHECK_EQ(exit_before(0).qualification,
		 QUAL_READ | QUAL_GLA | QUAL_ACCESS,
		 "the walk was all right, the access is not");
	CHECK_EQ(exit_before(0).gpa, (u64)data[1] + 0x234, "the page's GPA");
	CHECK_EQ(exit_before(0).gla, FAR_GVA + 0x1234, "the access' GLA");
}

TEST_EPT(page_fault_comes_before_the_violation)
{
	build(PTE_A | PTE_D);
	pt[1] = 0;
	HIDE(data[1]);
	VMWRITE(FIELD_EXCEPTION_BITMAP, BIT(14));
	TOUCH("mov 0x1000(%%rdi), %%ebx", FAR_GVA);
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION);
	CHECK_EQ(exit_before(0).qualification, FAR_GVA + 0x1000,
		 "what the guest's tables do not map is the guest's fault");
}
