/** @file
 * Two vCPUs: one executes, the other one changes what is executed, and the page
 * tables, at the same time.
 *
 * What the processor has fetched, walked or faulted on is not what the
 * hypervisor finds when it looks.  It may do either, or raise an exception, or
 * stop this VM; and nothing else.  Needs a third CPU, for the neighbour has the
 * last.
 */
#define TEST_FLAGS (TEST_HOSTILE | TEST_NEEDS_CPUS | TEST_NEEDS_3_CPUS)
#include "guest-tests/hostile/hostile.h"

#define ROUNDS (hostile_is_short() ? 2000u : 40000u)
#define RET 0xc3
#define PAUSES 20
#define FRAME 0x800000ull /* free memory */
#define TABLE_FLAGS 0x27ull
#define SLOT_OF(shift) (HOSTILE_WINDOW >> (shift) & 511)

static u8 code[4096] __aligned(4096);
static volatile u64 tables[3][512] __aligned(4096);
static struct meeting meeting;
static u64 target, seen;

/** Each is 8 bytes that end in RET, or go on in the next ones. */
static const u64 instructions[] = {
	0x909090c3c3078b48, /* MOV (%rdi), %rax */
	0x909090c3c3078948, /* MOV %rax, (%rdi) */
	0x90909090c3c3a4f3, /* REP MOVSB */
	0x9090c3c307b60f48, /* MOVZX */
	0x90c3c307c10f48f0, /* LOCK XADD */
	0x9090909090c30b0f, /* UD2 */
	0x90909090c3c307ff, /* INCL (%rdi) */
	0xc3c307110f909090, /* MOVUPS %xmm0, (%rdi) */
	0x66662e66652e0766, /* prefixes, and none of its end */
	0x90909090c390c337, /* no instruction */
};

/** One more turn, of which the watchdog hears now and then.  Not too fast: an
 * emulated processor translates code anew that has changed. */
static bool goes_on(void)
{
	if (!(meeting.turns % 128)) {
		vmcall0(HYPERCALL_GENERATION);
	}
	for (unsigned int i = 0; i < PAUSES; i++) {
		asm volatile("pause");
	}
	return second_goes_on(&meeting);
}

/** Whole words, which are stored at once: no mixture of two leads elsewhere. */
static u64 change_code(void *unused)
{
	u64 x = 49;

	(void)unused;
	while (goes_on()) {
		*(volatile u64 *)code = instructions[hostile_random(&x) %
						     ARRAY_SIZE(instructions)];
	}
	return 0;
}

/** RAM, MMIO, a device, nothing, read-only, reserved bits; and the table of
 * the page table itself. */
static u64 change_tables(void *unused)
{
	static const u64 entries[] = {
		FRAME | 0x67,		 FRAME | 0x65,
		DEVICE_NOBODY_GPA | 0x67, DEVICE_SCRATCH_GPA | 0x67,
		0,			 BIT(51) | 0x67,
		FRAME | 0x7,		 DEVICE_CORE_PATTERN_GPA | 0x67,
		GUEST_RAM_SIZE | 0x67,	 FRAME + PAGE_SIZE + 0x67,
	};
	u64 x = 49;

	(void)unused;
	while (goes_on()) {
		u64 any = hostile_random(&x);
		u64 entry = entries[any % ARRAY_SIZE(entries)];

		tables[2][any >> 20 & 1] = entry;
		if (!(any >> 40 & 15)) {
			tables[1][0] = FRAME | TABLE_FLAGS;
			tables[1][0] = (u64)tables[2] | TABLE_FLAGS;
		}
	}
	return 0;
}

/** At CPL 3, where an instruction that the emulator has not is #UD. */
static void execute(void)
{
	u64 to = target, from = target + 512, count = 3;

	asm volatile("call *%3\n\t"
		     "ud2"
		     : "+D"(to), "+S"(from), "+c"(count)
		     : "r"(code)
		     : "rax", "memory", "cc");
}

/** The same, and behind the CPUID all of it is emulated. */
static void execute_emulated(void)
{
	asm volatile("cpuid" : : "a"(0) : "rbx", "rcx", "rdx");
	execute();
}

static void touch(void)
{
	u64 at = target, from = target + 64, count = 9;

	seen = mmio_read8(at);
	mmio_write8(at, seen);
	asm volatile("lock xaddq %0, (%1)" : "+r"(seen) : "r"(at) : "memory");
	asm volatile("rep movsb"
		     : "+D"(at), "+S"(from), "+c"(count)
		     :
		     : "memory");
}

static void begin(u64 (*fn)(void *))
{
	u64 *root;

	hostile_begin();
	asm volatile("movq %%cr3, %0" : "=r"(root));
	root[SLOT_OF(39)] = (u64)tables[0] | TABLE_FLAGS;
	tables[0][SLOT_OF(30)] = (u64)tables[1] | TABLE_FLAGS;
	tables[1][SLOT_OF(21)] = (u64)tables[2] | TABLE_FLAGS;
	/* Whatever has lost its RET finds one. */
	memset(code, RET, sizeof(code));
	*(volatile u64 *)code = instructions[0];
	second_start(fn, NULL);
	second_turn(&meeting);
}

static void end(void)
{
	__atomic_store_n(&meeting.stop, 1, __ATOMIC_SEQ_CST);
	second_wait();
	hostile_end();
}

TEST(race_for_the_bytes_of_an_instruction)
{
	struct trap trap;

	begin(change_code);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		target = i % 2 ? DEVICE_SCRATCH_GPA : DEVICE_NOBODY_GPA - 4;
		trap_user(execute, &trap);
		hostile_look(trap.rcx);
		vmcall0(HYPERCALL_GENERATION);
	}
	end();
}

TEST(race_for_bytes_that_are_all_emulated)
{
	struct trap trap;

	begin(change_code);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		target = DEVICE_CORE_SCRATCH_GPA + i % 64;
		vmcall1(HYPERCALL_EMULATE, 6);
		trap_user(execute_emulated, &trap);
		hostile_look(trap.rcx);
	}
	end();
}

TEST(race_for_the_page_tables)
{
	struct trap trap;

	begin(change_tables);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		target = HOSTILE_WINDOW + (i % 3 ? i % 64 * 8 : 0xffc);
		asm volatile("invlpg (%0)" : : "r"(target) : "memory");
		trap_catch(touch, &trap);
		hostile_look(seen);
	}
	end();
}

TEST(race_for_the_page_tables_without_invlpg)
{
	struct trap trap;

	begin(change_tables);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		target = HOSTILE_WINDOW + (i % 3 ? i % 64 * 8 : 0xffc);
		trap_catch(touch, &trap);
		hostile_look(seen);
	}
	end();
}
