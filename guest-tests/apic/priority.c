/** @file
 * One vCPU and its own local APIC: what comes when, and in which order.
 */
#include "guest-tests/apic/apic.h"

#define LINT0_FIXED 0

/** One to oneself; it waits as long as interrupts are off. */
static void send_self(u32 vector)
{
	apic_write(APIC_ICR_LOW, APIC_SELF | APIC_ASSERT | vector);
}

/** Is a vector's bit set in one of the three times 256? */
static bool is_set(u32 offset, u8 vector)
{
	return apic_read(offset + vector / 32 * 16u) >> vector % 32 & 1;
}

TEST(registers_after_reset)
{
	CHECK_EQ(apic_read(APIC_ID), 0, "the first vCPU's APIC ID is 0");
	CHECK_EQ(apic_read(APIC_VERSION), 0x50014,
		 "an integrated APIC with six LVT entries (SDM 3A 11.4.8)");
	CHECK_EQ(apic_read(APIC_SVR), 0xff,
		 "after reset it is disabled by software (SDM 3A 11.4.7.1)");
	CHECK_EQ(apic_read(APIC_DFR), 0xffffffff, "the model is flat");
	CHECK_EQ(apic_read(APIC_LVT_TIMER), APIC_LVT_MASKED,
		 "LVT entries are masked");
	apic_write(APIC_LVT_TIMER, APIC_VECTOR);
	CHECK_EQ(apic_read(APIC_LVT_TIMER), APIC_LVT_MASKED | APIC_VECTOR,
		 "... and cannot be unmasked before it is enabled (SDM 3A "
		 "11.4.7.2)");
}

TEST(self_ipi_waits_for_sti)
{
	struct apic_seen *seen = apic_begin();

	send_self(APIC_VECTOR);
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 0,
		    "with IF = 0 an interrupt waits");
	CHECK_TRUE(is_set(APIC_IRR, APIC_VECTOR), "... in IRR");
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "it comes when STI's shadow is over, once");
	CHECK_FALSE(is_set(APIC_IRR, APIC_VECTOR) ||
			    is_set(APIC_ISR, APIC_VECTOR),
		    "after its EOI it is neither in IRR nor in ISR");
}

TEST(sti_and_mov_ss_hold_interrupts_off)
{
	struct apic_seen *seen = apic_begin();

	send_self(APIC_VECTOR);
	asm volatile("sti; cli" : : : "memory");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 0,
		    "STI; CLI lets nothing in (SDM 2B STI)");
	asm volatile("sti; mov %%ss, %%eax; mov %%eax, %%ss; cli"
		     :
		     :
		     : "eax", "memory");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "the instruction behind STI is followed by an open moment");
}

TEST(equal_vectors_are_one)
{
	struct apic_seen *seen = apic_begin();

	send_self(APIC_VECTOR);
	send_self(APIC_VECTOR);
	send_self(APIC_VECTOR);
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "IRR has one bit for each vector: what has not been taken "
		    "yet comes once");
}

TEST(higher_vectors_come_first)
{
	struct apic_seen *seen = apic_begin();

	send_self(APIC_VECTOR_LOW);
	send_self(APIC_VECTOR_HIGH);
	send_self(APIC_VECTOR);
	apic_open();
	apic_open();
	CHECK_COUNT(seen->total, 3, "each comes once");
	CHECK_EQ(seen->order[0] << 16 | seen->order[1] << 8 | seen->order[2],
		 APIC_VECTOR_HIGH << 16 | APIC_VECTOR << 8 | APIC_VECTOR_LOW,
		 "of those that wait the highest is taken (SDM 3A 11.8.4)");
}

/** Opens the door from within a handler. */
static void open_inside(u64 vector)
{
	if (vector == APIC_VECTOR) {
		send_self(APIC_VECTOR_LOW);
		send_self(APIC_VECTOR);
		send_self(APIC_VECTOR_HIGH);
		apic_open();
		CHECK_COUNT(apic_mine()->total, 2,
			    "a handler that opens interrupts is interrupted "
			    "by a higher priority only (SDM 3A 11.8.3)");
		CHECK_EQ(apic_read(APIC_PPR), APIC_VECTOR & 0xf0,
			 "PPR is the priority of what is in service");
		apic_mine()->handler = NULL;
	}
}

TEST(what_is_in_service_blocks_its_priority)
{
	struct apic_seen *seen = apic_begin();

	seen->handler = open_inside;
	send_self(APIC_VECTOR);
	apic_open();
	apic_open();
	CHECK_EQ(seen->order[0] << 24 | seen->order[1] << 16 |
			 seen->order[2] << 8 | seen->order[3],
		 (u32)APIC_VECTOR << 24 | APIC_VECTOR_HIGH << 16 |
			 APIC_VECTOR << 8 | APIC_VECTOR_LOW,
		 "nested, then by priority");
}

TEST(eoi_ends_the_highest)
{
	struct apic_seen *seen = apic_begin();

	seen->hold = true;
	send_self(APIC_VECTOR_LOW);
	apic_open();
	send_self(APIC_VECTOR_HIGH);
	apic_open();
	CHECK_TRUE(is_set(APIC_ISR, APIC_VECTOR_LOW) &&
			   is_set(APIC_ISR, APIC_VECTOR_HIGH),
		   "without EOI both stay in service");
	apic_write(APIC_EOI, 0);
	CHECK_TRUE(is_set(APIC_ISR, APIC_VECTOR_LOW), "an EOI ends one");
	CHECK_FALSE(is_set(APIC_ISR, APIC_VECTOR_HIGH),
		    "... the highest (SDM 3A 11.8.5)");
	apic_write(APIC_EOI, 0);
	CHECK_FALSE(is_set(APIC_ISR, APIC_VECTOR_LOW), "the next the other");
	apic_write(APIC_EOI, 0);
	CHECK_COUNT(seen->total, 2, "one more does nothing");
}

TEST(tpr_holds_back)
{
	struct apic_seen *seen = apic_begin();

	apic_write(APIC_TPR, APIC_VECTOR & 0xf0);
	send_self(APIC_VECTOR);
	send_self(APIC_VECTOR_HIGH);
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_HIGH), 1,
		    "above the task's priority an interrupt comes");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 0,
		    "not above it, it waits (SDM 3A 11.8.3.1)");
	apic_write(APIC_TPR, 0);
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR), 1,
		    "and comes when the TPR is lowered");
}

TEST(cr8_is_the_tpr)
{
	struct apic_seen *seen = apic_begin();
	u64 cr8 = APIC_VECTOR >> 4;

	asm volatile("mov %0, %%cr8" : : "r"(cr8));
	CHECK_EQ(apic_read(APIC_TPR), APIC_VECTOR & 0xf0,
		 "CR8 is bits 7 to 4 of the TPR (SDM 3A 11.8.6)");
	send_self(APIC_VECTOR);
	apic_open();
	CHECK_COUNT(seen->total, 0, "CR8 holds back what the TPR would");
	apic_write(APIC_TPR, 0x2f);
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	CHECK_EQ(cr8, 2, "and reads what was written there");
	apic_open();
	CHECK_COUNT(seen->total, 1, "lowered, it lets in");
}

TEST(nmi_to_oneself_is_not_held_back)
{
	struct apic_seen *seen = apic_begin();

	apic_write(APIC_TPR, 0xff);
	apic_send(0, APIC_NMI);
	asm volatile("nop");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_NMI), 1,
		    "an NMI minds neither IF nor TPR");
}

/** A second and a third NMI while the first is handled. */
static void nmi_inside(u64 vector)
{
	if (vector == APIC_VECTOR_NMI && apic_mine()->total == 1) {
		apic_send(0, APIC_NMI);
		apic_send(0, APIC_NMI);
		CHECK_COUNT(apic_mine()->total, 1,
			    "NMIs are blocked in an NMI's handler (SDM 3A "
			    "6.7.1)");
	}
}

TEST(nmis_are_blocked_until_iret)
{
	struct apic_seen *seen = apic_begin();

	seen->handler = nmi_inside;
	apic_send(0, APIC_NMI);
	asm volatile("nop");
	CHECK_COUNT(seen->total, 2,
		    "one that has come meanwhile comes after IRET, and only "
		    "one is remembered");
}

TEST(illegal_vectors_are_errors)
{
	struct apic_seen *seen = apic_begin();

	apic_write(APIC_LVT_ERROR, APIC_VECTOR_LOW);
	send_self(0x0f);
	apic_open();
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_LOW), 1,
		    "an error interrupts by the LVT's error entry");
	CHECK_EQ(apic_read(APIC_ESR), 0, "the ESR shows it after a write");
	apic_write(APIC_ESR, 0);
	CHECK_EQ(apic_read(APIC_ESR), BIT(5),
		 "vectors below 16 cannot be sent (SDM 3A 11.5.3)");
	apic_read(0x2f0);
	apic_write(APIC_ESR, 0);
	CHECK_EQ(apic_read(APIC_ESR), BIT(7), "there is no CMCI register");
}

TEST(disabled_by_software)
{
	struct apic_seen *seen = apic_begin();

	send_self(APIC_VECTOR);
	apic_write(APIC_SVR, 0xff);
	send_self(APIC_VECTOR_HIGH);
	CHECK_FALSE(is_set(APIC_IRR, APIC_VECTOR_HIGH),
		    "an APIC that is disabled accepts no interrupt (SDM 3A "
		    "11.4.7.2)");
	CHECK_TRUE(is_set(APIC_IRR, APIC_VECTOR), "what is in IRR stays");
	apic_open();
	apic_send(0, APIC_NMI);
	asm volatile("nop");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_NMI), 1, "NMIs do come");
	CHECK_COUNT(apic_count(seen, APIC_VECTOR_SPURIOUS), 0,
		    "no spurious interrupt comes of it");
}

TEST(accesses_that_are_no_register)
{
	u32 id;

	apic_begin();
	apic_write(APIC_TPR, 0x55);
	mmio_write1(APIC_GPA + APIC_TPR, 0x11);
	mmio_write8(APIC_GPA + APIC_TPR, 0x22);
	CHECK_EQ(apic_read(APIC_TPR), 0x55,
		 "a write that is not 4 bytes is dropped (SDM 3A 11.4.1: "
		 "undefined)");
	CHECK_EQ(mmio_read1(APIC_GPA + APIC_VERSION + 2), 0x05,
		 "a read gets its bytes of the register");
	CHECK_EQ(mmio_read8(APIC_GPA + APIC_VERSION), 0x50014,
		 "behind a register there are 12 bytes of zeros");
	apic_write(APIC_VERSION, 0);
	CHECK_EQ(apic_read(APIC_VERSION), 0x50014, "it is read-only");
	apic_write(APIC_ID, 0x12345678);
	id = apic_read(APIC_ID);
	apic_write(APIC_ID, 0);
	CHECK_EQ(id, 0x12000000, "of the ID bits 31 to 24 can be written");
}
