/** @file
 * A timer's interrupt in real mode: it comes while the guest computes, and it
 * ends HLT.
 */
#define TEST_FLAGS TEST_NEEDS_APIC
#include "guest-tests/lib/test.h"
#include "guest-tests/real/code16.h"

#define HANDLER 0x100 /* code16.S */
#define VECTOR 0x51
#define COUNT 20000

/* Registers of the local APIC - SDM 3A table 11-1 */
#define APIC_GPA 0xfee00000ull
#define APIC_EOI 0x0b0
#define APIC_SVR 0x0f0
#define APIC_LVT_TIMER 0x320
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_DIVIDE 0x3e0

static void write(u32 offset, u32 value)
{
	mmio_write4(APIC_GPA + offset, value);
}

/** Once, COUNT from now on. */
static void start_timer(void)
{
	write(APIC_SVR, 0x1ff);
	write(APIC_TIMER_DIVIDE, 0xb); /* by 1 */
	write(APIC_LVT_TIMER, VECTOR);
	write(APIC_TIMER_INITIAL, COUNT);
}

static void spin(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_spin);
	r.flags = flags;
	real_set_vector(VECTOR, HANDLER);
	start_timer();
	real_run(&r);
	write(APIC_EOI, 0);
	CHECK_COUNT(r.gpr[2], 1,
		    "a timer's interrupt comes once, while the guest computes "
		    "(spec 9-2)");
}

TEST(a_timer_interrupts_real_mode)
{
	spin(0);
	spin(REAL_EMULATED);
}

static void sleep(u16 flags)
{
	struct hypercall_real r;

	CODE16_PREPARE(&r, code16_sleep);
	r.flags = flags;
	real_set_vector(VECTOR, HANDLER);
	start_timer();
	real_run(&r);
	write(APIC_EOI, 0);
	CHECK_COUNT(r.gpr[2], 1, "it ends HLT (spec 9-4)");
	CHECK_EQ(r.gpr[4], REAL_STACK_TOP, "and returns behind it");
}

TEST(a_timer_ends_hlt_in_real_mode)
{
	sleep(0);
	sleep(REAL_EMULATED);
}
