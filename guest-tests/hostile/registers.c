/** @file
 * Every MSR of the ranges that exist, and random others, read and written.
 *
 * Each is written several values; what the guest itself runs on (EFER, FS and
 * GS, the SYSENTER and SYSCALL entries) is put back by the test's end, which is
 * a fresh VM.
 */
#include "guest-tests/hostile/hostile.h"

#define DENSE 0x200u
#define RANDOM_MSRS (hostile_is_short() ? 500u : 20000u)

static u32 msr;
static u64 value;

static void read_msr(void)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	value = (u64)high << 32 | low;
}

static void write_msr(void)
{
	asm volatile("wrmsr"
		     :
		     : "a"((u32)value), "c"(msr), "d"((u32)(value >> 32))
		     : "memory");
}

static u8 scratch[4096] __aligned(4096);

static void visit(u32 number)
{
	const u64 values[] = {
		0, ~0ull, 0x4949494949494949ull, (u64)scratch | 1,
		0xffff800000000000ull,
	};
	unsigned int step = hostile_is_short() ? 3 : 1;
	struct trap trap;
	u64 before;

	msr = number;
	trap_catch(read_msr, &trap);
	hostile_look(value);
	before = value;
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i += step) {
		value = values[i];
		trap_catch(write_msr, &trap);
	}
	value = before;
	trap_catch(write_msr, &trap);
}

static void visit_range(u32 from, u32 to)
{
	for (u32 number = from; number < to; number++) {
		visit(number);
	}
}

/** Of as many as there may be a short run takes each of the first, which are
 * those that exist, and of the rest some. */
static void visit_8192(u32 from)
{
	u32 step = hostile_is_short() ? 13 : 1;

	visit_range(from, from + DENSE);
	for (u32 n = from + DENSE; n < from + 0x2000; n += step) {
		visit(n);
	}
}

TEST(every_msr_from_0)
{
	hostile_begin();
	visit_8192(0);
	hostile_end();
}

TEST(every_msr_from_c0000000)
{
	hostile_begin();
	visit_8192(0xc0000000);
	hostile_end();
}

TEST(every_msr_from_c0010000)
{
	hostile_begin();
	visit_8192(0xc0010000);
	hostile_end();
}

TEST(every_msr_of_hypervisors)
{
	hostile_begin();
	visit_range(0x40000000, 0x40000400);
	visit_range(0x4b564d00, 0x4b564e00);
	hostile_end();
}

TEST_WITH(every_msr_with_a_local_apic, TEST_FLAGS | TEST_NEEDS_APIC)
{
	hostile_begin();
	visit_range(0x10, 0x20);
	visit_range(0x6e0, 0x6e1);
	visit_range(0x800, 0x900);
	hostile_end();
}

TEST(random_msrs)
{
	u64 x = 49;

	hostile_begin();
	for (unsigned int i = 0; i < RANDOM_MSRS; i++) {
		visit((u32)(hostile_random(&x) >> 16));
	}
	hostile_end();
}
