/** @file
 * An interrupt waits for the instruction behind STI, and for no other: also if
 * that is a store which rings a doorbell and is not emulated.
 */
#include "guest-tests/apic/apic.h"

#define BELL_GPA DEVICE_FREE_GPA
#define ROUNDS 20

static volatile u32 behind;
static u32 behind_seen;

static void look(u64 vector)
{
	(void)vector;
	behind_seen = behind;
}

static __noinline void ring_behind_sti(void)
{
	asm volatile("sti\n\t"
		     "movl %%eax, (%%rbx)\n\t"
		     "movl $1, (%%rcx)\n\t"
		     "cli"
		     : : "a"(0), "b"(BELL_GPA), "c"(&behind) : "memory");
}

TEST(interrupt_comes_behind_a_store_that_rings)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	apic_begin()->handler = look;
	for (u64 i = 1; i <= ROUNDS; i++) {
		behind = 0;
		behind_seen = 2;
		apic_write(APIC_ICR_LOW,
			   APIC_SELF | APIC_ASSERT | APIC_VECTOR);
		ring_behind_sti();
		CHECK_COUNT(behind_seen, 0,
			    "STI holds an interrupt off for one instruction, "
			    "and the store that rings was that one");
		CHECK_COUNT(doorbell_take(bell), 1, "it has rung once");
	}
	CHECK_TRUE(vmcall_counter(COUNTER_QUICK_RINGS) > 0,
		   "some of them without emulation");
}
