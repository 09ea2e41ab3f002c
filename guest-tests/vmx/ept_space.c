/** @file
 * What translations belong to: an EPT pointer, a VPID, or both
 * (SDM 3C 29.4.1), and what forgets them.
 *
 *	guest-physical mappings   EPT pointer           INVEPT
 *	combined mappings         EPT pointer and VPID  INVEPT, INVVPID
 *
 * A processor may always forget more than it must.  So it is tested that what
 * must be forgotten is, and that what belongs to somebody else is not used.
 */
#include "guest-tests/vmx/ept.h"

#define INVEPT_ONE 1
#define INVEPT_ALL 2
#define INVVPID_ADDRESS 0
#define INVVPID_ONE 1
#define INVVPID_ALL 2
#define INVVPID_ONE_BUT_GLOBAL 3

#define FAR 0x60000000ull
#define FAR_GVA 0xffff960000000000ull
#define FAR_INDEX 300

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_ALL (PTE_P | PTE_W | PTE_A | PTE_D)

static u8 page[2][4096] __aligned(4096);
static u64 pdpt[512] __aligned(4096);
static u64 pd[512] __aligned(4096);
static u64 pt[512] __aligned(4096);

static u32 read_at(u64 address)
{
	u32 seen;

	asm volatile("movzbl (%1), %0" : "=r"(seen) : "D"(address) : "memory");
	return seen;
}

/** In this space FAR is that page, with these rights. */
static void map_far(u64 space, const u8 *to, u64 rights)
{
	CHECK_DONE(ept_use(space, 0));
	CHECK_DONE(ept_set(FAR, to ? (u64)to : ~0ull,
			   to ? rights | EPT_WB : 0, 1));
}

static void fill_pages(void)
{
	page[0][0] = 0x11;
	page[1][0] = 0x22;
}

TEST_EPT(each_ept_pointer_has_its_own_translations)
{
	fill_pages();
	map_far(0, page[0], EPT_R);
	map_far(1, page[1], EPT_R);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_DONE(ept_use(0, 0));
		CHECK_EQ(read_at(FAR), 0x11, "the first EPT's page");
		CHECK_DONE(ept_use(1, 0));
		CHECK_EQ(read_at(FAR), 0x22, "the second EPT's page, with no "
			 "INVEPT in between (SDM 3C 29.4.1)");
	}
	CHECK_EQ(exit_before(0).reason, ~0ull, "none of that exits");
}

TEST_EPT(each_ept_pointer_has_its_own_rights)
{
	map_far(0, page[0], EPT_RWX);
	map_far(1, page[0], EPT_R);
	TOUCH("movb %%al, (%%rdi)", FAR);
	CHECK_VIOLATION(QUAL_WRITE | QUAL_GLA | QUAL_ACCESS |
				QUAL_RIGHTS(EPT_R), FAR);
	CHECK_DONE(ept_use(0, 0));
	TOUCH("movb %%al, (%%rdi)", FAR);
	CHECK_EQ(exit_before(1).reason, ~0ull, "there it may be written");
	map_far(1, NULL, 0);
	CHECK_DONE(service(SERVICE_INVEPT, INVEPT_ONE, 1));
	TOUCH("movb (%%rdi), %%al", FAR);
	CHECK_VIOLATION(QUAL_READ | QUAL_GLA | QUAL_ACCESS, FAR);
}

TEST_EPT(invept_of_one_forgets_while_on_another)
{
	fill_pages();
	map_far(1, page[0], EPT_R);
	CHECK_EQ(read_at(FAR), 0x11, "the page before");
	map_far(1, page[1], EPT_R);
	CHECK_DONE(ept_use(0, 0));
	CHECK_DONE(service(SERVICE_INVEPT, INVEPT_ONE, 1));
	CHECK_DONE(ept_use(1, 0));
	CHECK_EQ(read_at(FAR), 0x22, "the page after");
}

TEST_EPT(invept_of_all_forgets_all)
{
	fill_pages();
	for (u64 space = 0; space < 2; space++) {
		map_far(space, page[space], EPT_R);
		CHECK_EQ(read_at(FAR), space ? 0x22 : 0x11, "the pages before");
	}
	map_far(0, page[1], EPT_R);
	map_far(1, page[0], EPT_R);
	CHECK_DONE(service(SERVICE_INVEPT, INVEPT_ALL, 0));
	CHECK_EQ(read_at(FAR), 0x11, "the second EPT's page after");
	CHECK_DONE(ept_use(0, 0));
	CHECK_EQ(read_at(FAR), 0x22, "the first EPT's page after");
}

/** FAR_GVA is page 0, by tables of its own. */
static void build(void)
{
	u64 *pml4;

	fill_pages();
	asm volatile("mov %%cr3, %0" : "=r"(pml4));
	pml4[FAR_INDEX] = (u64)pdpt | PTE_ALL;
	pdpt[0] = (u64)pd | PTE_ALL;
	pd[0] = (u64)pt | PTE_ALL;
	pt[0] = (u64)page[0] | PTE_ALL;
	asm volatile("mov %0, %%cr3" : : "r"(pml4) : "memory");
}

static void use_vpid(u64 vpid)
{
	VMWRITE(FIELD_VPID, vpid);
	SET(FIELD_CPU2, CPU2_VPID);
}

/** The guest's tables change, it says nothing, but the hypervisor does. */
#define CHECK_FORGETS(type, vpid, address) \
	do { \
		pt[0] = (u64)page[0] | PTE_ALL; \
		CHECK_DONE(service3(SERVICE_INVVPID, INVVPID_ALL, 0, 0)); \
		CHECK_EQ(read_at(FAR_GVA), 0x11, "the page before"); \
		pt[0] = (u64)page[1] | PTE_ALL; \
		CHECK_DONE(service3(SERVICE_INVVPID, (type), (vpid), \
				    (address))); \
		CHECK_EQ(read_at(FAR_GVA), 0x22, \
			 "INVVPID forgets (SDM 3C 29.4.3.1)"); \
	} while (0)

TEST_EPT(invvpid_forgets_what_its_type_says)
{
	build();
	use_vpid(5);
	CHECK_FORGETS(INVVPID_ADDRESS, 5, FAR_GVA);
	CHECK_FORGETS(INVVPID_ONE, 5, 0);
	CHECK_FORGETS(INVVPID_ALL, 0, 0);
	CHECK_FORGETS(INVVPID_ONE_BUT_GLOBAL, 5, 0);
	CHECK_EQ(exit_before(0).reason, ~0ull, "none of that exits");
}

TEST_EPT(vpids_are_not_mixed_up)
{
	build();
	use_vpid(5);
	CHECK_EQ(read_at(FAR_GVA), 0x11, "the page before");
	pt[0] = (u64)page[1] | PTE_ALL;
	use_vpid(6);
	CHECK_EQ(read_at(FAR_GVA), 0x22, "a VPID that has seen nothing yet");
	use_vpid(5);
	CHECK_DONE(service3(SERVICE_INVVPID, INVVPID_ONE, 5, 0));
	CHECK_EQ(read_at(FAR_GVA), 0x22, "and the old one, INVVPIDed");
}

TEST_EPT(without_vpids_each_entry_forgets)
{
	build();
	CLEAR(FIELD_CPU2, CPU2_VPID);
	CHECK_EQ(read_at(FAR_GVA), 0x11, "the page before");
	pt[0] = (u64)page[1] | PTE_ALL;
	CHECK_DONE(service(SERVICE_NOTHING, 0, 0));
	CHECK_EQ(read_at(FAR_GVA), 0x22, "without VPIDs VM exits and entries "
		 "forget linear mappings (SDM 3C 29.4.3.1)");
}

TEST_EPT(vpid_0_and_bad_types_are_refused)
{
	struct services_try try = { .count = 1, .field = { FIELD_VPID } };

	use_vpid(5);
	CHECK_DONE(service(SERVICE_TRY, vmcall_address(&try), 0));
	CHECK_COUNT(try.fail, 7, "VPID 0 is the host's (SDM 3C 27.2.1.1)");
	CHECK_EQ(service3(SERVICE_INVVPID, INVVPID_ONE, 0, 0), -EINVAL,
		 "and cannot be forgotten alone");
	CHECK_EQ(service3(SERVICE_INVVPID, 4, 5, 0), -EINVAL, "no such type");
	CHECK_EQ(service3(SERVICE_INVVPID, INVVPID_ADDRESS, 5, BIT(47)),
		 -EINVAL, "the address must be canonical");
	CHECK_EQ(service(SERVICE_INVEPT, 3, 0), -EINVAL, "no such type");
}
