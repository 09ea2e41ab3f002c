/** @file
 * Hypercalls with wild arguments.
 *
 * They are there to spoil the world of a test, in ways that are its own affair;
 * whatever they are given they must not harm anybody else.  Left out are those
 * that end the test or lead elsewhere by design: they have a test of their own.
 */
#include "guest-tests/hostile/hostile.h"
#include "guest-tests/lib/boot.h"

#define ROUNDS (hostile_is_short() ? 400u : 6000u)
#define WORDS 64

static u64 words[WORDS] __aligned(4096);
static u64 x;

static u64 wild(void)
{
	u64 any = hostile_random(&x);

	switch (any >> 60) {
	case 0:
		return any;
	case 1:
		return ~0ull - (any & 0xff);
	case 2:
		return GUEST_RAM_SIZE - (any & 0x3f);
	case 3:
		return any & (BIT(46) - PAGE_SIZE);
	case 4:
		return BIT(any & 63);
	case 5:
		return (any & 0xff) << PAGE_SHIFT;
	case 6:
		return DEVICE_FIFO_GPA + (any & 0x3fff);
	case 7:
	case 8:
	case 9:
	case 10:
		return (u64)words + (any & 0x38);
	default:
		return any & 7;
	}
}

/** Of structs in memory, most are of small numbers, two to a word. */
static void fill(void)
{
	for (unsigned int i = 0; i < WORDS; i++) {
		u64 any = hostile_random(&x);

		words[i] = any & BIT(40) ? wild() : any & 0x0000000300000007ull;
	}
}

static bool ends_by_design(enum hypercall number)
{
	static const u16 numbers[] = {
		HYPERCALL_END,	HYPERCALL_FAIL,	     HYPERCALL_EXPECT_STOP,
		HYPERCALL_REAL, HYPERCALL_EMULATE_ALL, HYPERCALL_SECRET,
		HYPERCALL_PRINT,
	};
	bool does = false;

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		does |= number == numbers[i];
	}
	return does;
}

static s64 call(u64 number)
{
	register u64 r10 asm("r10") = wild();
	register u64 r8 asm("r8") = wild();
	s64 result;

	asm volatile("vmcall"
		     : "=a"(result)
		     : "a"(number), "D"(wild()), "S"(wild()), "d"(wild()),
		       "r"(r10), "r"(r8)
		     : "memory");
	return result;
}

static void look_at_words(void)
{
	for (unsigned int i = 0; i < WORDS; i++) {
		hostile_look(words[i]);
	}
}

/** @param number the only one, or 0: all, one after the other at random */
static void call_wildly(u64 seed, u64 number)
{
	x = (boot_info()->seed + seed) * 0x9e3779b97f4a7c15ull;
	hostile_begin();
	for (u64 i = number ? ROUNDS * 63 / 64 : 0; i < ROUNDS; i++) {
		u64 nr = number ? number :
				  HYPERCALL_END + hostile_random(&x) % 80;

		fill();
		if (number || !ends_by_design(nr)) {
			hostile_look((u64)call(nr));
			look_at_words();
		}
	}
	hostile_end();
}

#define WILD_CALLS(n) \
	TEST(wild_hypercalls_##n) \
	{ \
		call_wildly((n), 0); \
	}

WILD_CALLS(1)
WILD_CALLS(2)
WILD_CALLS(3)
WILD_CALLS(4)

/** A PRINT of anything is no harm either, but many lines. */
TEST(wild_text)
{
	hostile_begin();
	vmcall1(HYPERCALL_PRINT, GUEST_RAM_SIZE - 1);
	vmcall1(HYPERCALL_PRINT, GUEST_RAM_SIZE);
	vmcall1(HYPERCALL_PRINT, ~0ull);
	hostile_look(0);
	hostile_end();
}

TEST(wild_real_mode)
{
	call_wildly(5, HYPERCALL_REAL);
}

TEST(wild_emulation)
{
	call_wildly(6, HYPERCALL_EMULATE_ALL);
}

/** Entries of the EPT are not a hostile guest's to write. */
TEST(tables_of_the_hypervisor_are_not_for_sale)
{
	struct hypercall_poke poke = {
		.gpa = 0, .level = 2, .and = 0, .or = 0x80000000 | 0xb7
	};

	hostile_begin();
	CHECK_EQ(vmcall1(HYPERCALL_EPT_POKE, vmcall_address(&poke)), -EINVAL,
		 "a hostile guest cannot write entries of the EPT");
	hostile_look(0);
	hostile_end();
}
