/** @file
 * Instructions that exit: what the guest sees must be what a processor does.
 *
 * No rule here is about MMIO.  These are the other exits of the switch in
 * hv/vcpu/exit.c: each does its instruction, steps over it, and leaves all
 * else as it was.
 */
#include "guest-tests/lib/test.h"

/* Basic exit reasons, SDM 3D appendix C */
#define EXIT_CPUID 10
#define EXIT_INVD 13
#define EXIT_INVLPG 14
#define EXIT_IO 30
#define EXIT_RDMSR 31
#define EXIT_CR 28
#define EXIT_DR 29
#define EXIT_WBINVD 54

static u64 exits(u64 reason)
{
	return (u64)vmcall1(HYPERCALL_EXITS, reason);
}

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

TEST(cpuid_hides_what_the_guest_cannot_have)
{
	struct cpuid one = cpuid(1), vendor = cpuid(0x40000000);

	CHECK_EQ(one.ecx & BIT(5), 0, "CPUID hides VMX");
	CHECK_EQ(one.ecx & BIT(3), 0, "CPUID hides MONITOR");
	CHECK_EQ(one.ecx & (BIT(26) | BIT(27)), 0, "CPUID hides XSAVE");
	CHECK_EQ(one.ecx & BIT(21), 0, "CPUID hides x2APIC");
	CHECK_EQ(one.edx & BIT(9), 0, "CPUID hides the local APIC");
	CHECK_EQ(one.ecx & BIT(31), BIT(31), "CPUID shows a hypervisor");
	CHECK_EQ(vendor.ebx, 0x74697865, "the hypervisor is called exit49");
	CHECK_EQ(vendor.ecx, 0x3934, "the hypervisor is called exit49");
	CHECK_EQ(cpuid(0x80000001).ecx & BIT(2), 0, "CPUID hides SVM");
	CHECK_EQ(cpuid(0xa).eax, 0, "CPUID hides performance counters");
}

/** All registers but the four results keep their values over an exit. */
TEST(exit_keeps_registers)
{
	u64 out[10];
	u64 before = exits(EXIT_CPUID);

	asm volatile("mov $0x11, %%r8; mov $0x12, %%r9; mov $0x13, %%r10\n\t"
		     "mov $0x14, %%r11; mov $0x15, %%r12; mov $0x16, %%r13\n\t"
		     "mov $0x17, %%r14; mov $0x18, %%r15; mov $0x19, %%rsi\n\t"
		     "push %%rdi; push %%rbp; mov %%rdi, %%rbp\n\t"
		     "xor %%eax, %%eax; xor %%ecx, %%ecx; cpuid\n\t"
		     "mov %%r8, 0(%%rbp); mov %%r9, 8(%%rbp)\n\t"
		     "mov %%r10, 16(%%rbp); mov %%r11, 24(%%rbp)\n\t"
		     "mov %%r12, 32(%%rbp); mov %%r13, 40(%%rbp)\n\t"
		     "mov %%r14, 48(%%rbp); mov %%r15, 56(%%rbp)\n\t"
		     "mov %%rsi, 64(%%rbp)\n\t"
		     "pop %%rbp; pop %%rdi"
		     :
		     : "D"(out)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10",
		       "r11", "r12", "r13", "r14", "r15", "memory");
	for (u64 i = 0; i < 9; i++) {
		CHECK_EQ(out[i], 0x11 + i, "an exit keeps the registers");
	}
	CHECK_EXITS(exits(EXIT_CPUID) - before, 1, "a CPUID is one exit");
}

TEST(exit_keeps_sse_registers)
{
	u64 low = 0x1122334455667788, seen;

	asm volatile("movq %1, %%xmm7\n\t"
		     "xor %%eax, %%eax; xor %%ecx, %%ecx; cpuid\n\t"
		     "movq %%xmm7, %0"
		     : "=&D"(seen)
		     : "S"(low)
		     : "rax", "rbx", "rcx", "rdx");
	CHECK_EQ(seen, low, "an exit keeps the SSE registers");
}

/** Set by the functions below, for what they cannot return. */
static u32 msr_number;
static u64 msr_value;

static void do_rdmsr(void)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr_number));
	msr_value = low | (u64)high << 32;
}

static void do_wrmsr(void)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr_number), "a"((u32)msr_value),
		       "d"((u32)(msr_value >> 32)));
}

static u64 rdmsr(u32 number)
{
	struct trap trap;

	msr_number = number;
	trap_catch(do_rdmsr, &trap);
	return trap.vector == TRAP_NONE ? msr_value : ~0ull;
}

static u64 wrmsr_vector(u32 number, u64 value)
{
	struct trap trap;

	msr_number = number;
	msr_value = value;
	trap_catch(do_wrmsr, &trap);
	return trap.vector;
}

TEST(unknown_msrs_are_gp)
{
	struct trap trap;

	msr_number = 0x12345;
	trap_catch(do_rdmsr, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "RDMSR of an unknown MSR is #GP");
	CHECK_EQ(trap.error, 0, "#GP of RDMSR has error code 0");
	CHECK_EQ(wrmsr_vector(0x12345, 1), TRAP_GP,
		 "WRMSR of an unknown MSR is #GP");
	CHECK_EQ(wrmsr_vector(0x480, 1), TRAP_GP,
		 "the VMX capability MSRs do not exist for a guest");
}

TEST(msrs_hold_what_is_written)
{
	u64 efer = rdmsr(0xc0000080), first;

	CHECK_EQ(efer & 0xd00, 0xd00, "EFER shows LME, LMA and NXE");
	CHECK_EQ(wrmsr_vector(0xc0000080, efer & ~1ull), TRAP_NONE,
		 "EFER.SCE can be cleared");
	CHECK_EQ(rdmsr(0xc0000080), efer & ~1ull, "EFER keeps its value");
	CHECK_EQ(wrmsr_vector(0xc0000080, efer & ~0x100ull), TRAP_GP,
		 "EFER.LME cannot change while paging is on");
	CHECK_EQ(wrmsr_vector(0xc0000080, efer | BIT(12)), TRAP_GP,
		 "EFER.SVME does not exist for a guest");
	CHECK_EQ(wrmsr_vector(0xc0000082, 0xffff800012345678), TRAP_NONE,
		 "LSTAR can be written");
	CHECK_EQ(rdmsr(0xc0000082), 0xffff800012345678, "LSTAR keeps it");
	CHECK_EQ(wrmsr_vector(0xc0000102, 0x123456789000), TRAP_NONE,
		 "KERNEL_GS_BASE can be written");
	CHECK_EQ(rdmsr(0xc0000102), 0x123456789000, "KERNEL_GS_BASE keeps it");
	CHECK_EQ(wrmsr_vector(0x277, 0x0007040600070402), TRAP_GP,
		 "PAT refuses a memory type that does not exist");
	CHECK_EQ(wrmsr_vector(0x277, 0x0007040600070406), TRAP_NONE,
		 "PAT can be written");
	first = rdmsr(0x10);
	CHECK_TRUE(rdmsr(0x10) > first, "the TSC moves on");
}

#define INSN(name, text)                                      \
	static void do_##name(void)                           \
	{                                                     \
		asm volatile(text                             \
			     :                                \
			     : "a"(0), "c"(0), "d"(0), "b"(0) \
			     : "memory", "cc");               \
	}

static u64 pointer;

INSN(vmxoff, "vmxoff")
INSN(vmlaunch, "vmlaunch")
INSN(vmresume, "vmresume")
INSN(vmread, "vmread %%rax, %%rax")
INSN(vmwrite, "vmwrite %%rax, %%rax")
INSN(monitor, "monitor")
INSN(mwait, "mwait")
INSN(xsetbv, "xsetbv")
INSN(getsec, "getsec")
INSN(rdpmc, "rdpmc")

static void do_vmxon(void)
{
	asm volatile("vmxon %0" : : "m"(pointer));
}

static void do_vmptrld(void)
{
	asm volatile("vmptrld %0" : : "m"(pointer));
}

static void do_invept(void)
{
	static u64 descriptor[2];

	asm volatile("invept %0, %1" : : "m"(descriptor), "r"(1ull));
}

static void check_vector(void (*fn)(void), u64 vector, const char *rule)
{
	struct trap trap;

	trap_catch(fn, &trap);
	CHECK_EQ(trap.vector, vector, rule);
}

TEST(instructions_it_does_not_have_are_ud)
{
	static void (*const insns[])(void) = {
		do_vmxoff,  do_vmlaunch, do_vmresume, do_vmread,
		do_vmwrite, do_vmxon,	 do_vmptrld,  do_invept,
		do_monitor, do_mwait,	 do_xsetbv,   do_getsec,
	};

	for (u64 i = 0; i < ARRAY_SIZE(insns); i++) {
		check_vector(insns[i], TRAP_UD,
			     "an instruction that CPUID hides is #UD");
	}
	check_vector(do_rdpmc, TRAP_GP, "RDPMC of no counter is #GP");
}

static void user_vmcall(void)
{
	asm volatile("vmcall" : : "a"(0));
}

TEST(vmcall_at_cpl3_is_ud)
{
	struct trap trap;

	trap_user(user_vmcall, &trap);
	CHECK_EQ(trap.vector, TRAP_UD, "VMCALL at CPL 3 is #UD");
}

TEST(harmless_instructions_are_stepped_over)
{
	u64 invd = exits(EXIT_INVD), wbinvd = exits(EXIT_WBINVD);
	u64 invlpg = exits(EXIT_INVLPG), steps = 0;

	asm volatile("invd; inc %0; wbinvd; inc %0; pause; inc %0\n\t"
		     "invlpg (%1); inc %0"
		     : "+r"(steps)
		     : "r"(&pointer)
		     : "memory");
	CHECK_COUNT(steps, 4, "each instruction is stepped over once");
	CHECK_EXITS(exits(EXIT_INVD) - invd, 1, "INVD is one exit");
	CHECK_EXITS(exits(EXIT_WBINVD) - wbinvd, 1, "WBINVD is one exit");
	CHECK_EXITS(exits(EXIT_INVLPG) - invlpg, 1, "INVLPG is one exit");
}
