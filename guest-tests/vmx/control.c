/** @file
 * Control and debug registers: whose bit it is, and what is then said.
 *
 * CR0 and CR4 are divided bit by bit (SDM 3C 25.6.6): a bit of the guest/host
 * mask is the hypervisor's, the guest sees the read shadow there and exits when
 * it wants to change what it sees (26.1.3).  The qualification is that of SDM
 * 3C table 28-3:
 *
 *	31:16 LMSW's source   11:8 register   6 LMSW from memory
 *	5:4 MOV to, MOV from, CLTS, LMSW      3:0 which control register
 */
#include "guest-tests/vmx/vmx.h"

#define MOV_FROM (1 << 4)
#define CLTS (2 << 4)
#define LMSW (3 << 4)
#define LMSW_MEMORY BIT(6)
#define OPERAND(n) ((n) << 8)

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR4_PGE BIT(7)
#define CR4_PCE BIT(8)
#define CR4_VMXE BIT(13)

static u64 read_cr0(void)
{
	u64 value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static u64 read_cr4(void)
{
	u64 value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

/** @return how many exits there were that no VMCALL made */
static u64 exits(void)
{
	struct services_exit exit;
	u64 n = 0;

	while (!service(SERVICE_EXIT, vmcall_address(&exit), n)) {
		n++;
	}
	return n;
}

TEST(cr0_reads_show_the_shadow)
{
	u64 real = read_cr0(), seen;

	VMWRITE(FIELD_CR0_MASK, CR0_TS | CR0_MP | CR0_NE);
	VMWRITE(FIELD_CR0_SHADOW, CR0_TS | CR0_EM);
	seen = (real & ~(CR0_MP | CR0_NE)) | CR0_TS;
	CHECK_EQ(read_cr0(), seen,
		 "a masked bit reads as the shadow, others as they are "
		 "(SDM 3C 26.3)");
	asm volatile("smsw %%eax" : "=a"(real));
	CHECK_EQ((u32)real, (u32)seen, "SMSW shows the same");
	asm volatile("xor %%eax, %%eax; smsw %%ax" : "=a"(real));
	CHECK_EQ((u32)real, (u16)seen, "and 16 bits of it when asked");
	CHECK_COUNT(exits(), 0, "reading CR0 never exits");
}

TEST(smsw_stores_16_bits_in_memory)
{
	static u64 memory = ~0ull;

	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, CR0_TS);
	asm volatile("smsw %0" : "=m"(memory));
	CHECK_EQ(memory, (~0ull & ~0xffffull) | (u16)read_cr0(),
		 "SMSW to memory stores 16 bits");
	CHECK_COUNT(exits(), 0, "reading CR0 never exits");
}

TEST(cr0_writes_of_own_bits_do_not_exit)
{
	u64 value = read_cr0();

	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, value);
	PROVOKE("mov %0, %%cr0" : : "r"(value | CR0_MP | CR0_EM) : "cc");
	CHECK_EQ(read_cr0(), value | CR0_MP | CR0_EM,
		 "a bit of the guest's own is written");
	PROVOKE("mov %0, %%cr0" : : "r"(value) : "cc");
	CHECK_COUNT(exits(), 0, "bits of the guest's own do not exit");
}

TEST(cr0_writes_of_masked_bits_exit)
{
	u64 value = read_cr0() & ~CR0_NE;

	VMWRITE(FIELD_CR0_MASK, CR0_TS | CR0_NE);
	VMWRITE(FIELD_CR0_SHADOW, value);
	PROVOKE("mov %0, %%r8; mov %%r8, %%cr0"
		: : "r"(value | CR0_TS) : "cc", "r8");
	CHECK_EXIT(EXIT_CR, 4, OPERAND(8));
	CHECK_EQ(read_cr0(), value | CR0_TS, "the rig has carried it out");
	PROVOKE("mov %0, %%rdx; mov %%rdx, %%cr0"
		: : "r"(value | CR0_NE) : "cc", "rdx");
	CHECK_EXIT(EXIT_CR, 3, OPERAND(2));
	PROVOKE("mov %0, %%rdx; mov %%rdx, %%cr0"
		: : "r"(value | CR0_NE | CR0_MP) : "cc", "rdx");
	CHECK_COUNT(exits(), 2, "what leaves the shadow as it is does not exit");
}

TEST(mov_from_rsp_names_rsp)
{
	u64 value = read_cr0();

	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, value);
	PROVOKE("mov %%rsp, %%rcx; mov %0, %%rsp; mov %%rsp, %%cr0\n\t"
		"mov %%rcx, %%rsp"
		: : "r"(value | CR0_TS) : "cc", "rcx", "memory");
	CHECK_EXIT(EXIT_CR, 3, OPERAND(4));
}

TEST(clts_exits_if_the_guest_sees_ts)
{
	u64 value = read_cr0();

	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, value);
	PROVOKE("clts" : : : "cc");
	CHECK_COUNT(exits(), 0, "CLTS of a TS that reads as 0 does not exit "
		    "(SDM 3C 26.1.3)");
	VMWRITE(FIELD_CR0_SHADOW, value | CR0_TS);
	PROVOKE("clts" : : : "cc");
	CHECK_EXIT(EXIT_CR, 2, CLTS);
	CHECK_EQ(read_cr0(), value, "the rig has carried it out");
	VMWRITE(FIELD_CR0_MASK, 0);
	PROVOKE("clts" : : : "cc");
	CHECK_COUNT(exits(), 1, "CLTS of the guest's own TS does not exit");
}

TEST(lmsw_exits_if_a_masked_bit_would_change)
{
	u64 value = read_cr0();

	VMWRITE(FIELD_CR0_MASK, CR0_TS | CR0_PE);
	VMWRITE(FIELD_CR0_SHADOW, value & ~CR0_PE);
	PROVOKE("lmsw %%ax" : : "a"((u32)(value & ~CR0_PE) | CR0_MP) : "cc");
	CHECK_COUNT(exits(), 0, "LMSW of own bits does not exit");
	CHECK_EQ(read_cr0() & CR0_MP, CR0_MP, "it is carried out");
	PROVOKE("lmsw %%ax" : : "a"(0xabcd & ~(u32)CR0_PE) : "cc");
	CHECK_EXIT(EXIT_CR, 3, LMSW | 0xabccull << 16);
	VMWRITE(FIELD_CR0_MASK, CR0_PE);
	VMWRITE(FIELD_CR0_SHADOW, value & ~CR0_PE);
	PROVOKE("lmsw %%cx" : : "c"((u32)CR0_PE) : "cc");
	CHECK_EXIT(EXIT_CR, 3, LMSW | CR0_PE << 16);
}

TEST(lmsw_from_memory_tells_where)
{
	static u16 source = 0x123a;
	u64 value = read_cr0();

	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, value & ~CR0_TS);
	PROVOKE("lmsw (%%rbx)" : : "b"(&source), "m"(source) : "cc");
	CHECK_EXIT(EXIT_CR, 3, LMSW | LMSW_MEMORY | 0x123aull << 16);
	CHECK_EQ(exit_before(0).gla, (u64)&source,
		 "LMSW from memory gives its linear address (SDM 3C 28.2.1)");
}

TEST(cr4_is_divided_like_cr0)
{
	u64 value = read_cr4();

	CHECK_EQ(value & CR4_VMXE, 0, "the guest does not see CR4.VMXE");
	PROVOKE("mov %0, %%cr4" : : "r"(value | CR4_PGE) : "cc");
	CHECK_EQ(read_cr4(), value | CR4_PGE, "own bits of CR4 are written");
	CHECK_COUNT(exits(), 0, "and do not exit");
	PROVOKE("mov %0, %%r9; mov %%r9, %%cr4"
		: : "r"(value | CR4_VMXE) : "cc", "r9");
	CHECK_EXIT(EXIT_CR, 4, 4 | OPERAND(9));
	VMWRITE(FIELD_CR4_MASK, CR4_VMXE | CR4_PCE);
	VMWRITE(FIELD_CR4_SHADOW, CR4_PCE);
	CHECK_EQ(read_cr4() & (CR4_PCE | CR4_VMXE), CR4_PCE,
		 "a masked bit reads as the shadow");
	PROVOKE("mov %0, %%rsi; mov %%rsi, %%cr4"
		: : "r"(value) : "cc", "rsi");
	CHECK_EXIT(EXIT_CR, 3, 4 | OPERAND(6));
}

static u64 cr_value;

static void write_cr0(void)
{
	asm volatile("mov %0, %%cr0" : : "r"(cr_value));
}

static void write_cr4(void)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr_value));
}

TEST(bad_values_of_own_bits_are_gp)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4();
	struct trap trap;

	cr_value = cr0 | BIT(29);
	trap_catch(write_cr0, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "CR0.NW without CR0.CD is #GP");
	cr_value = cr0 & ~CR0_PE;
	trap_catch(write_cr0, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "CR0.PG without CR0.PE is #GP");
	cr_value = cr0 & ~CR0_NE;
	trap_catch(write_cr0, &trap);
	CHECK_EQ(trap.vector, TRAP_GP,
		 "a bit that VMX fixes to 1 cannot be cleared (SDM 3C 24.8)");
	cr_value = cr4 & ~BIT(5);
	trap_catch(write_cr4, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "64-bit mode needs CR4.PAE");
	cr_value = cr4 | BIT(63);
	trap_catch(write_cr4, &trap);
	CHECK_EQ(trap.vector, TRAP_GP, "a reserved bit of CR4 is #GP");
	CHECK_COUNT(exits(), 0, "a #GP of the guest's own does not exit");
}

TEST(masked_bits_exit_before_they_are_gp)
{
	VMWRITE(FIELD_CR0_MASK, CR0_TS);
	VMWRITE(FIELD_CR0_SHADOW, read_cr0());
	PROVOKE("movq $1f, 0xa000; mov %0, %%rax; mov %%rax, %%cr0; 1:"
		: : "r"((read_cr0() | CR0_TS) & ~CR0_PE)
		: "cc", "rax", "memory");
	CHECK_EQ(exit_before(0).qualification, OPERAND(0),
		 "#GP for a bad value comes after the exit (SDM 3C 26.1.1)");
}

TEST_EPT(cr3_accesses_exit_when_asked)
{
	u64 cr3;

	PROVOKE("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "cc");
	CHECK_COUNT(exits(), 0, "CR3 is the guest's own with EPT");
	SET(FIELD_CPU, CPU_CR3_LOAD | CPU_CR3_STORE);
	PROVOKE("mov %%cr3, %%rbx" : "=b"(cr3) : : "cc");
	CHECK_EXIT(EXIT_CR, 3, 3 | MOV_FROM | OPERAND(3));
	PROVOKE("mov %%rbx, %%r15; mov %%r15, %%cr3"
		: : "b"(cr3) : "cc", "r15", "memory");
	CHECK_EXIT(EXIT_CR, 4, 3 | OPERAND(15));
}

TEST_EPT(cr3_targets_do_not_exit)
{
	u64 cr3, other = 0x3018;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	SET(FIELD_CPU, CPU_CR3_LOAD);
	for (u64 i = 0; i < 4; i++) {
		VMWRITE(FIELD_CR3_TARGET0 + 2 * i, i == 3 ? cr3 : i << 12);
	}
	VMWRITE(FIELD_CR3_TARGET_COUNT, 4);
	PROVOKE("mov %0, %%cr3" : : "r"(cr3) : "cc", "memory");
	CHECK_COUNT(exits(), 0, "a CR3-target value does not exit "
		    "(SDM 3C 25.6.7)");
	PROVOKE("mov %0, %%rdi; mov %%rdi, %%cr3"
		: : "r"(other) : "cc", "rdi", "memory");
	CHECK_EXIT(EXIT_CR, 3, 3 | OPERAND(7));
	VMWRITE(FIELD_CR3_TARGET_COUNT, 3);
	PROVOKE("mov %0, %%rdi; mov %%rdi, %%cr3"
		: : "r"(cr3) : "cc", "rdi", "memory");
	CHECK_COUNT(exits(), 2, "only the first COUNT values are targets");
}

TEST(cr8_accesses_exit_when_asked)
{
	u64 value = 5;

	SET(FIELD_CPU, CPU_CR8_LOAD | CPU_CR8_STORE);
	PROVOKE("mov %%rax, %%cr8" : : "a"(value) : "cc");
	CHECK_EXIT(EXIT_CR, 4, 8 | OPERAND(0));
	PROVOKE("mov %%cr8, %%r13; mov %%r13, %0" : "=r"(value) : : "cc", "r13");
	CHECK_EXIT(EXIT_CR, 4, 8 | MOV_FROM | OPERAND(13));
	CHECK_EQ(value, 5, "the rig has carried it out");
}

TEST(cr8_is_the_processors_otherwise)
{
	u64 value = 0;

	PROVOKE("mov %0, %%cr8" : : "r"(7ull) : "cc");
	PROVOKE("cpuid" : : "a"(0) : "ebx", "ecx", "edx", "cc");
	PROVOKE("mov %%cr8, %0" : "=r"(value) : : "cc");
	CHECK_EQ(value, 7, "CR8 keeps its value over an exit");
	PROVOKE("mov %0, %%cr8" : : "r"(0ull) : "cc");
}

TEST(debug_registers_exit_when_asked)
{
	u64 value;

	PROVOKE("mov %%dr7, %0" : "=r"(value) : : "cc");
	CHECK_EQ(value, 0x400, "DR7 is the VMCS' at entry");
	PROVOKE("mov %0, %%dr7" : : "r"(0x700ull) : "cc");
	SET(FIELD_CPU, CPU_MOV_DR);
	PROVOKE("mov %%dr7, %%rax" : "=a"(value) : : "cc");
	CHECK_EXIT(EXIT_DR, 3, 7 | MOV_FROM | OPERAND(0));
	CHECK_EQ(exit_before(0).dr7, 0x700, "DR7 is saved by an exit");
	PROVOKE("mov %%r11, %%dr0" : : : "cc");
	CHECK_EXIT(EXIT_DR, 4, 0 | OPERAND(11));
	PROVOKE("mov %%dr6, %%rsi" : : : "cc", "rsi");
	CHECK_EXIT(EXIT_DR, 3, 6 | MOV_FROM | OPERAND(6));
	PROVOKE("mov %%rbp, %%dr3" : : : "cc");
	CHECK_EXIT(EXIT_DR, 3, 3 | OPERAND(5));
	PROVOKE("mov %%r14, %%db4" : : : "cc");
	CHECK_EXIT(EXIT_DR, 4, 4 | OPERAND(14));
}
