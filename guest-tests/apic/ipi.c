/** @file
 * A second vCPU started as systems do it, and interrupts between the two.
 */
#define TEST_FLAGS (TEST_NEEDS_APIC | TEST_NEEDS_CPUS)
#include "guest-tests/apic/apic.h"
#include "guest-tests/lib/boot.h"

#define SECOND 1
#define ROUNDS 100

static u64 return_argument(void *argument)
{
	return (u64)argument;
}

TEST(init_and_sipi_start_a_vcpu)
{
	apic_begin();
	apic_second_start(return_argument, (void *)0x49ull);
	CHECK_EQ(second_wait(), 0x49,
		 "INIT and SIPI start a vCPU in real mode, from where it "
		 "finds its way to 64-bit code");
}

/** Takes interrupts until the first says that it is enough. */
static struct meeting meeting;

static u64 take_interrupts(void *argument)
{
	(void)argument;
	apic_set(&meeting.turns, 1);
	while (!apic_get(&meeting.stop)) {
		apic_open();
	}
	return apic_mine()->total;
}

static struct apic_seen *start_taking(void)
{
	struct apic_seen *first = apic_begin();

	apic_second_start(take_interrupts, NULL);
	apic_wait_for(&meeting.turns, 1);
	return first;
}

TEST(fixed_ipi_reaches_the_other_vcpu)
{
	start_taking();
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_send(SECOND, APIC_VECTOR);
		apic_wait(apic_second(), APIC_VECTOR, i);
	}
	apic_set(&meeting.stop, 1);
	CHECK_COUNT(second_wait(), ROUNDS,
		    "each fixed IPI comes, once, with its own vector "
		    "(SDM 3A 11.6.1)");
}

/* Destinations ------------------------------------------------------------- */

/** How many the first and the second have seen. */
static u64 both(const struct apic_seen *first)
{
	return apic_get(&first->total) << 8 | apic_get(&apic_second()->total);
}

/** Send once, and let it come; then one that surely comes to both, so that
 * whatever was to come before it has come. */
static u64 send_and_see(struct apic_seen *first, u8 to, u32 command)
{
	static u64 rounds;
	u64 seen;

	rounds++;
	apic_send(to, command);
	apic_send(0, APIC_ALL | APIC_VECTOR_LOW);
	apic_open();
	apic_open();
	apic_wait(apic_second(), APIC_VECTOR_LOW, rounds);
	seen = both(first) - (rounds << 8 | rounds);
	return seen;
}

TEST(physical_destinations_and_shorthands)
{
	struct apic_seen *first = start_taking();

	CHECK_EQ(send_and_see(first, 1, APIC_VECTOR), 0x001,
		 "an APIC ID is one vCPU's");
	CHECK_EQ(send_and_see(first, 0, APIC_VECTOR), 0x101, "also one's own");
	CHECK_EQ(send_and_see(first, 0xff, APIC_VECTOR), 0x202,
		 "0xff is everybody");
	CHECK_EQ(send_and_see(first, 5, APIC_VECTOR), 0x202,
		 "an ID that nobody has is nobody's");
	CHECK_EQ(send_and_see(first, 1, APIC_SELF | APIC_VECTOR), 0x302,
		 "the shorthand self does not mind the destination");
	CHECK_EQ(send_and_see(first, 0, APIC_ALL | APIC_VECTOR), 0x403,
		 "all, including self");
	CHECK_EQ(send_and_see(first, 0, APIC_OTHERS | APIC_VECTOR), 0x404,
		 "all, excluding self");
	CHECK_EQ(send_and_see(first, 1, APIC_NMI), 0x405, "an NMI");
	CHECK_EQ(send_and_see(first, 0, APIC_OTHERS | APIC_NMI), 0x406,
		 "an NMI to all others");
	CHECK_EQ(send_and_see(first, 1, 0x200), 0x406,
		 "an SMI is accepted and nothing comes of it");
	CHECK_EQ(send_and_see(first, 1, APIC_STARTUP | 0x10), 0x406,
		 "a SIPI counts only after INIT");
	apic_set(&meeting.stop, 1);
	second_wait();
}

/** The second gives itself a logical ID. */
static u32 second_ldr, second_dfr;

static u64 take_with_logical_id(void *argument)
{
	apic_write(APIC_LDR, second_ldr);
	apic_write(APIC_DFR, second_dfr);
	return take_interrupts(argument);
}

static struct apic_seen *start_logical(u32 ldr, u32 other, u32 dfr)
{
	struct apic_seen *first = apic_begin();

	apic_write(APIC_LDR, ldr);
	apic_write(APIC_DFR, dfr);
	second_ldr = other;
	second_dfr = dfr;
	apic_second_start(take_with_logical_id, NULL);
	apic_wait_for(&meeting.turns, 1);
	return first;
}

TEST(logical_destinations_flat)
{
	struct apic_seen *first = start_logical(1u << 24, 2u << 24, ~0u);
	u32 logical = APIC_LOGICAL | APIC_VECTOR;

	CHECK_EQ(send_and_see(first, 2, logical), 0x001,
		 "in the flat model each has a bit (SDM 3A 11.6.2.2)");
	CHECK_EQ(send_and_see(first, 1, logical), 0x101, "or another");
	CHECK_EQ(send_and_see(first, 3, logical), 0x202, "or both are meant");
	CHECK_EQ(send_and_see(first, 4, logical), 0x202, "or nobody");
	CHECK_EQ(send_and_see(first, 0, logical), 0x202, "0 is nobody");
	apic_write(APIC_TPR, 0x10);
	CHECK_EQ(send_and_see(first, 3, logical | APIC_LOWEST), 0x203,
		 "lowest priority: one of them, whose priority is lower");
	apic_set(&meeting.stop, 1);
	second_wait();
}

TEST(logical_destinations_cluster)
{
	struct apic_seen *first = start_logical(0x11u << 24, 0x21u << 24, 0);
	u32 logical = APIC_LOGICAL | APIC_VECTOR;

	CHECK_EQ(send_and_see(first, 0x21, logical), 0x001,
		 "in the cluster model bits 7 to 4 are the cluster");
	CHECK_EQ(send_and_see(first, 0x22, logical), 0x001,
		 "and the others the member");
	CHECK_EQ(send_and_see(first, 0xf1, logical), 0x102,
		 "cluster 15 is all clusters");
	CHECK_EQ(send_and_see(first, 0xff, logical), 0x203,
		 "0xff is everybody");
	apic_set(&meeting.stop, 1);
	second_wait();
}

/* Back and forth ----------------------------------------------------------- */

/** Answer each by one to the first, asleep in between. */
static void answer(u64 vector)
{
	if (vector == APIC_VECTOR) {
		apic_send(0, APIC_VECTOR);
	}
}

static u64 answer_in_hlt(void *argument)
{
	u64 rounds = (u64)argument;

	apic_mine()->handler = answer;
	apic_set(&meeting.turns, 1);
	while (apic_count(apic_mine(), APIC_VECTOR) < rounds) {
		apic_halt();
		if (apic_mine()->total % 256 == 0) {
			vmcall0(HYPERCALL_IS_SHADOW);
		}
	}
	return apic_mine()->total;
}

TEST(halted_vcpus_wake_each_other)
{
	u64 rounds = boot_info()->cases; /* 10,000, or as `cases=` says */
	struct apic_seen *first = apic_begin();

	apic_second_start(answer_in_hlt, (void *)rounds);
	apic_wait_for(&meeting.turns, 1);
	for (u64 i = 1; i <= rounds; i++) {
		apic_send(SECOND, APIC_VECTOR);
		while (apic_count(first, APIC_VECTOR) < i) {
			apic_halt();
		}
		if (i % 256 == 0) {
			vmcall0(HYPERCALL_IS_SHADOW);
		}
	}
	CHECK_COUNT(second_wait(), rounds,
		    "an interrupt ends the HLT of a vCPU on another CPU, none "
		    "is lost");
}

/** Halted with interrupts off: only an NMI, or INIT, ends it. */
static u64 wait_for_nmi(void *argument)
{
	(void)argument;
	apic_set(&meeting.turns, 1);
	asm volatile("hlt");
	return apic_mine()->total;
}

TEST(nmi_ends_hlt)
{
	apic_begin();
	apic_second_start(wait_for_nmi, NULL);
	apic_wait_for(&meeting.turns, 1);
	apic_send(SECOND, APIC_VECTOR);
	apic_send(SECOND, APIC_NMI);
	CHECK_COUNT(second_wait(), 1,
		    "an NMI ends HLT with interrupts off, an interrupt does "
		    "not");
}

/** It never comes out of this by itself. */
static u64 halt_for_ever(void *argument)
{
	(void)argument;
	apic_set(&meeting.turns, meeting.turns + 1);
	for (;;) {
		asm volatile("cli; hlt");
	}
	return 0;
}

TEST(init_and_sipi_start_it_again)
{
	apic_begin();
	apic_second_start(halt_for_ever, NULL);
	apic_wait_for(&meeting.turns, 1);
	for (u64 i = 2; i <= 20; i++) {
		apic_second_again(i < 20 ? halt_for_ever : return_argument,
				  (void *)i);
		if (i < 20) {
			apic_wait_for(&meeting.turns, i);
		}
	}
	CHECK_COUNT(second_wait(), 20,
		    "INIT ends whatever a vCPU does, and a SIPI starts it "
		    "anew, out of HLT as well");
}
