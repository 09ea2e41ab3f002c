/** @file
 * Interrupts that meet a page which the hypervisor has not mapped.
 *
 * The processor reads the IDT and pushes a frame; when our tables have no entry
 * for one of these pages it exits in the middle.  The local APIC has given the
 * interrupt away by then, so the hypervisor must bring it to its end: once, not
 * never and not twice.  So must an IRET, which ends the blocking of NMIs only
 * when it has come to its own end.
 */
#include "guest-tests/apic/apic.h"

#define ROUNDS 50

/** Memory of its own slot, so that nothing else is near: the IDT's page, then
 * one for a stack. */
#define FAR SLOTS_GPA
#define FAR_STACK (void *)(FAR + 2 * PAGE_SIZE)

/** Forget what our tables say of it. */
static void forget(void)
{
	CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, FAR, 2));
}

static void make_far(void)
{
	slots_add(1, gpa(FAR), SLOTS_LARGE, 0);
	*(volatile u64 *)FAR = 0;
}

TEST(interrupt_meets_an_idt_that_is_not_mapped)
{
	struct apic_seen *seen = apic_begin();
	u64 before;

	make_far();
	apic_move_idt((void *)FAR);
	before = vmcall_counter(COUNTER_VIOLATIONS);
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_write(APIC_ICR_LOW,
			   APIC_SELF | APIC_ASSERT | APIC_VECTOR);
		forget();
		apic_open();
		CHECK_COUNT(apic_count(seen, APIC_VECTOR), i,
			    "an interrupt whose delivery faults is delivered "
			    "once");
		forget();
		apic_send(0, APIC_NMI);
		asm volatile("nop");
		CHECK_COUNT(apic_count(seen, APIC_VECTOR_NMI), i,
			    "so is an NMI");
	}
	CHECK_TRUE(vmcall_counter(COUNTER_VIOLATIONS) - before >= 2 * ROUNDS,
		   "each of them has met the page");
}

/** Interrupts, once, while RSP is there. */
static void open_on(void *stack)
{
	asm volatile("movq %%rsp, %%rbx\n\t"
		     "movq %0, %%rsp\n\t"
		     "sti\n\t"
		     "nop\n\t"
		     "nop\n\t"
		     "cli\n\t"
		     "movq %%rbx, %%rsp"
		     :
		     : "r"(stack)
		     : "rbx", "memory");
}

TEST(interrupt_meets_a_stack_that_is_not_mapped)
{
	struct apic_seen *seen = apic_begin();
	u64 before;

	make_far();
	before = vmcall_counter(COUNTER_VIOLATIONS);
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_write(APIC_ICR_LOW,
			   APIC_SELF | APIC_ASSERT | APIC_VECTOR);
		forget();
		open_on(FAR_STACK);
		CHECK_COUNT(apic_count(seen, APIC_VECTOR), i,
			    "an interrupt whose frame cannot be pushed at "
			    "once is delivered once");
	}
	CHECK_TRUE(vmcall_counter(COUNTER_VIOLATIONS) - before >= ROUNDS,
		   "each of them has met the page");
}

/* apic_entry.S: an NMI's handler that unmaps its stack just before IRET */
extern u64 apic_entry_unmap[3]; /* RDI, RSI and RAX of that hypercall */
extern const u8 apic_entry_nmi_unmapping[], apic_entry_nmi_end[];
/** Where the last two NMIs came from; [0] is the newest. */
extern u64 apic_entry_nmi_rip[2];

TEST(nmi_stays_blocked_while_its_iret_faults)
{
	u64 at = (u64)apic_entry_nmi_unmapping;
	struct apic_seen *seen = apic_begin();

	make_far();
	apic_set_gate(APIC_VECTOR_NMI, apic_entry_nmi_unmapping);
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_entry_unmap[0] = FAR;
		apic_entry_unmap[1] = 2; /* 0 again when it is done */
		apic_entry_unmap[2] = HYPERCALL_EPT_UNMAP;
		apic_nmi_on(FAR_STACK);
		CHECK_TRUE(apic_entry_nmi_rip[0] < at ||
				   apic_entry_nmi_rip[0] >=
					   (u64)apic_entry_nmi_end,
			   "an NMI that has come in an NMI's handler waits "
			   "until its IRET has come to its end (SDM 3C "
			   "28.2.3)");
		CHECK_COUNT(apic_count(seen, APIC_VECTOR_NMI), 2 * i,
			    "both have come");
	}
}
