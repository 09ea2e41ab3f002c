/** @file
 * Control registers, debug registers, EFER, XCR0: every bit, alone and with
 * others; and exceptions of the FPU and of SSE.
 *
 * Everything is mapped for CPL 0 only, so that SMEP and SMAP do not take the
 * ground from under us.  What keeps the program itself running (64-bit mode)
 * the processor refuses to change, or it is left alone.
 */
#include "guest-tests/hostile/hostile.h"

#define ROUNDS (hostile_is_short() ? 300u : 20000u)
#define CR0_KEPT (BIT(0) | BIT(31))		/* PE, PG */
#define CR4_KEPT BIT(5)				/* PAE */
#define EFER 0xc0000080u
#define EFER_KEPT (BIT(8) | BIT(10))		/* LME, LMA */
#define MXCSR_ALL_UNMASKED 0u

static u64 value;
static u32 msr;

#define REGISTER(name) \
	static void write_##name(void) \
	{ \
		asm volatile("movq %0, %%" #name : : "r"(value) : "memory"); \
	} \
\
	static u64 read_##name(void) \
	{ \
		u64 now; \
\
		asm volatile("movq %%" #name ", %0" : "=r"(now)); \
		return now; \
	}

REGISTER(cr0)
REGISTER(cr2)
REGISTER(cr4)
REGISTER(cr8)
REGISTER(dr0)
REGISTER(dr3)
REGISTER(dr6)
REGISTER(dr7)

static void write_msr(void)
{
	asm volatile("wrmsr"
		     :
		     : "a"((u32)value), "c"(msr), "d"((u32)(value >> 32))
		     : "memory");
}

static u64 read_efer(void)
{
	u32 low, high;

	msr = EFER;
	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static void write_xcr0(void)
{
	asm volatile("xsetbv"
		     :
		     : "a"((u32)value), "c"(0), "d"((u32)(value >> 32)));
}

static void make_all_supervisor(void)
{
	u64 *root;

	asm volatile("movq %%cr3, %0" : "=r"(root));
	root[0] &= ~4ull;
	asm volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

/** Write, look, and put back. */
static void try_value(void (*write)(void), u64 (*read)(void), u64 try)
{
	u64 before = read();
	struct trap trap;

	value = try;
	trap_catch(write, &trap);
	hostile_look(read());
	value = before;
	write();
}

static void try_all(void (*write)(void), u64 (*read)(void), u64 kept)
{
	u64 own = read(), x = 49;

	for (unsigned int bit = 0; bit < 64; bit++) {
		try_value(write, read, own ^ (BIT(bit) & ~kept));
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 bits = hostile_random(&x) & hostile_random(&x) & ~kept;

		try_value(write, read,
			  own ^ (i % 2 ? bits : bits & 0xffffffff));
	}
}

TEST(every_bit_of_cr0)
{
	hostile_begin();
	make_all_supervisor();
	try_all(write_cr0, read_cr0, CR0_KEPT);
	hostile_end();
}

TEST(every_bit_of_cr4)
{
	hostile_begin();
	make_all_supervisor();
	try_all(write_cr4, read_cr4, CR4_KEPT);
	hostile_end();
}

TEST(every_bit_of_efer)
{
	hostile_begin();
	msr = EFER;
	try_all(write_msr, read_efer, EFER_KEPT);
	hostile_end();
}

/** PG, PE and PAE as well: the processor refuses, as this is 64-bit code. */
TEST(bits_that_64_bits_need)
{
	hostile_begin();
	try_value(write_cr0, read_cr0, read_cr0() & ~BIT(31));
	try_value(write_cr0, read_cr0, read_cr0() & ~BIT(0));
	try_value(write_cr4, read_cr4, read_cr4() & ~BIT(5));
	msr = EFER;
	try_value(write_msr, read_efer, read_efer() & ~BIT(8));
	hostile_end();
}

TEST(every_bit_of_cr2_and_cr8)
{
	hostile_begin();
	try_all(write_cr2, read_cr2, 0);
	try_all(write_cr8, read_cr8, 0);
	hostile_end();
}

TEST(every_bit_of_debug_registers)
{
	hostile_begin();
	try_all(write_dr0, read_dr0, 0);
	try_all(write_dr3, read_dr3, 0);
	try_all(write_dr6, read_dr6, 0);
	try_all(write_dr7, read_dr7, 0);
	hostile_end();
}

/** With CR4.OSXSAVE, if it can be set; else each is #UD. */
TEST(every_bit_of_xcr0)
{
	struct trap trap;
	u64 x = 49;

	hostile_begin();
	value = read_cr4() | BIT(18);
	trap_catch(write_cr4, &trap);
	for (unsigned int i = 0; i < 64 + 200; i++) {
		value = i < 64 ? BIT(i) : hostile_random(&x);
		trap_catch(write_xcr0, &trap);
		hostile_look(trap.error);
	}
	hostile_end();
}

/* SYSRET ------------------------------------------------------------------- */

#define STAR 0xc0000081u
#define SCE BIT(0)
#define VM BIT(17)
#define FIXED BIT(1)

/** At CPL 3 it reads MMIO, which is an exit, and ends in #UD. */
static void return_with_flags(void)
{
	asm volatile("movq %1, %%r11\n\t"
		     "leaq 1f(%%rip), %%rcx\n\t"
		     "sysretq\n"
		     "1:\tmovl (%%rdi), %%eax\n\t"
		     "ud2"
		     :
		     : "D"(DEVICE_COUNTER_GPA), "d"(value)
		     : "rax", "rcx", "r11", "memory");
}

/** Segments as in lib/trap.c: SS 0x1b, CS 0x23. */
TEST(sysret_with_every_flag)
{
	struct trap trap;
	u64 x = 49;

	hostile_begin();
	msr = EFER;
	value = read_efer() | SCE;
	write_msr();
	msr = STAR;
	value = 0x13ull << 48;
	write_msr();
	for (unsigned int i = 0; i < 64; i++) {
		value = (i ? hostile_random(&x) : VM) | FIXED;
		value &= ~0x100ull; /* not TF */
		trap_catch(return_with_flags, &trap);
		CHECK_COUNT(trap.vector, TRAP_UD,
			    "SYSRET takes no flag that stops 64-bit code");
		hostile_look(trap.error);
	}
	hostile_end();
}

/* The FPU and SSE ---------------------------------------------------------- */

static void divide_by_zero(void)
{
	u16 control = 0x340; /* nothing masked */

	asm volatile("fninit\n\t"
		     "fldcw %0\n\t"
		     "fld1\n\t"
		     "fldz\n\t"
		     "fdivrp\n\t"
		     "fwait"
		     :
		     : "m"(control));
}

static void divide_by_zero_sse(void)
{
	u32 mxcsr = MXCSR_ALL_UNMASKED;

	asm volatile("ldmxcsr %0\n\t"
		     "xorps %%xmm0, %%xmm0\n\t"
		     "divps %%xmm0, %%xmm0"
		     :
		     : "m"(mxcsr)
		     : "memory");
}

/** An operand in MMIO, which makes the emulator meet the exception. */
static void store_with_an_exception_pending(void)
{
	divide_by_zero_sse();
	asm volatile("movups %%xmm0, (%0)" : : "r"(DEVICE_NOBODY_GPA));
}

/** With CR0.NE and without, CR0.TS, CR0.EM, CR4.OSFXSR each way. */
TEST(exceptions_of_fpu_and_sse)
{
	static const u64 flips[] = { 0, BIT(5), BIT(3), BIT(2), BIT(1),
				     BIT(5) | BIT(1) };
	u64 cr0 = read_cr0();
	struct trap trap;

	hostile_begin();
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(flips); i++) {
		value = cr0 ^ flips[i / 2];
		trap_catch(write_cr0, &trap);
		trap_catch(divide_by_zero, &trap);
		hostile_look(trap.rcx);
		trap_catch(divide_by_zero_sse, &trap);
		trap_catch(store_with_an_exception_pending, &trap);
		hostile_look(trap.rcx);
		value = read_cr4() ^ BIT(9) ^ BIT(10);
		trap_catch(write_cr4, &trap);
	}
	hostile_end();
}
