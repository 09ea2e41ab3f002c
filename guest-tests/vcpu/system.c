/** @file
 * Control and debug registers, ports, and the single-step trap.
 */
#include "guest-tests/lib/test.h"

#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_TS BIT(3)
#define CR4_VMXE BIT(13)
#define TRAP_DB 1

static u64 cr_value;

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

static void do_write_cr0(void)
{
	asm volatile("mov %0, %%cr0" : : "r"(cr_value) : "memory");
}

static void do_write_cr4(void)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr_value) : "memory");
}

static void do_write_cr8(void)
{
	asm volatile("mov %0, %%cr8" : : "r"(cr_value) : "memory");
}

static u64 vector_of(void (*fn)(void), u64 value)
{
	struct trap trap;

	cr_value = value;
	trap_catch(fn, &trap);
	return trap.vector;
}

TEST(cr0_shows_what_was_written)
{
	u64 cr0 = read_cr0();

	CHECK_EQ(vector_of(do_write_cr0, cr0 | CR0_CD), TRAP_NONE,
		 "CR0.CD can be set");
	CHECK_EQ(read_cr0(), cr0 | CR0_CD, "CR0 shows CD as written");
	CHECK_EQ(vector_of(do_write_cr0, cr0), TRAP_NONE, "and cleared");
	CHECK_EQ(read_cr0(), cr0, "CR0 is as before");
	CHECK_EQ(vector_of(do_write_cr0, cr0 | CR0_NW), TRAP_GP,
		 "CR0.NW without CD is #GP");
	CHECK_EQ(vector_of(do_write_cr0, cr0 | BIT(40)), TRAP_GP,
		 "the upper half of CR0 is #GP");
	CHECK_EQ(vector_of(do_write_cr0, cr0 & ~1ull), TRAP_GP,
		 "CR0.PG without PE is #GP");
}

static u16 task_register(void)
{
	u16 selector;

	asm volatile("str %0" : "=r"(selector));
	return selector;
}

static void do_ltr(void)
{
	asm volatile("ltr %w0" : : "r"(cr_value) : "memory");
}

static void do_ltr_from_memory(void)
{
	asm volatile("ltr %0" : : "m"(*(u16 *)&cr_value));
}

/** The exception that says so needs the TSS that TR had before. */
TEST(ltr_takes_no_null_selector)
{
	u16 before = task_register();

	for (u64 selector = 0; selector < 4; selector++) {
		CHECK_EQ(vector_of(do_ltr, selector), TRAP_GP,
			 "LTR of a null selector is #GP (SDM 2A, LTR)");
		CHECK_EQ(vector_of(do_ltr_from_memory, selector), TRAP_GP,
			 "and so it is with the selector in memory");
	}
	CHECK_EQ(task_register(), before, "TR is as it was");
	CHECK_EQ(vector_of(do_ltr, before), TRAP_GP, "a busy TSS is #GP");
}

TEST(clts_and_lmsw_change_cr0)
{
	u64 cr0 = read_cr0();

	asm volatile("lmsw %w0" : : "r"((cr0 & 0xf) | CR0_TS) : "memory");
	CHECK_EQ(read_cr0(), cr0 | CR0_TS, "LMSW sets CR0.TS");
	asm volatile("clts" : : : "memory");
	CHECK_EQ(read_cr0(), cr0 & ~CR0_TS, "CLTS clears CR0.TS");
}

TEST(cr4_keeps_vmx_to_the_host)
{
	u64 cr4 = read_cr4();

	CHECK_EQ(cr4 & CR4_VMXE, 0, "the guest does not see CR4.VMXE");
	CHECK_EQ(vector_of(do_write_cr4, cr4 | CR4_VMXE), TRAP_GP,
		 "the guest cannot set CR4.VMXE");
	CHECK_EQ(vector_of(do_write_cr4, cr4 & ~BIT(5)), TRAP_GP,
		 "CR4.PAE cannot be cleared in long mode");
	CHECK_EQ(vector_of(do_write_cr4, cr4 | BIT(7)), TRAP_NONE,
		 "CR4.PGE can be set");
	CHECK_EQ(read_cr4(), cr4 | BIT(7), "CR4 shows PGE as written");
	CHECK_EQ(vector_of(do_write_cr4, cr4), TRAP_NONE, "and cleared");
}

TEST(cr8_is_the_guests_own)
{
	u64 value;

	CHECK_EQ(vector_of(do_write_cr8, 5), TRAP_NONE, "CR8 can be written");
	asm volatile("mov %%cr8, %0" : "=r"(value));
	CHECK_EQ(value, 5, "CR8 keeps its value");
	CHECK_EQ(vector_of(do_write_cr8, 16), TRAP_GP, "CR8 has four bits");
}

TEST(debug_registers_keep_their_values)
{
	u64 value;

	asm volatile("mov %1, %%dr0; mov %%dr0, %0"
		     : "=r"(value)
		     : "r"(0x123456ull));
	CHECK_EQ(value, 0x123456, "DR0 keeps its value");
	asm volatile("mov %1, %%dr7; mov %%dr7, %0"
		     : "=r"(value)
		     : "r"(0x700ull));
	CHECK_EQ(value, 0x700, "DR7 keeps its value");
	asm volatile("mov %1, %%dr7; mov %2, %%dr6; mov %%dr6, %0"
		     : "=r"(value)
		     : "r"(0x400ull), "r"(0ull));
	CHECK_EQ(value, 0xffff0ff0, "DR6's fixed bits read as 1");
}

TEST(ports_move_one_two_and_four_bytes)
{
	u64 rax = 0x1122334455667788;

	asm volatile("outl %0, %w1"
		     :
		     : "a"(0xa1b2c3d4), "d"(DEVICE_PORT_SCRATCH));
	asm volatile("inb %w1, %%al" : "+a"(rax) : "d"(DEVICE_PORT_SCRATCH));
	CHECK_EQ(rax, 0x11223344556677d4, "IN AL keeps the rest of RAX");
	rax = 0x1122334455667788;
	asm volatile("inw %w1, %%ax" : "+a"(rax) : "d"(DEVICE_PORT_SCRATCH));
	CHECK_EQ(rax, 0x112233445566c3d4, "IN AX keeps the rest of RAX");
	rax = 0x1122334455667788;
	asm volatile("inl %w1, %%eax" : "+a"(rax) : "d"(DEVICE_PORT_SCRATCH));
	CHECK_EQ(rax, 0xa1b2c3d4, "IN EAX clears the upper half of RAX");
}

TEST(string_ports_move_every_element)
{
	static u32 out[4] = {0x11, 0x2222, 0x333333, 0x44444444};
	static u32 in[5];
	u64 src = (u64)out, dst = (u64)in, count = 4;
	u64 exits = vmcall_counter(COUNTER_IO_EXITS);

	asm volatile("rep outsl"
		     : "+S"(src), "+c"(count)
		     : "d"(DEVICE_PORT_SCRATCH)
		     : "memory");
	CHECK_COUNT(count, 0, "REP OUTS counts RCX down");
	CHECK_EQ(src, (u64)(out + 4), "REP OUTS moves RSI on");
	CHECK_EXITS(vmcall_counter(COUNTER_IO_EXITS) - exits, 4,
		    "each element of OUTS goes to the VMM");
	count = 4;
	asm volatile("rep insl"
		     : "+D"(dst), "+c"(count)
		     : "d"(DEVICE_PORT_SCRATCH)
		     : "memory");
	CHECK_EQ(dst, (u64)(in + 4), "REP INS moves RDI on");
	for (u64 i = 0; i < 4; i++) {
		CHECK_EQ(in[i], out[3], "REP INS reads the port each time");
	}
	CHECK_EQ(in[4], 0, "REP INS stores no more than it shall");
	count = 0;
	exits = vmcall_counter(COUNTER_IO_EXITS);
	asm volatile("rep insb"
		     : "+D"(dst), "+c"(count)
		     : "d"(DEVICE_PORT_SCRATCH)
		     : "memory");
	CHECK_EXITS(vmcall_counter(COUNTER_IO_EXITS) - exits, 0,
		    "REP with count 0 touches no port (spec 3.7)");
}

static void ins_to_nowhere(void)
{
	u64 dst = PAGES_FREE_GVA;

	asm volatile("insb" : "+D"(dst) : "d"(DEVICE_PORT_SCRATCH) : "memory");
}

TEST(string_port_faults_before_the_port)
{
	u64 exits = vmcall_counter(COUNTER_IO_EXITS);
	struct trap trap;

	trap_catch(ins_to_nowhere, &trap);
	CHECK_EQ(trap.vector, TRAP_PF, "INS to no page is #PF");
	CHECK_EQ(trap.cr2, PAGES_FREE_GVA, "with the address in CR2");
	CHECK_EXITS(vmcall_counter(COUNTER_IO_EXITS) - exits, 0,
		    "the port is not read in vain");
}

/* Functions that set TF and then execute one instruction that exits. */
#define STEP(name, text, ...)                                                 \
	extern char after_##name[];                                           \
	static void step_##name(void)                                         \
	{                                                                     \
		asm volatile("pushfq; orl $0x100, (%%rsp); popfq\n" text "\n" \
			     ".globl after_" #name "\n"                       \
			     "after_" #name ": nop; nop; nop"                 \
			     :                                                \
			     : __VA_ARGS__                                    \
			     : "rbx", "rcx", "memory", "cc");                 \
	}

STEP(cpuid_alone, "cpuid", "a"(0), "d"(0))
STEP(out, "outb %%al, %%dx", "a"(0), "d"(DEVICE_PORT_SCRATCH))
STEP(in, "inb %%dx, %%al", "a"(0), "d"(DEVICE_PORT_SCRATCH))
STEP(load, "movl (%%rsi), %%eax", "S"(DEVICE_SCRATCH_GPA))
STEP(store, "movl %%eax, (%%rsi)", "a"(7), "S"(DEVICE_SCRATCH_GPA))

static void check_step(void (*fn)(void), const char *after)
{
	struct trap trap;
	u64 dr6;

	asm volatile("mov %0, %%dr6" : : "r"(0ull));
	trap_catch(fn, &trap);
	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	CHECK_EQ(trap.vector, TRAP_DB,
		 "TF over an instruction that exits is #DB (spec 10.3)");
	CHECK_EQ(trap.rip, (u64)after,
		 "the single-step trap comes behind the instruction");
	CHECK_EQ(dr6 & BIT(14), BIT(14), "DR6.BS says that it was a step");
}

TEST(single_step_over_exits)
{
	check_step(step_cpuid_alone, after_cpuid_alone);
	check_step(step_out, after_out);
	check_step(step_in, after_in);
	check_step(step_load, after_load);
	check_step(step_store, after_store);
}

/** A flat 64-bit code segment that nobody has loaded yet: accessed is clear. */
static u64 fresh_gdt[3] = {0, 0x00af9a000000ffff, 0x00cf93000000ffff};

struct table_register {
	u16 limit;
	u64 base;
} __packed;

/** Load CS from the descriptor, and let the host look at the guest's mode.
 * @return what CS is then */
static u64 return_far(const struct table_register *gdtr)
{
	u64 cs;

	asm volatile("lgdt %1\n\t"
		     "pushq $0x08\n\t"
		     "leaq 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n"
		     "1:\tmovq %%cr0, %%rax\n\t"
		     "btcq $30, %%rax\n\t" /* CD */
		     "movq %%rax, %%cr0\n\t"
		     "btcq $30, %%rax\n\t"
		     "movq %%rax, %%cr0\n\t"
		     "movq %%cs, %0"
		     : "=S"(cs)
		     : "m"(*gdtr)
		     : "rax", "memory");
	return cs;
}

TEST(a_code_segment_is_accessed_once_loaded)
{
	struct table_register fresh = {sizeof(fresh_gdt) - 1, (u64)fresh_gdt};
	struct table_register before;
	u64 cs;

	asm volatile("sgdt %0" : "=m"(before));
	cs = return_far(&fresh);
	asm volatile("lgdt %0" : : "m"(before));
	CHECK_EQ(cs, 0x08, "a guest goes on with a code segment whose "
		 "descriptor was not marked accessed (SDM 3A 3.4.5.1)");
}
