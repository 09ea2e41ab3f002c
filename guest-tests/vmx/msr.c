/** @file
 * MSRs: RDMSR and WRMSR by bitmap, and the lists that entry and exit load.
 *
 * The bitmap has a quarter each for reads and writes of the low and the high
 * MSRs (SDM 3C 25.6.9); all others exit.  A list is an array of 16-byte entries
 * in memory (25.7.2, 25.8.2).
 */
#include "guest-tests/vmx/vmx.h"

#define MSR_TSC 0x10
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_KERNEL_GS_BASE 0xc0000102

static u8 bitmap[4096] __aligned(4096);

static void use_bitmap(void)
{
	CHECK_DONE(service(SERVICE_POINT, FIELD_MSR_BITMAP, (u64)bitmap));
}

/** Make reads or writes of an MSR exit. */
static void intercept(u32 msr, bool write)
{
	u32 index = msr & 0x1fff;

	bitmap[(write ? 2048 : 0) + (msr >> 31 ? 1024 : 0) + index / 8] |=
		BIT(index % 8);
}

static u64 rdmsr(u32 msr)
{
	u32 low, high;

	PROVOKE("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "cc");
	return low | (u64)high << 32;
}

static void wrmsr(u32 msr, u64 value)
{
	PROVOKE("wrmsr"
		: : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "cc");
}

/** @return whether there has been an exit that no VMCALL made */
static bool any_exit(void)
{
	struct services_exit exit;

	return !service(SERVICE_EXIT, vmcall_address(&exit), 0);
}

TEST(msr_bitmap_has_four_quarters)
{
	use_bitmap();
	intercept(MSR_SYSENTER_ESP, false);
	intercept(MSR_LSTAR, true);
	wrmsr(MSR_SYSENTER_ESP, 0x1234);
	CHECK_FALSE(any_exit(), "a write does not exit by a read's bit");
	CHECK_EQ(rdmsr(MSR_LSTAR), 0, "LSTAR is 0 in the beginning");
	CHECK_FALSE(any_exit(), "a read does not exit by a write's bit");
	CHECK_EQ(rdmsr(MSR_SYSENTER_ESP), GIVEN_LOW | (u64)GIVEN_HIGH << 32,
		 "the rig's RDMSR arrives in the guest");
	CHECK_EXIT(EXIT_RDMSR, 2, 0);
	wrmsr(MSR_LSTAR, 0x5678);
	CHECK_EXIT(EXIT_WRMSR, 2, 0);
}

TEST(msrs_outside_of_the_bitmap_exit)
{
	use_bitmap();
	(void)rdmsr(0x2000);
	CHECK_EXIT(EXIT_RDMSR, 2, 0);
	(void)rdmsr(0xbfffffff);
	CHECK_EXIT(EXIT_RDMSR, 2, 0);
	wrmsr(0xc0002000, 0);
	CHECK_EXIT(EXIT_WRMSR, 2, 0);
	wrmsr(0xffffffff, 0);
	CHECK_EXIT(EXIT_WRMSR, 2, 0);
}

TEST(without_a_bitmap_all_msrs_exit)
{
	CLEAR(FIELD_CPU, CPU_MSR_BITMAPS);
	(void)rdmsr(MSR_TSC);
	CHECK_EXIT(EXIT_RDMSR, 2, 0);
	wrmsr(MSR_LSTAR, 0);
	CHECK_EXIT(EXIT_WRMSR, 2, 0);
}

TEST(msrs_of_the_guest_keep_their_values)
{
	use_bitmap();
	wrmsr(MSR_SYSENTER_CS, 0x33);
	wrmsr(MSR_SYSENTER_ESP, 0xffff800000001234);
	wrmsr(MSR_FS_BASE, 0x77000);
	wrmsr(MSR_KERNEL_GS_BASE, 0x88000);
	PROVOKE("cpuid" : : "a"(0) : "ebx", "ecx", "edx", "cc");
	CHECK_EQ(rdmsr(MSR_SYSENTER_CS), 0x33, "SYSENTER_CS");
	CHECK_EQ(rdmsr(MSR_SYSENTER_ESP), 0xffff800000001234, "SYSENTER_ESP");
	CHECK_EQ(rdmsr(MSR_FS_BASE), 0x77000, "FS_BASE");
	CHECK_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x88000, "KERNEL_GS_BASE");
	CHECK_EQ(service(SERVICE_VMREAD, 0x482a, 0), 0x33,
		 "GUEST_SYSENTER_CS is saved by an exit (SDM 3C 28.3.1)");
	CHECK_EQ(service(SERVICE_VMREAD, 0x680e, 0), 0x77000,
		 "and GUEST_FS_BASE");
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

static u64 msr_value;
static u32 msr_number;

static void do_wrmsr(void)
{
	wrmsr(msr_number, msr_value);
}

TEST(bad_values_of_passed_msrs_are_gp)
{
	struct trap trap;

	use_bitmap();
	msr_number = MSR_FS_BASE;
	msr_value = 1ull << 63;
	trap_catch(do_wrmsr, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "a non-canonical FS_BASE is #GP");
	msr_number = MSR_EFER;
	msr_value = 0xd01 & ~BIT(8);
	trap_catch(do_wrmsr, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "EFER.LME cannot change while paging");
	msr_value = 0xd01 | BIT(2);
	trap_catch(do_wrmsr, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "a reserved bit of EFER is #GP");
	msr_number = MSR_PAT;
	msr_value = 2;
	trap_catch(do_wrmsr, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "a memory type 2 in PAT is #GP");
	CHECK_FALSE(any_exit(), "none of them exits");
}

/** An entry of a list, SDM 3C table 25-14. */
struct list_entry {
	u32 msr;
	u32 reserved;
	u64 value;
};

static struct list_entry list[256] __aligned(4096);

TEST(entry_loads_the_msrs_of_its_list)
{
	use_bitmap();
	list[0] = (struct list_entry){ MSR_LSTAR, 0, 0x111 };
	list[1] = (struct list_entry){ MSR_FMASK, 0, 0x222 };
	CHECK_DONE(service(SERVICE_POINT, FIELD_ENTRY_LOAD, (u64)list));
	VMWRITE(FIELD_ENTRY_LOAD_COUNT, 2);
	CHECK_EQ(rdmsr(MSR_LSTAR), 0x111, "the first entry was loaded");
	CHECK_EQ(rdmsr(MSR_FMASK), 0x222, "and the second");
	wrmsr(MSR_LSTAR, 0x333);
	list[0].value = 0x444;
	VMWRITE(FIELD_ENTRY_LOAD_COUNT, 1);
	CHECK_EQ(rdmsr(MSR_LSTAR), 0x444, "each entry loads it anew");
	VMWRITE(FIELD_ENTRY_LOAD_COUNT, 0);
	wrmsr(MSR_LSTAR, 0);
	wrmsr(MSR_FMASK, 0);
}

TEST(exit_stores_the_msrs_of_its_list)
{
	use_bitmap();
	list[0] = (struct list_entry){ MSR_LSTAR, 0, ~0ull };
	list[1] = (struct list_entry){ MSR_KERNEL_GS_BASE, 0, ~0ull };
	CHECK_DONE(service(SERVICE_POINT, FIELD_EXIT_STORE, (u64)list));
	VMWRITE(FIELD_EXIT_STORE_COUNT, 2);
	wrmsr(MSR_LSTAR, 0x555);
	wrmsr(MSR_KERNEL_GS_BASE, 0x666);
	VMWRITE(FIELD_EXIT_STORE_COUNT, 0);
	CHECK_EQ(list[0].value, 0x555, "the guest's value at the exit");
	CHECK_EQ(list[1].value, 0x666, "of each entry");
	wrmsr(MSR_LSTAR, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

TEST(exit_loads_the_hosts_msrs_of_its_list)
{
	use_bitmap();
	list[0] = (struct list_entry){ MSR_LSTAR, 0, 0x777 };
	CHECK_DONE(service(SERVICE_POINT, FIELD_EXIT_LOAD, (u64)list));
	wrmsr(MSR_LSTAR, 0x888);
	VMWRITE(FIELD_EXIT_LOAD_COUNT, 1);
	CHECK_EQ(rdmsr(MSR_LSTAR), 0x888, "an entry does not load them");
	CHECK_EQ(service(SERVICE_NOTHING, 0, 0), 0, "one exit");
	CHECK_EQ(rdmsr(MSR_LSTAR), 0x777,
		 "LSTAR is not switched, so the guest has what the exit "
		 "loaded (SDM 3C 28.6)");
	VMWRITE(FIELD_EXIT_LOAD_COUNT, 0);
	wrmsr(MSR_LSTAR, 0);
}
