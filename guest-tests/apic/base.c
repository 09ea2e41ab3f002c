/** @file
 * IA32_APIC_BASE, and what CPUID says of the local APIC.
 */
#include "guest-tests/apic/apic.h"

#define BASE_BSP BIT(8)
#define BASE_EXTD BIT(10)
#define BASE_EN BIT(11)
#define ELSEWHERE 0xe0000000ull

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static struct cpuid cpuid(u32 leaf)
{
	struct cpuid r;

	asm volatile("cpuid"
		     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "a"(leaf), "c"(0));
	return r;
}

TEST(cpuid_has_an_apic)
{
	CHECK_TRUE(cpuid(1).edx & BIT(9), "CPUID says that there is an APIC");
	CHECK_FALSE(cpuid(1).ecx & BIT(21), "... and no x2APIC mode");
	CHECK_TRUE(cpuid(1).ecx & BIT(24), "its timer has TSC-deadline mode");
	CHECK_EQ(cpuid(1).ebx >> 24, 0, "the first one's ID is 0");
}

TEST(base_says_where_and_who)
{
	CHECK_EQ(apic_rdmsr(APIC_MSR_BASE), APIC_GPA | BASE_EN | BASE_BSP,
		 "the first vCPU is the bootstrap processor, its APIC at "
		 "0xfee00000 (SDM 3A 11.4.4)");
}

TEST(apic_can_be_moved)
{
	apic_begin();
	apic_write(APIC_TPR, 0x30);
	apic_wrmsr(APIC_MSR_BASE, ELSEWHERE | BASE_EN | BASE_BSP);
	CHECK_EQ(mmio_read4(ELSEWHERE + APIC_TPR), 0x30,
		 "an APIC that is moved answers there (SDM 3A 11.4.5)");
	CHECK_EQ(apic_read(APIC_TPR), 0xffffffff,
		 "where it was there is nobody");
	apic_wrmsr(APIC_MSR_BASE, APIC_GPA | BASE_EN | BASE_BSP);
	CHECK_EQ(apic_read(APIC_TPR), 0x30, "it can be moved back");
	CHECK_EQ(mmio_read4(ELSEWHERE + APIC_TPR), 0xffffffff,
		 "then the other place is empty again");
}

static u64 wanted;

static void write_base(void)
{
	apic_wrmsr(APIC_MSR_BASE, wanted);
}

static void refuse(u64 value, const char *rule)
{
	struct trap trap;

	wanted = value;
	trap_catch(write_base, &trap);
	check_equal(CHECK_PLACE(rule, FORMAT_DECIMAL), trap.vector, TRAP_GP);
}

TEST(bases_that_cannot_be)
{
	refuse(APIC_GPA | BASE_EN | BASE_EXTD | BASE_BSP,
	       "x2APIC mode cannot be switched on: #GP");
	refuse(APIC_GPA | BASE_EN | BASE_BSP | 1, "bit 0 is reserved: #GP");
	refuse(APIC_GPA | BASE_EN | BASE_BSP | BIT(9), "bit 9 as well");
	refuse(APIC_GPA | BASE_EN | BASE_BSP | BIT(60),
	       "so are bits beyond the physical address");
	CHECK_EQ(apic_rdmsr(APIC_MSR_BASE), APIC_GPA | BASE_EN | BASE_BSP,
		 "nothing has changed");
}

TEST(apic_can_be_moved_only_so_often)
{
	u64 moves = 0;
	struct trap trap;

	do {
		moves++;
		wanted = (ELSEWHERE + (moves << 12)) | BASE_EN | BASE_BSP;
		trap_catch(write_base, &trap);
	} while (trap.vector == TRAP_NONE && moves < 1000);
	CHECK_EQ(trap.vector, TRAP_GP,
		 "a guest that moves its APIC on and on gets #GP at last");
	CHECK_EQ(mmio_read4(ELSEWHERE + ((moves - 1) << 12) + APIC_VERSION),
		 0x50014, "its APIC is where it was moved to last");
}

TEST(apic_can_be_switched_off)
{
	struct apic_seen *seen = apic_begin();

	apic_write(APIC_TPR, 0x30);
	apic_wrmsr(APIC_MSR_BASE, APIC_GPA | BASE_BSP);
	CHECK_FALSE(cpuid(1).edx & BIT(9),
		    "without EN there is none, says CPUID (SDM 3A 11.4.3)");
	CHECK_EQ(apic_read(APIC_VERSION), 0xffffffff, "and nobody answers");
	apic_wrmsr(APIC_MSR_BASE, APIC_GPA | BASE_EN | BASE_BSP);
	CHECK_EQ(apic_read(APIC_TPR), 0, "on again, it is as after reset");
	CHECK_EQ(apic_read(APIC_SVR), 0xff, "disabled by software, too");
	CHECK_COUNT(seen->total, 0, "no interrupt came of all that");
}
