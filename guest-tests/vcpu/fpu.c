/** @file
 * FPU, MMX and SSE: the registers are the guest's own, and so are the faults.
 *
 * The hypervisor does not use these registers and does not look at CR0.TS
 * while the guest runs.  That is simple, and easy to spoil: by a compiler that
 * vectorizes, by an emulator that moves an XMM register which the guest may
 * not touch now.
 */
#include "guest-tests/lib/fpu.h"
#include "guest-tests/lib/test.h"

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_OSXSAVE BIT(18)

#define TRAP_NM 7
#define TRAP_MF 16
#define TRAP_XM 19

#define ROUNDS 50
#define PORT 0x5678

static struct fpu state;
static u64 wanted_cr0, wanted_cr4, old_cr0, old_cr4;
static void (*wanted_function)(void);

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

static void write_controls(u64 cr0, u64 cr4)
{
	asm volatile("mov %0, %%cr4; mov %1, %%cr0" : : "r"(cr4), "r"(cr0)
		     : "memory");
}

static void with_controls(void)
{
	write_controls(wanted_cr0, wanted_cr4);
	wanted_function();
}

/** Which exception ends it with these bits of CR0 and CR4 changed. */
static u64 vector_with(void (*fn)(void), u64 cr0_bits, u64 cr4_bits)
{
	struct trap trap;

	old_cr0 = read_cr0();
	old_cr4 = read_cr4();
	wanted_cr0 = old_cr0 ^ cr0_bits;
	wanted_cr4 = old_cr4 ^ cr4_bits;
	wanted_function = fn;
	trap_catch(with_controls, &trap);
	write_controls(old_cr0, old_cr4);
	return trap.vector;
}

/** Dirties all of it, for the test that comes next. */
TEST(exits_keep_the_whole_state)
{
	u32 value;

	for (u8 i = 0; i < ROUNDS; i++) {
		fpu_make(&state, i);
		fpu_load(&state);
		mmio_read4(DEVICE_COUNTER_GPA);
		mmio_read4(DEVICE_CORE_PATTERN_GPA);
		vmcall_counter(COUNTER_VIOLATIONS);
		asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(PORT));
		CHECK_TRUE(fpu_holds(&state),
			   "exits to the core and to the VMM keep x87, MXCSR "
			   "and XMM registers");
	}
}

TEST(a_vcpu_begins_with_a_clean_fpu)
{
	struct fpu seen;

	fpu_save(&seen);
	CHECK_EQ(seen.control, FPU_FCW_INIT, "x87 control word");
	CHECK_EQ(seen.status, 0, "x87 status word");
	CHECK_EQ(seen.tags, 0, "no x87 register is in use");
	CHECK_EQ(seen.mxcsr, FPU_MXCSR_INIT, "MXCSR");
	for (u64 i = 0; i < 16; i++) {
		CHECK_EQ(*(u64 *)seen.xmm[i] | *(u64 *)&seen.xmm[i][8], 0,
			 "an XMM register holds nothing of another VM's");
	}
}

static const u32 one_and_zero[2][4] __aligned(16) = {
	{ 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000 },
};

static void divide_sse(void)
{
	asm volatile("ldmxcsr %0; movaps %1, %%xmm0; divps %2, %%xmm0"
		     :
		     : "m"((u32){ FPU_MXCSR_INIT & ~BIT(9) }),
		       "m"(one_and_zero[0]), "m"(one_and_zero[1]));
}

static void divide_x87(void)
{
	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait"
		     :
		     : "m"((u16){ FPU_FCW_INIT & ~BIT(2) }));
}

static void load_bad_mxcsr(void)
{
	asm volatile("ldmxcsr %0" : : "m"((u32){ FPU_MXCSR_INIT | BIT(31) }));
}

/** "QEMU TCG CPU version ...": an emulator that never raises #XM, though it
 * sets the bits of MXCSR, and takes reserved ones. */
static bool is_tcg(void)
{
	u32 eax, ebx, ecx, edx;

	asm volatile("cpuid"
		     : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx)
		     : "a"(0x80000002), "c"(0));
	return eax == 0x554d4551 /* QEMU */ && ebx == 0x47435420 /* TCG */;
}

TEST(sse_exceptions_arrive)
{
	bool raises = !is_tcg();
	u32 mxcsr;

	CHECK_EQ(vector_with(divide_sse, 0, 0), raises ? TRAP_XM : TRAP_NONE,
		 "an unmasked exception of SSE is #XM");
	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	CHECK_EQ(mxcsr & 0x3f, BIT(2), "MXCSR says why: a division by 0");
	CHECK_EQ(vector_with(divide_sse, 0, CR4_OSXMMEXCPT),
		 raises ? TRAP_UD : TRAP_NONE,
		 "it is #UD with CR4.OSXMMEXCPT clear");
	CHECK_EQ(vector_with(load_bad_mxcsr, 0, 0),
		 raises ? TRAP_GP : TRAP_NONE,
		 "a reserved bit of MXCSR is #GP");
}

TEST(x87_exceptions_arrive)
{
	u16 status;

	CHECK_EQ(vector_with(divide_x87, 0, 0), TRAP_MF,
		 "an unmasked exception of the x87 is #MF");
	asm volatile("fnstsw %0; fninit" : "=m"(status));
	CHECK_EQ(status & 0xbf, BIT(7) | BIT(2),
		 "the status word says why: a division by 0");
}

static void use_x87(void)
{
	asm volatile("fld1; fstp %st(0)");
}

static void use_mmx(void)
{
	asm volatile("pxor %mm0, %mm0; emms");
}

static void use_sse(void)
{
	asm volatile("xorps %xmm0, %xmm0");
}

static void use_wait(void)
{
	asm volatile("fwait");
}

TEST(control_bits_refuse_the_fpu)
{
	static void (*const users[])(void) = { use_x87, use_mmx, use_sse };

	for (u64 i = 0; i < ARRAY_SIZE(users); i++) {
		CHECK_EQ(vector_with(users[i], 0, 0), TRAP_NONE,
			 "x87, MMX and SSE are there");
		CHECK_EQ(vector_with(users[i], CR0_TS, 0), TRAP_NM,
			 "CR0.TS makes them #NM");
	}
	CHECK_EQ(vector_with(use_x87, CR0_EM, 0), TRAP_NM,
		 "CR0.EM makes x87 #NM");
	CHECK_EQ(vector_with(use_mmx, CR0_EM, 0), TRAP_UD, "and MMX #UD");
	CHECK_EQ(vector_with(use_sse, CR0_EM, 0), TRAP_UD, "and SSE #UD");
	CHECK_EQ(vector_with(use_sse, 0, CR4_OSFXSR), TRAP_UD,
		 "SSE is #UD with CR4.OSFXSR clear");
	CHECK_EQ(vector_with(use_wait, CR0_TS | (~read_cr0() & CR0_MP), 0),
		 TRAP_NM, "CR0.TS and CR0.MP make WAIT #NM");
}

/** The CPUID is the exit behind which the next instruction is emulated. */
static void load_from_device(void)
{
	asm volatile("cpuid; movdqu (%0), %%xmm0"
		     :
		     : "S"(DEVICE_COUNTER_GPA), "a"(0)
		     : "rbx", "rcx", "rdx");
}

static void store_to_device(void)
{
	asm volatile("cpuid; movdqu %%xmm0, (%0)"
		     :
		     : "S"(DEVICE_COUNTER_GPA), "a"(0)
		     : "rbx", "rcx", "rdx", "memory");
}

static u64 vector_emulated(void (*fn)(void), u64 cr0_bits, u64 cr4_bits)
{
	CHECK_DONE(vmcall1(HYPERCALL_EMULATE, 1));
	return vector_with(fn, cr0_bits, cr4_bits);
}

/** The emulator asks what the processor would have asked. */
TEST(control_bits_refuse_emulated_sse)
{
	static void (*const users[])(void) = { load_from_device,
					       store_to_device };
	u32 before = mmio_read4(DEVICE_COUNTER_GPA);

	for (u64 i = 0; i < ARRAY_SIZE(users); i++) {
		CHECK_EQ(vector_emulated(users[i], CR0_TS, 0), TRAP_NM,
			 "CR0.TS makes a move to or from a device #NM");
		CHECK_EQ(vector_emulated(users[i], CR0_EM, 0), TRAP_UD,
			 "CR0.EM makes it #UD");
		CHECK_EQ(vector_emulated(users[i], 0, CR4_OSFXSR), TRAP_UD,
			 "it is #UD with CR4.OSFXSR clear");
	}
	CHECK_EQ(mmio_read4(DEVICE_COUNTER_GPA), before + 1,
		 "and none of them reaches the device");
}

/** vaddps %xmm0, %xmm0, %xmm0; xgetbv; xsave (%rdi) */
static void use_avx(void)
{
	asm volatile(".byte 0xc5, 0xf8, 0x58, 0xc0");
}

static void use_xgetbv(void)
{
	asm volatile("xgetbv" : : "c"(0) : "eax", "edx");
}

static void use_xsave(void)
{
	asm volatile("xsave (%0)" : : "r"(&state), "a"(0), "d"(0) : "memory");
}

TEST(avx_and_xsave_are_not_there)
{
	CHECK_EQ(vector_with(use_avx, 0, 0), TRAP_UD, "AVX is #UD");
	CHECK_EQ(vector_with(use_xgetbv, 0, 0), TRAP_UD, "XGETBV is #UD");
	CHECK_EQ(vector_with(use_xsave, 0, 0), TRAP_UD, "XSAVE is #UD");
	CHECK_EQ(vector_with(use_avx, 0, CR4_OSXSAVE), TRAP_GP,
		 "CR4.OSXSAVE cannot be set");
	CHECK_EQ(read_cr4() & CR4_OSXSAVE, 0, "and is not set then");
}
