/** @file
 * Registers that exit: each holds what is written to it, and only that one.
 *
 * A mistake here is one wrong number in a switch, which a kernel may notice
 * much later or not at all: it writes PAT and never reads it.  So every
 * register is written with a value of its own, and then all are read.
 */
#include "guest-tests/lib/test.h"

#define CR4_DE BIT(3)
#define DR6_RESET 0xffff0ff0ull
#define DR7_FIXED BIT(10)
#define LOCAL_EXACT BIT(8)

static u64 operand;

static u64 vector_of(void (*fn)(void))
{
	struct trap trap;

	trap_catch(fn, &trap);
	return trap.vector;
}

/* Debug registers - SDM 3B 18.2 -------------------------------------------- */

static void set_de(bool on)
{
	u64 cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = on ? cr4 | CR4_DE : cr4 & ~CR4_DE;
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
}

TEST(each_breakpoint_address_keeps_its_own)
{
	u64 seen[4];

	asm volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2\n\t"
		     "mov %3, %%dr3"
		     :
		     : "r"(0x1111000ull), "r"(0x2222000ull), "r"(0x3333000ull),
		       "r"(0x4444000ull));
	asm volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2\n\t"
		     "mov %%dr3, %3"
		     : "=r"(seen[0]), "=r"(seen[1]), "=r"(seen[2]),
		       "=r"(seen[3]));
	for (u64 i = 0; i < 4; i++) {
		CHECK_EQ(seen[i], 0x1111000 * (i + 1),
			 "DR0 to DR3 each hold an address (SDM 3B 18.2.1)");
	}
}

TEST(dr4_and_dr5_are_other_names)
{
	u64 dr4, dr5, dr6, dr7;

	set_de(false);
	asm volatile("mov %0, %%dr4; mov %1, %%dr5"
		     :
		     : "r"(DR6_RESET | 5), "r"(DR7_FIXED | LOCAL_EXACT));
	asm volatile("mov %%dr4, %0; mov %%dr5, %1; mov %%dr6, %2\n\t"
		     "mov %%dr7, %3"
		     : "=r"(dr4), "=r"(dr5), "=r"(dr6), "=r"(dr7));
	CHECK_EQ(dr6, DR6_RESET | 5, "without CR4.DE, DR4 is DR6 (SDM 3B "
				     "18.2.2)");
	CHECK_EQ(dr4, dr6, "without CR4.DE, DR4 is DR6 (SDM 3B 18.2.2)");
	CHECK_EQ(dr7, DR7_FIXED | LOCAL_EXACT,
		 "without CR4.DE, DR5 is DR7 (SDM 3B 18.2.2)");
	CHECK_EQ(dr5, dr7, "without CR4.DE, DR5 is DR7 (SDM 3B 18.2.2)");
	asm volatile("mov %0, %%dr6; mov %1, %%dr7"
		     :
		     : "r"(DR6_RESET), "r"(DR7_FIXED));
}

static void read_dr4(void)
{
	asm volatile("mov %%dr4, %0" : "=r"(operand));
}

static void write_dr5(void)
{
	asm volatile("mov %0, %%dr5" : : "r"(DR7_FIXED));
}

TEST(with_cr4_de_dr4_and_dr5_are_undefined)
{
	set_de(true);
	CHECK_COUNT(vector_of(read_dr4), TRAP_UD,
		    "with CR4.DE, DR4 is #UD (SDM 3B 18.2.2)");
	CHECK_COUNT(vector_of(write_dr5), TRAP_UD,
		    "with CR4.DE, DR5 is #UD (SDM 3B 18.2.2)");
	set_de(false);
}

TEST(rsp_may_be_moved_to_and_from_dr3)
{
	u64 in, out;

	asm volatile("mov %%rsp, %%rcx; mov %2, %%rsp; mov %%rsp, %%dr3\n\t"
		     "xor %%esp, %%esp; mov %%dr3, %%rsp; mov %%rsp, %1\n\t"
		     "mov %%rcx, %%rsp; mov %%dr3, %0"
		     : "=&r"(in), "=&r"(out)
		     : "r"(0x123456789ab0ull)
		     : "rcx");
	CHECK_EQ(in, 0x123456789ab0, "MOV to DR3 takes RSP like any register");
	CHECK_EQ(out, 0x123456789ab0, "MOV from DR3 gives it back to RSP");
}

/* MSRs --------------------------------------------------------------------- */

#define MSR_APIC_BASE 0x1b
#define MSR_FEATURE_CONTROL 0x3a
#define MSR_MISC_ENABLE 0x1a0
#define LIMIT_CPUID BIT(22)
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_TSC_AUX 0xc0000103

static u32 number;

static void do_rdmsr(void)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
	operand = low | (u64)high << 32;
}

static void do_wrmsr(void)
{
	asm volatile("wrmsr"
		     :
		     : "c"(number), "a"((u32)operand),
		       "d"((u32)(operand >> 32)));
}

static u64 read_msr(u32 msr)
{
	number = msr;
	operand = 0;
	CHECK_COUNT(vector_of(do_rdmsr), TRAP_NONE,
		    "an MSR that there is can be read");
	return operand;
}

static u64 write_vector(u32 msr, u64 value)
{
	number = msr;
	operand = value;
	return vector_of(do_wrmsr);
}

/** Those that keep whatever is a good value for them. */
static const struct {
	u32 number;
	u64 value;
} kept[] = {
	{ 0x174, 0x18 },		 /* SYSENTER_CS */
	{ 0x175, 0xffff800000001000 },	 /* SYSENTER_ESP */
	{ 0x176, 0xffff800000002000 },	 /* SYSENTER_EIP */
	{ MSR_PAT, 0x0007040600070401 },
	{ 0xc0000081, 0x23001000000000 }, /* STAR */
	{ 0xc0000082, 0xffff800000003000 }, /* LSTAR */
	{ 0xc0000083, 0xffff800000004000 }, /* CSTAR */
	{ 0xc0000084, 0x47700 },	 /* FMASK */
	{ 0xc0000100, 0xffff800000005000 }, /* FS_BASE */
	{ 0xc0000101, 0xffff800000006000 }, /* GS_BASE */
	{ 0xc0000102, 0xffff800000007000 }, /* KERNEL_GS_BASE */
	{ MSR_TSC_AUX, 0x12345678 },
};

/** SDM 3A table 10-1 and 12.12.4: what a kernel may rely on before it writes
 * any of them. */
TEST(msrs_begin_as_after_reset)
{
	CHECK_EQ(read_msr(MSR_PAT), 0x0007040600070406,
		 "after reset PAT is WB, WT and UC, and that twice");
	CHECK_EQ(read_msr(MSR_APIC_BASE), 0xfee00900,
		 "after reset the APIC of the first processor is on");
	CHECK_EQ(read_msr(0x174), 0, "after reset SYSENTER_CS is 0");
	CHECK_EQ(read_msr(MSR_TSC_AUX), 0, "after reset TSC_AUX is 0");
}

static void write_all(void)
{
	for (u64 i = 0; i < ARRAY_SIZE(kept); i++) {
		CHECK_COUNT(write_vector(kept[i].number, kept[i].value),
			    TRAP_NONE, "an MSR takes a value that is good");
	}
}

static void check_all(const char *rule)
{
	for (u64 i = 0; i < ARRAY_SIZE(kept); i++) {
		check_equal(CHECK_PLACE(rule, FORMAT_HEX),
			    read_msr(kept[i].number), kept[i].value);
	}
}

TEST(each_msr_keeps_its_own)
{
	write_all();
	check_all("an MSR keeps what was written to it");
}

/** The vCPU is saved, and goes on as another one in another VM. */
static void move_to_another_vm(void)
{
	struct hypercall_io_hook hook = { .action = IO_HOOK_MOVE, .nth = 1 };
	struct hypercall_middle out = { 0 };

	CHECK_DONE(vmcall1(HYPERCALL_IO_HOOK, vmcall_address(&hook)));
	mmio_read4(DEVICE_COUNTER_GPA);
	CHECK_DONE(vmcall1(HYPERCALL_MIDDLE, vmcall_address(&out)));
	CHECK_COUNT(out.moves, 1, "the vCPU has moved");
	CHECK_COUNT(out.error, 0,
		    "a vCPU can be saved and restored between any two calls "
		    "of vcpu_run() (spec 10.9)");
}

TEST(a_move_keeps_msrs_and_debug_registers)
{
	u64 base = read_msr(MSR_APIC_BASE), misc = read_msr(MSR_MISC_ENABLE);
	u64 dr2, dr6, dr7, cr8;

	write_all();
	CHECK_COUNT(write_vector(MSR_MISC_ENABLE, misc ^ LIMIT_CPUID),
		    TRAP_NONE, "MISC_ENABLE can be written");
	asm volatile("mov %0, %%dr2; mov %1, %%dr6; mov %2, %%dr7\n\t"
		     "mov %3, %%cr8"
		     :
		     : "r"(0x7777000ull), "r"(DR6_RESET | 9),
		       "r"(DR7_FIXED | LOCAL_EXACT), "r"(3ull));
	move_to_another_vm();
	asm volatile("mov %%dr2, %0; mov %%dr6, %1; mov %%dr7, %2\n\t"
		     "mov %%cr8, %3"
		     : "=r"(dr2), "=r"(dr6), "=r"(dr7), "=r"(cr8));
	CHECK_EQ(dr2, 0x7777000, "a move keeps DR2");
	CHECK_EQ(dr6, DR6_RESET | 9, "a move keeps DR6");
	CHECK_EQ(dr7, DR7_FIXED | LOCAL_EXACT, "a move keeps DR7");
	CHECK_EQ(cr8, 3, "a move keeps CR8");
	check_all("a move keeps the MSRs");
	CHECK_EQ(read_msr(MSR_APIC_BASE), base, "a move keeps APIC_BASE");
	CHECK_EQ(read_msr(MSR_MISC_ENABLE), misc ^ LIMIT_CPUID,
		 "a move keeps MISC_ENABLE");
}

TEST(msrs_refuse_what_they_cannot_hold)
{
	u64 base = read_msr(MSR_APIC_BASE);

	CHECK_COUNT(write_vector(MSR_TSC_AUX, BIT(32)), TRAP_GP,
		    "TSC_AUX has 32 bits (SDM 4)");
	CHECK_COUNT(write_vector(MSR_APIC_BASE, base), TRAP_NONE,
		    "APIC_BASE takes the value that it has");
	CHECK_COUNT(write_vector(MSR_APIC_BASE, base ^ BIT(12)), TRAP_GP,
		    "there is no APIC to be moved");
	CHECK_COUNT(write_vector(MSR_TSC_DEADLINE, 1), TRAP_GP,
		    "without an APIC there is no deadline");
	CHECK_EQ(read_msr(MSR_FEATURE_CONTROL), 1,
		 "VMX is off for good: locked (SDM 3C 24.7)");
	CHECK_COUNT(write_vector(MSR_FEATURE_CONTROL, 5), TRAP_GP,
		    "a locked FEATURE_CONTROL cannot be written (SDM 3C 24.7)");
}
