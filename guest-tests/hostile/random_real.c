/** @file
 * Random bytes in real mode.
 *
 * Where guests are unrestricted the processor runs them, but in every second
 * share; with ug=0 the emulation loop runs all of them.  TF is set, so each
 * instruction ends in a #DB, whose handler counts; any other exception ends the
 * case.  The bytes may load any segment and spoil what is below 1 MiB; or set
 * CR0.PE, and be somewhere else.  Then the VM ends in one of the ways of
 * expected.txt.
 *
 * An instruction which the emulator has not is such an end, so half of the
 * shares have few of them.  Left out are HLT, and POPF and IRET, behind which
 * nobody counts the steps.
 */
#include "guest-tests/hostile/hostile.h"
#include "guest-tests/hostile/random.h"
#include "guest-tests/lib/boot.h"

#define STEPS 500
#define BYTES_AT 0x8000u
#define BYTES 512
#define LEFT_AT 0xfff0u /* random_real16.S */
#define TF BIT(8)
#define ARITHMETIC 0xcd5
#define EXCEPTIONS 32
#define VECTORS 256
#define NOP 0x90

extern const u8 random_real16[], random_real16_end[];
extern const u8 random_real16_step[], random_real16_return[];

static u64 x;
static bool known;
static struct hypercall_real registers;

static bool is_any_of(u8 byte, const u8 *bytes, unsigned int count)
{
	bool is = false;

	for (unsigned int i = 0; i < count; i++) {
		is |= byte == bytes[i];
	}
	return is;
}

static bool is_left_out(u8 byte)
{
	static const u8 uncounted[] = { 0xf4, 0x9d, 0xcf };
	static const u8 begins_unknown[] = { 0x0f, 0x62, 0x63, 0x8f, 0x9b, 0xc4,
					     0xc5, 0xc6, 0xc7, 0xd6, 0xd8, 0xd9,
					     0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
					     0xf1, 0xfe, 0xff };

	return is_any_of(byte, uncounted, ARRAY_SIZE(uncounted)) ||
	       (known &&
		is_any_of(byte, begins_unknown, ARRAY_SIZE(begins_unknown)));
}

static void write_bytes(void)
{
	volatile u8 *at = real_memory(REAL_CODE + BYTES_AT);

	for (unsigned int i = 0; i < BYTES; i++) {
		u8 byte = (u8)(hostile_random(&x) >> 32);

		at[i] = is_left_out(byte) ? NOP : byte;
	}
}

static void write_vectors(void)
{
	u16 back = (u16)(random_real16_return - random_real16);

	for (unsigned int n = 0; n < VECTORS; n++) {
		real_set_vector(n, n < EXCEPTIONS ? 0 : back);
	}
	real_set_vector(TRAP_DB, (u16)(random_real16_step - random_real16));
}

static void make_case(struct hypercall_real *r, u16 flags)
{
	real_prepare(r, random_real16, random_real16_end);
	write_vectors();
	write_bytes();
	for (unsigned int i = 0; i < ARRAY_SIZE(r->gpr); i++) {
		r->gpr[i] = (u32)hostile_random(&x);
	}
	r->gpr[4] = REAL_STACK_TOP / 2;
	r->eip = BYTES_AT + (u32)(hostile_random(&x) % (BYTES / 2));
	r->eflags |= TF | (hostile_random(&x) & ARITHMETIC);
	r->idt_limit = 4 * VECTORS - 1;
	r->flags = flags;
}

static void run(void)
{
	real_run(&registers);
}

/** The last step's trap may still be to come when it is back in 64 bits.
 * @return how many steps it was */
static u64 run_case(u16 flags)
{
	volatile u32 *left = (volatile u32 *)real_memory(REAL_CODE + LEFT_AT);
	struct trap trap;

	make_case(&registers, flags);
	*left = STEPS;
	trap_catch(run, &trap);
	for (unsigned int i = 0; i < ARRAY_SIZE(registers.gpr); i++) {
		hostile_look(registers.gpr[i]);
	}
	return *left < STEPS ? STEPS - *left : 0;
}

void random_real_share(u64 share)
{
	u64 end = boot_info()->cases * RANDOM_STEPS_EACH / RANDOM_SHARES;
	u64 cases = 0;

	x = (boot_info()->seed * RANDOM_REAL_SHARES + share + 1) *
	    0x94d049bb133111ebull;
	known = share < RANDOM_REAL_SHARES / 2;
	hostile_begin();
	for (u64 steps = 0; steps < end && cases < end; cases++) {
		u64 more = run_case(share & 1 ? REAL_EMULATED : 0);

		random_report(more, steps + more >= end);
		steps += more;
	}
	hostile_end();
}
