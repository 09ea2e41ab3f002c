/** @file
 * Knowing the secret without having it.
 */
#include "guest-tests/hostile/hostile.h"

#include "guest-tests/lib/boot.h"

/** Program, tables and stacks; and how much of it is one call's. */
#define OWN_MEMORY (4ull << 20)
#define PIECE 65536

/** So often a hypercall tells the watchdog that we get on. */
#define LOOKS_PER_CALL 128

static u64 complement;
static u64 found, looked;

void hostile_begin(void)
{
	complement = (u64)vmcall1(HYPERCALL_SECRET, SECRET_COMPLEMENT);
}

static __noinline bool is_secret(u64 value)
{
	u64 sum = value ^ complement;

	/* Or the compiler would hold the secret itself. */
	asm volatile("" : "+r"(sum));
	return sum == ~0ull || (value >> 32 == 0 && (u32)sum == ~0u);
}

void hostile_look(u64 value)
{
	found += is_secret(value);
	if (!(++looked % LOOKS_PER_CALL)) {
		vmcall0(HYPERCALL_GENERATION);
	}
}

void hostile_look_at(const u64 *values, unsigned int count)
{
	u64 inverted = complement;

	for (unsigned int i = 0; i < count; i++) {
		u64 sum = values[i] ^ inverted;

		asm volatile("" : "+r"(sum));
		found += sum == ~0ull ||
			 (values[i] >> 32 == 0 && (u32)sum == ~0u);
	}
	hostile_look(0);
}

/** A loop of its own, for it is a long one. */
static u64 count_in(const volatile u64 *word, const volatile u64 *end)
{
	u64 inverted = complement, count = 0;

	for (; word < end; word++) {
		u64 sum = *word ^ inverted;

		asm volatile("" : "+r"(sum));
		count += sum == ~0ull;
	}
	return count;
}

void hostile_look_at_ram(void)
{
	u64 at = 0;

	asm volatile("" : "+r"(at)); /* not known to be NULL */
	for (; at < OWN_MEMORY; at += PIECE) {
		found += count_in((const volatile u64 *)at,
				  (const volatile u64 *)(at + PIECE));
		vmcall0(HYPERCALL_GENERATION);
	}
	looked++;
}

bool hostile_is_short(void)
{
	return boot_info()->cases < 2000;
}

u64 hostile_found(void)
{
	return found;
}

void hostile_end(void)
{
	CHECK_TRUE(looked, "a hostile guest looks at what it reads");
	CHECK_COUNT(found, 0,
		    "no memory of the hypervisor is readable: its secret "
		    "never appears");
}
