/** @file
 * Every port and every MSR of the documented ranges, read and written.
 *
 * No port of a test's VM ends it.  MSRs are written several values; what the
 * guest itself runs on (EFER, FS and GS, the SYSENTER and SYSCALL entries) is
 * put back by the test's end, which is a fresh VM.
 */
#include "guest-tests/hostile/hostile.h"

#define PORTS 0x10000u
#define WIDE_EACH 8u /* every eighth also by four bytes */
#define RANDOM_MSRS 1000

TEST(every_port)
{
	hostile_begin();
	for (u32 port = 0; port < PORTS; port++) {
		u32 value = 0;

		asm volatile("inb %w1, %b0" : "+a"(value) : "d"(port));
		hostile_look(value);
		asm volatile("outb %b0, %w1" : : "a"(value), "d"(port));
		if (port % WIDE_EACH) {
			continue;
		}
		asm volatile("inl %w1, %0" : "=a"(value) : "d"(port));
		hostile_look(value);
		asm volatile("outl %0, %w1" : : "a"(value), "d"(port));
	}
	hostile_end();
}

/** INS into our own memory, of which there is enough; and OUTS. */
TEST(strings_of_ports)
{
	static u32 words[512];

	hostile_begin();
	for (u32 port = 0; port < PORTS; port += 257) {
		void *to = words;
		const void *from = words;
		u64 count = 16;

		asm volatile("rep insl"
			     : "+D"(to), "+c"(count)
			     : "d"(port)
			     : "memory");
		count = 16;
		asm volatile("rep outsl"
			     : "+S"(from), "+c"(count)
			     : "d"(port)
			     : "memory");
		hostile_look(words[port % 16]);
	}
	hostile_end();
}

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

TEST(msrs_from_0)
{
	hostile_begin();
	visit_range(0, 0x2000);
	hostile_end();
}

TEST(msrs_from_c0000000)
{
	hostile_begin();
	visit_range(0xc0000000, 0xc0002000);
	hostile_end();
}

TEST(msrs_of_hypervisors)
{
	hostile_begin();
	visit_range(0x40000000, 0x40000400);
	visit_range(0x4b564d00, 0x4b564e00);
	hostile_end();
}

TEST_WITH(msrs_with_a_local_apic, TEST_FLAGS | TEST_NEEDS_APIC)
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
