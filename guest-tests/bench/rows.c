/** @file
 * What an access costs: one row a kind of access.
 *
 * Every row is the same loop around another body:
 *
 *	1: rdtsc ; mov %eax,(%r15) ; add $4,%r15 ; BODY ; dec %r14d ; jnz 1b
 *
 * R15 walks through the buffer of stamps, R14D counts down, RBX is the address
 * that the body uses.  Interrupts are off, 4 GiB are mapped onto themselves in
 * 2 MiB pages.  The loop runs to warm up first and then once more; the stamps
 * of the second time go to the VMM, which finds the most frequent difference.
 * The row `empty` measures the loop itself, for tools/bench to subtract.
 *
 * A new row is one line: its name, the address in RBX, its body.
 */
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/test.h"

#define STAMPS_MAX 8000

/** Where doorbell i hangs. */
#define BELL(i) (DEVICE_FIFO_GPA + 8ull * (i))

static u32 stamps[STAMPS_MAX] __aligned(4096);

/** What ROW_MOVSB64 moves to. */
u8 target[64];

/**
 * Run a row's loop to warm up, run it measured, hand the stamps over.
 * @param part  of all iterations, for bodies that are long: 1 over this
 */
static void measure_part(void (*loop)(u64 times), u64 part)
{
	u64 times = boot_info()->iterations / part;

	CHECK_TRUE(times && times <= STAMPS_MAX,
		   "the bench's number of iterations fits its buffer");
	if (boot_info()->warm_up) {
		loop(boot_info()->warm_up / part);
	}
	loop(times);
	CHECK_DONE(vmcall2(HYPERCALL_STAMPS, vmcall_address(stamps), times));
}

static void measure(void (*loop)(u64 times))
{
	measure_part(loop, 1);
}

/** The loop of a row, and the record by which it is found. */
#define LOOP(row, address, body)                                      \
	static void loop_##row(u64 times)                             \
	{                                                             \
		register u64 r14 asm("r14") = times;                  \
		register u32 *r15 asm("r15") = stamps;                \
		u64 rbx = (address);                                  \
                                                                      \
		asm volatile("1: rdtsc\n\t"                           \
			     "movl %%eax, (%%r15)\n\t"                \
			     "addq $4, %%r15\n\t" body                \
			     "decl %%r14d\n\t"                        \
			     "jnz 1b"                                 \
			     : "+r"(r14), "+r"(r15), "+b"(rbx)        \
			     :                                        \
			     : "rax", "rcx", "rdx", "rsi", "rdi",     \
			       "r8", "cc", "memory");                 \
	}

#define ROW(row, address, body)                                       \
	LOOP(row, address, body)                                      \
	TEST(row)                                                     \
	{                                                             \
		measure(loop_##row);                                  \
	}

/** The loop in pages of 4 KiB, its own and the device's. */
#define ROW_PT4K(row)                                     \
	TEST(row##_pt4k)                                  \
	{                                                 \
		pages_split(gva(0));                      \
		pages_split(gva(GUEST_LINK_MIN));         \
		pages_split(gva(DEVICE_FIFO_GPA));        \
		measure(loop_##row);                      \
	}

/** 64 bytes into RAM: three instructions beside it; 100 iterations suffice. */
#define ROW_MOVSB64(row, address)                                     \
	LOOP(row, address, "movl $64, %%ecx\n\t"                      \
			   "movq %%rbx, %%rsi\n\t"                    \
			   "movq $target, %%rdi\n\t"                    \
			   "rep movsb\n\t")                           \
	TEST(row)                                                     \
	{                                                             \
		measure_part(loop_##row, 40);                         \
	}

/** A store to the last of n doorbells, or first some more that changes RBX;
 * length as for doorbell_make(). */
#define ROW_BELLS(row, n, length, more)                               \
	LOOP(row, BELL((n) - 1), more "movl %%eax, (%%rbx)\n\t")        \
	TEST(row)                                                     \
	{                                                             \
		for (u64 i = 0; i < (n); i++) {                       \
			doorbell_make(BELL(i), length);               \
		}                                                     \
		measure(loop_##row);                                  \
	}

/** 16-bit code of loop16.S, all of it emulated. */
static void measure_16(const u8 *begin, const u8 *end)
{
	u64 times = boot_info()->iterations / 4;
	struct hypercall_real r;

	real_prepare(&r, begin, end);
	r.flags = REAL_EMULATED;
	r.gpr[1] = (u32)times;
	r.gpr[6] = REAL_CODE; /* SI: 0 */
	real_run(&r);
	CHECK_DONE(vmcall2(HYPERCALL_STAMPS, REAL_DATA, times));
}

#define ROW_16(row)                                                   \
	extern const u8 loop16_##row[], loop16_##row##_end[];         \
	TEST(emulated_##row)                                          \
	{                                                             \
		measure_16(loop16_##row, loop16_##row##_end);         \
	}

/* table */
ROW(empty, 0, "")
ROW(exit_invd, 0, "invd\n\t")
ROW(exit_cpuid, 0, "xorl %%eax, %%eax\n\tcpuid\n\t")
ROW(core_read4, DEVICE_CORE_SCRATCH_GPA, "movl (%%rbx), %%eax\n\t")
/* two in turn, so that neither is the one that was decoded last */
ROW(core_read4_turns, DEVICE_CORE_SCRATCH_GPA,
    "movl (%%rbx), %%eax\n\tmovl (%%rbx), %%r8d\n\t")
ROW(vmm_read4, DEVICE_FIFO_GPA, "movl (%%rbx), %%eax\n\t")
ROW(vmm_write4, DEVICE_FIFO_GPA, "movl %%eax, (%%rbx)\n\t")
ROW(vmm_split_read8, DEVICE_COUNTER_GPA - 4, "movq (%%rbx), %%rax\n\t")
ROW(vmm_read16, DEVICE_FIFO_GPA, "movdqu (%%rbx), %%xmm0\n\t")
ROW(vmm_out8, 0, "outb %%al, $0x80\n\t")
ROW_MOVSB64(vmm_rep_movsb64, DEVICE_FIFO_GPA)
ROW_PT4K(vmm_read4)
ROW_BELLS(doorbell_write, 1, 0, "")
ROW_BELLS(bus_1, 1, 4, "")
ROW_BELLS(bus_100, 100, 4, "")
ROW_BELLS(bus_900, 900, 4, "")
/* two of a page in turn, the last and number 512: each is searched for */
ROW_BELLS(bus_900_turns, 900, 4, "xorq $8*(899 ^ 512), %%rbx\n\t")
ROW_16(empty)
ROW_16(mov)
ROW_16(load)
/* end of table */
