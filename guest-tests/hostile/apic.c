/** @file
 * The local APIC: every place of its page in every width, its timer with the
 * most extreme times, and storms of interrupts and NMIs.
 *
 * The ICR has tests of its own (ipis.c).
 */
#define TEST_FLAGS (TEST_HOSTILE | TEST_NEEDS_CPUS | TEST_NEEDS_APIC)
#include "guest-tests/hostile/hostile.h"

#define APIC 0xfee00000ull
#define ICR_LOW 0x300
#define ENABLE 0x1ff
#define SVR 0xf0
#define EOI 0xb0
#define TPR 0x80
#define LVT_TIMER 0x320
#define INITIAL_COUNT 0x380
#define CURRENT_COUNT 0x390
#define DIVIDE 0x3e0
#define PERIODIC BIT(17)
#define DEADLINE BIT(18)
#define SELF BIT(18)
#define NMI 0x400u
#define TSC_DEADLINE 0x6e0u
#define VECTOR 31 /* the last that the library has a gate for */
#define STORM (hostile_is_short() ? 300u : 20000u)

static u64 offset, width, value, seen;

static void load(void)
{
	u64 at = APIC + offset;

	seen = width == 1 ? mmio_read1(at) :
	       width == 2 ? mmio_read2(at) :
	       width == 4 ? mmio_read4(at) :
			    mmio_read8(at);
}

static void store(void)
{
	u64 at = APIC + offset;

	switch (width) {
	case 1:
		mmio_write1(at, (u8)value);
		break;
	case 2:
		mmio_write2(at, (u16)value);
		break;
	case 4:
		mmio_write4(at, (u32)value);
		break;
	default:
		mmio_write8(at, value);
	}
}

static bool is_icr(void)
{
	return offset + width > ICR_LOW && offset < ICR_LOW + 16;
}

static void visit(void)
{
	static const u64 values[] = { 0, ~0ull, 0x4949494949494949,
				      0x0001000000010000 };
	struct trap trap;

	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		value = values[i];
		if (!is_icr()) {
			trap_catch(store, &trap);
		}
		trap_catch(load, &trap);
		hostile_look(seen);
	}
}

TEST(every_place_of_the_apic)
{
	u64 step = hostile_is_short() ? 37 : 1;

	hostile_begin();
	for (width = 1; width <= 8; width *= 2) {
		for (offset = 0; offset + width <= PAGE_SIZE; offset += step) {
			visit();
		}
	}
	hostile_end();
}

TEST(every_register_of_the_apic)
{
	hostile_begin();
	for (width = 4; width <= 8; width *= 2) {
		for (offset = 0; offset < PAGE_SIZE; offset += 16) {
			visit();
		}
	}
	hostile_end();
}

/* Storms ------------------------------------------------------------------- */

static void enable(void)
{
	hostile_begin();
	mmio_write4(APIC + SVR, ENABLE);
	mmio_write4(APIC + TPR, 0);
}

static void send(void)
{
	mmio_write4(APIC + ICR_LOW, (u32)value);
	asm volatile("sti\n\tnop\n\tnop\n\tcli");
}

/** After an NMI no other one comes until IRET. */
static void unblock_nmi(void)
{
	u64 stack;

	asm volatile("movq %%rsp, %0\n\t"
		     "pushq $0x10\n\t"
		     "pushq %0\n\t"
		     "pushq $2\n\t"
		     "pushq $0x08\n\t"
		     "pushq $1f\n\t"
		     "iretq\n"
		     "1:"
		     : "=&r"(stack)
		     :
		     : "memory", "cc");
}

/** Every second one without an EOI. */
static void storm(u32 icr)
{
	struct trap trap;
	u64 taken = 0;

	enable();
	value = icr;
	for (unsigned int i = 0; i < STORM; i++) {
		trap_catch(send, &trap);
		taken += trap.vector != TRAP_NONE;
		if (i % 2) {
			mmio_write4(APIC + EOI, 0);
		}
		unblock_nmi();
	}
	CHECK_TRUE(taken, "some of a storm of interrupts are taken");
	hostile_look(taken);
	hostile_end();
}

TEST(storm_of_ipis_to_itself)
{
	storm(SELF | VECTOR);
}

TEST(storm_of_nmis_to_itself)
{
	storm(NMI); /* to number 0 */
}

/** Short enough to be due all the time. */
static void sit(void)
{
	asm volatile("sti");
	for (unsigned int i = 0; i < 200; i++) {
		asm volatile("pause");
	}
	asm volatile("cli");
}

static void run_timer(u32 lvt, u32 count)
{
	struct trap trap;

	mmio_write4(APIC + LVT_TIMER, lvt | VECTOR);
	mmio_write4(APIC + INITIAL_COUNT, count);
	trap_catch(sit, &trap);
	mmio_write4(APIC + EOI, 0);
	hostile_look(mmio_read4(APIC + CURRENT_COUNT));
}

TEST(timer_with_extreme_counts)
{
	static const u32 counts[] = { 1, 2, ~0u, 0x80000000, 0, 49 };

	enable();
	for (u32 divide = 0; divide < 16; divide++) {
		mmio_write4(APIC + DIVIDE, divide);
		for (unsigned int i = 0; i < ARRAY_SIZE(counts); i++) {
			run_timer(0, counts[i]);
			run_timer(PERIODIC, counts[i]);
			run_timer(DEADLINE, counts[i]);
			run_timer(DEADLINE | PERIODIC, counts[i]);
		}
	}
	/* Ticks of one count each, and nobody takes them. */
	mmio_write4(APIC + DIVIDE, 0xb);
	mmio_write4(APIC + LVT_TIMER, PERIODIC | VECTOR);
	mmio_write4(APIC + INITIAL_COUNT, 1);
	hostile_look_at_ram();
	hostile_end();
}

static u64 deadline;

static void write_deadline(void)
{
	asm volatile("wrmsr"
		     :
		     : "a"((u32)deadline), "c"(TSC_DEADLINE),
		       "d"((u32)(deadline >> 32))
		     : "memory");
	sit();
}

static u64 now(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

TEST(deadlines_at_extreme_times)
{
	struct trap trap;

	enable();
	mmio_write4(APIC + LVT_TIMER, DEADLINE | VECTOR);
	for (unsigned int i = 0; i < 64 * 4; i++) {
		u64 far = BIT(i / 4);

		deadline = i % 4 == 0 ? far :
			   i % 4 == 1 ? ~0ull - far :
			   i % 4 == 2 ? now() + far :
					now() - far;
		trap_catch(write_deadline, &trap);
		mmio_write4(APIC + EOI, 0);
		hostile_look(trap.rcx);
	}
	hostile_end();
}
