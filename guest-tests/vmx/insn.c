/** @file
 * Instructions that exit always, or by a control of their own, and say nothing
 * but how long they are (SDM 3C 26.1.2 and 26.1.3).
 */
#include "guest-tests/vmx/vmx.h"

TEST(cpuid_exits_always)
{
	u32 a = 0x41, b;

	PROVOKE("cpuid" : "+a"(a), "=b"(b) : : "ecx", "edx", "cc");
	CHECK_EXIT(EXIT_CPUID, 2, 0);
	CHECK_EQ(a, 0x42, "the rig's CPUID arrives in the guest");
	PROVOKE(".byte 0x66, 0xf2, 0x48, 0x0f, 0xa2"
		: "+a"(a) : : "ebx", "ecx", "edx", "cc");
	CHECK_EXIT(EXIT_CPUID, 5, 0);
}

TEST(hlt_exits_when_asked)
{
	PROVOKE("hlt" : : : "cc");
	CHECK_EXIT(EXIT_HLT, 1, 0);
	PROVOKE(".byte 0x48; hlt" : : : "cc");
	CHECK_EXIT(EXIT_HLT, 2, 0);
}

TEST(invd_and_wbinvd_are_told_apart)
{
	SET(FIELD_CPU2, CPU2_WBINVD);
	PROVOKE("invd" : : : "cc", "memory");
	CHECK_EXIT(EXIT_INVD, 2, 0);
	PROVOKE("wbinvd" : : : "cc", "memory");
	CHECK_EXIT(EXIT_WBINVD, 2, 0);
	CLEAR(FIELD_CPU2, CPU2_WBINVD);
	PROVOKE("wbinvd" : : : "cc", "memory");
	CHECK_EXIT(EXIT_WBINVD, 2, 0);
	PROVOKE("invd" : : : "cc", "memory");
	CHECK_EXIT(EXIT_INVD, 2, 0);
}

TEST(invlpg_tells_its_linear_address)
{
	SET(FIELD_CPU, CPU_INVLPG);
	PROVOKE("invlpg 0x7123" : : : "cc", "memory");
	CHECK_EXIT(EXIT_INVLPG, 8, 0x7123);
	PROVOKE("invlpg 0x10(%0,%1,8)" : : "a"(0x123456780000), "c"(0x1000ull)
		: "cc", "memory");
	CHECK_EXIT(EXIT_INVLPG, 5, 0x123456788010);
	PROVOKE("invlpg -8(%%r12)" : : : "cc", "memory");
	PROVOKE("invlpg 0x10(%%eax)" : : "a"(0xfffffffffffffff8)
		: "cc", "memory");
	CHECK_EXIT(EXIT_INVLPG, 5, 8);
	PROVOKE("1: invlpg 1b(%%rip)" : : : "cc", "memory");
	CHECK_EQ(exit_before(0).qualification, exit_before(0).rip,
		 "a RIP-relative operand counts from the next instruction");
}

TEST(invlpg_adds_the_segment_base)
{
	SET(FIELD_CPU, CPU_INVLPG);
	VMWRITE(0x680e, 0x100000000); /* GUEST_FS_BASE */
	PROVOKE("invlpg %%fs:0x7000" : : : "cc", "memory");
	CHECK_EXIT(EXIT_INVLPG, 9, 0x100007000);
}

TEST(rdpmc_exits_when_asked)
{
	u32 a = 0, d;

	SET(FIELD_CPU, CPU_RDPMC);
	PROVOKE("rdpmc" : "+a"(a), "=d"(d) : "c"(0) : "cc");
	CHECK_EXIT(EXIT_RDPMC, 2, 0);
	CHECK_EQ(a, GIVEN_LOW, "the rig's RDPMC arrives in the guest");
}

TEST(rdtsc_and_rdtscp_are_told_apart)
{
	u32 a = 0, c = 0, d = 0;

	SET(FIELD_CPU, CPU_RDTSC);
	PROVOKE("rdtsc" : "+a"(a), "+d"(d) : : "cc");
	CHECK_EXIT(EXIT_RDTSC, 2, 0);
	CHECK_EQ(d, GIVEN_HIGH, "the rig's RDTSC arrives in the guest");
	PROVOKE("rdtscp" : "+a"(a), "+c"(c), "+d"(d) : : "cc");
	CHECK_EXIT(EXIT_RDTSCP, 3, 0);
	CHECK_EQ(c, GIVEN_LOW + 1, "the rig's RDTSCP arrives in the guest");
}

/** The upper half of the guest's TSC; nothing of it is left in a register. */
static void read_tsc(volatile u32 *high)
{
	*high = 0; /* no page fault behind RDTSC */
	asm volatile("rdtsc\n\t"
		     "mov %%edx, %0\n\t"
		     "xor %%eax, %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "cmp %%esp, %%esp"
		     : "=m"(*high) : : "eax", "edx", "cc");
}

static volatile u32 tsc_before, tsc_after;

TEST(tsc_offset_moves_the_guests_clock)
{
	VMWRITE(FIELD_TSC_OFFSET, 0x1234500000000);
	read_tsc(&tsc_before);
	SET(FIELD_CPU, CPU_TSC_OFFSETTING);
	read_tsc(&tsc_after);
	CHECK_TRUE(tsc_after - tsc_before - 0x12345 < 16,
		   "RDTSC gives the host's TSC plus TSC_OFFSET (SDM 3C 26.3)");
	CLEAR(FIELD_CPU, CPU_TSC_OFFSETTING);
	read_tsc(&tsc_after);
	CHECK_TRUE(tsc_after - tsc_before < 16,
		   "TSC_OFFSET means nothing while offsetting is off");
}

static void do_rdtscp(void)
{
	PROVOKE("rdtscp" : : : "eax", "ecx", "edx", "cc");
}

TEST(rdtscp_is_undefined_when_disabled)
{
	struct trap trap;

	CLEAR(FIELD_CPU2, CPU2_RDTSCP);
	trap_catch(do_rdtscp, &trap);
	CHECK_EQ(trap.vector, TRAP_UD,
		 "RDTSCP is #UD while it is not enabled (SDM 3C 26.3)");
	SET(FIELD_CPU, CPU_RDTSC);
	trap_catch(do_rdtscp, &trap);
	CHECK_EQ(trap.vector, TRAP_UD,
		 "and has priority over RDTSC exiting (SDM 3C 26.1.1)");
}

TEST(pause_exits_when_asked)
{
	PROVOKE("pause" : : : "cc");
	SET(FIELD_CPU, CPU_PAUSE);
	PROVOKE("pause" : : : "cc");
	CHECK_EXIT(EXIT_PAUSE, 2, 0);
	PROVOKE("nop" : : : "cc");
	CHECK_EQ(service(SERVICE_EXIT, vmcall_address(&(struct services_exit){}),
			 1), -ENOENT, "a PAUSE exits once");
}

TEST(monitor_and_mwait_exit_when_asked)
{
	static u64 line;

	SET(FIELD_CPU, CPU_MONITOR | CPU_MWAIT);
	PROVOKE("monitor" : : "a"(&line), "c"(0), "d"(0) : "cc");
	CHECK_EXIT(EXIT_MONITOR, 3, 0);
	PROVOKE("mwait" : : "a"(0), "c"(0) : "cc");
	CHECK_EXIT(EXIT_MWAIT, 3, 0);
}

TEST(vmcall_exits_always)
{
	s64 result;

	PROVOKE("vmcall" : "=a"(result) : "a"((u64)SERVICE_NOTHING) : "cc");
	CHECK_EQ(result, 0, "VMCALL is a service of the rig");
	PROVOKE(".byte 0x4f; vmcall"
		: "=a"(result) : "a"((u64)SERVICE_NOTHING) : "cc");
	CHECK_EQ(result, 0, "a REX prefix changes nothing about VMCALL but its "
		 "length");
}
