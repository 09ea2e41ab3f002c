/** @file
 * Events that VM entry injects (SDM 3C 27.6), and deliveries that are cut
 * short (SDM 3C 28.2.4).
 *
 * An event comes in before the first instruction of the guest.  If the IDT is
 * not there, or the stack, the delivery itself exits, and the IDT-vectoring
 * information says what was under way, so that it can be injected again.
 */
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/handler.h"

/** A hole in the guest's page tables. */
#define NOWHERE 0x500000000ull

/** As PROVOKE_LAND(), and the guest's own handler goes there as well. */
#define PROVOKE_ANY(text, ...) \
	do { \
		PROVOKE_LAND("movq $1f, handler_seen + 40\n\t" text, \
			     __VA_ARGS__); \
		handler_seen.landing = 0; \
	} while (0)

_Static_assert(offsetof(struct handler_seen, landing) == 40, "PROVOKE_ANY()");

/** Ask for an event. @return RIP when it comes, which is that of a NOP */
static __noinline u64 inject(u64 information, u64 error, u64 length)
{
	u64 rip;

	VMWRITE(FIELD_ENTRY_ERROR_CODE, error);
	VMWRITE(FIELD_ENTRY_INSN_LENGTH, length);
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "vmcall\n"
		     "1: nop; nop; nop"
		     : "=&r"(rip)
		     : "a"((u64)SERVICE_VMWRITE), "D"(FIELD_ENTRY_INTR_INFO),
		       "S"(information) : "cc", "memory");
	return rip;
}

/** An event has arrived once, and returns to this RIP. */
#define CHECK_ARRIVED(number, code, at) \
	do { \
		CHECK_COUNT(handler_seen.count, 1, "one event has arrived"); \
		CHECK_EQ(handler_seen.vector, (number), "of this vector"); \
		CHECK_EQ(handler_seen.error, (code), "with its error code"); \
		CHECK_EQ(handler_seen.rip, (at), \
			 "and the RIP that it is to return to"); \
		handler_seen.count = 0; \
	} while (0)

TEST(external_interrupts_are_injected)
{
	u64 rip;

	handler_load();
	asm volatile(STI "nop");
	rip = inject(VALID | EXTERNAL | 0x30, 0, 0);
	CHECK_ARRIVED(0x30, 0, rip);
	rip = inject(VALID | EXTERNAL | 0xff, 0, 0);
	CHECK_ARRIVED(0xff, 0, rip);
	asm volatile("cli");
}

TEST(exceptions_are_injected)
{
	u64 rip;

	handler_load();
	rip = inject(VALID | HARD | UD, 0, 0);
	CHECK_ARRIVED(UD, 0, rip);
	rip = inject(VALID | HARD | HAS_ERROR | GP, 0x10, 0);
	CHECK_ARRIVED(GP, 0x10, rip);
	rip = inject(VALID | HARD | HAS_ERROR | DF, 0, 0);
	CHECK_ARRIVED(DF, 0, rip);
	INTERCEPT(BIT(UD) | BIT(GP));
	rip = inject(VALID | HARD | UD, 0, 0);
	CHECK_ARRIVED(UD, 0, rip);
	CHECK_EQ(exit_before(0).reason, ~0ull,
		 "an injected exception does not exit by the bitmap "
		 "(SDM 3C 27.6.1.2)");
}

TEST(software_events_are_injected_with_a_length)
{
	u64 rip;

	handler_load();
	rip = inject(VALID | SOFT_INTERRUPT | 0x23, 0, 2);
	CHECK_ARRIVED(0x23, 0, rip + 2);
	rip = inject(VALID | SOFT | BP, 0, 1);
	CHECK_ARRIVED(BP, 0, rip + 1);
	rip = inject(VALID | PRIVILEGED | DB, 0, 1);
	CHECK_ARRIVED(DB, 0, rip + 1);
}

TEST(injected_nmis_block_nmis_until_iret)
{
	u64 rip;

	CLEAR(FIELD_PIN, PIN_NMI);
	handler_load();
	handler_seen.call = 1;
	rip = inject(VALID | NMI_TYPE | NMI, 0, 0);
	CHECK_ARRIVED(NMI, 0, rip);
	handler_seen.call = 0;
	CHECK_EQ(service(SERVICE_VMREAD, FIELD_INTERRUPTIBILITY, 0), 0,
		 "IRET ends blocking by NMI (SDM 3C 26.3)");
}

TEST(iret_does_not_unblock_nmis_that_exit)
{
	u64 rip;

	handler_load();
	rip = inject(VALID | NMI_TYPE | NMI, 0, 0);
	CHECK_ARRIVED(NMI, 0, rip);
	CHECK_EQ(service(SERVICE_VMREAD, FIELD_INTERRUPTIBILITY, 0), BIT(3),
		 "with NMI exiting IRET has no effect on blocking by NMI "
		 "(SDM 3C 26.3)");
	VMWRITE(FIELD_INTERRUPTIBILITY, 0);
	CHECK_EQ(service(SERVICE_NOTHING, 0, 0), 0, "what the next exit says "
		 "the recorder compares");
}

TEST(injection_is_valid_once)
{
	handler_load();
	inject(VALID | HARD | UD, 0, 0);
	CHECK_EQ(service(SERVICE_VMREAD, FIELD_ENTRY_INTR_INFO, 0) & VALID, 0,
		 "a VM exit clears the valid bit (SDM 3C 25.8.3)");
	CHECK_COUNT(handler_seen.count, 1, "and the event comes once");
}

/** Take the page of the IDT out of the EPT. */
static void hide_idt(void)
{
	struct services_ept change = { .gpa = (u64)handler_idt,
				       .target = ~0ull, .level = 1 };

	CHECK_DONE(service(SERVICE_EPT, vmcall_address(&change), 0));
	CHECK_DONE(service(SERVICE_INVEPT, 2, 0));
	set_action(ACTION_MAP, 1);
}

/** The last exit was an EPT violation on the way of this event. */
#define CHECK_CUT_SHORT(information, code) \
	do { \
		struct services_exit exit_ = exit_before(0); \
		CHECK_REASON(exit_, EXIT_EPT_VIOLATION); \
		CHECK_EQ(exit_.idt_info, VALID | (information), \
			 "IDT-vectoring information is the event " \
			 "(SDM 3C 28.2.4)"); \
		if (exit_.idt_info & HAS_ERROR) { \
			CHECK_EQ(exit_.idt_error, (code), \
				 "with its error code"); \
		} \
		CHECK_EQ(exit_.gla & ~0xfffull, (u64)handler_idt, \
			 "the linear address is in the IDT"); \
	} while (0)

TEST_EPT(delivery_of_injected_events_is_cut_short)
{
	u64 rip;

	handler_load();
	hide_idt();
	rip = inject(VALID | HARD | UD, 0, 0);
	CHECK_CUT_SHORT(HARD | UD, 0);
	CHECK_ARRIVED(UD, 0, rip);
	hide_idt();
	rip = inject(VALID | HARD | HAS_ERROR | GP, 0x18, 0);
	CHECK_CUT_SHORT(HARD | HAS_ERROR | GP, 0x18);
	CHECK_ARRIVED(GP, 0x18, rip);
	hide_idt();
	asm volatile(STI "nop");
	rip = inject(VALID | EXTERNAL | 0x31, 0, 0);
	asm volatile("cli");
	CHECK_CUT_SHORT(EXTERNAL | 0x31, 0);
	CHECK_ARRIVED(0x31, 0, rip);
	hide_idt();
	rip = inject(VALID | NMI_TYPE | NMI, 0, 0);
	CHECK_CUT_SHORT(NMI_TYPE | NMI, 0);
	CHECK_ARRIVED(NMI, 0, rip);
}

TEST_EPT(delivery_of_injected_software_events_is_cut_short)
{
	u64 rip;

	handler_load();
	hide_idt();
	rip = inject(VALID | SOFT_INTERRUPT | 0x25, 0, 2);
	CHECK_CUT_SHORT(SOFT_INTERRUPT | 0x25, 0);
	CHECK_COUNT(exit_before(0).length, 2,
		    "the length is that of the INT n (SDM 3C 28.2.5)");
	CHECK_EQ(exit_before(0).rip, rip, "and RIP is in front of it");
	CHECK_ARRIVED(0x25, 0, rip + 2);
	hide_idt();
	rip = inject(VALID | SOFT | BP, 0, 1);
	CHECK_CUT_SHORT(SOFT | BP, 0);
	CHECK_ARRIVED(BP, 0, rip + 1);
	hide_idt();
	rip = inject(VALID | PRIVILEGED | DB, 0, 1);
	CHECK_CUT_SHORT(PRIVILEGED | DB, 0);
	CHECK_ARRIVED(DB, 0, rip + 1);
}

TEST_EPT(delivery_of_the_guests_own_events_is_cut_short)
{
	handler_load();
	hide_idt();
	PROVOKE("int $0x24" : : : "cc", "memory");
	CHECK_CUT_SHORT(SOFT_INTERRUPT | 0x24, 0);
	CHECK_COUNT(exit_before(0).length, 2,
		    "the length is that of the INT n (SDM 3C 28.2.5)");
	CHECK_EQ(handler_seen.rip, exit_before(0).rip + 2, "it has arrived");
	hide_idt();
	PROVOKE("int3" : : : "cc", "memory");
	CHECK_CUT_SHORT(SOFT | BP, 0);
	CHECK_EQ(handler_seen.rip, exit_before(0).rip + 1, "it has arrived");
}

TEST_EPT(delivery_of_the_guests_own_faults_is_cut_short)
{
	handler_load();
	hide_idt();
	asm volatile("movq $1f, %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "ud2\n"
		     "1:" : "=m"(handler_seen.landing) : : "cc", "memory");
	CHECK_CUT_SHORT(HARD | UD, 0);
	CHECK_EQ(handler_seen.vector, UD, "it has arrived");
	hide_idt();
	asm volatile("movq $1f, %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "mov %1, %%ds\n"
		     "1:" : "=m"(handler_seen.landing)
		     : "r"(0x1238) : "cc", "memory");
	CHECK_CUT_SHORT(HARD | HAS_ERROR | GP, 0x1238);
	CHECK_EQ(handler_seen.error, 0x1238, "it has arrived");
}

static u8 stack[2][4096] __aligned(4096);

TEST_EPT(delivery_that_cannot_push_is_cut_short)
{
	struct services_ept change = { .gpa = (u64)stack[0], .target = ~0ull,
				       .level = 1 };

	handler_load();
	CHECK_DONE(service(SERVICE_EPT, vmcall_address(&change), 0));
	CHECK_DONE(service(SERVICE_INVEPT, 2, 0));
	set_action(ACTION_MAP, 1);
	asm volatile("cmp %%esp, %%esp\n\t"
		     "mov %%rsp, %%rbx\n\t"
		     "mov %0, %%rsp\n\t"
		     "int $0x26\n\t"
		     "mov %%rbx, %%rsp"
		     : : "r"(stack[1]) : "rbx", "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	CHECK_EQ(exit_before(0).idt_info, VALID | SOFT_INTERRUPT | 0x26,
		 "IDT-vectoring information is the event");
	CHECK_EQ(exit_before(0).qualification & 7, 2, "a push is a write");
	CHECK_EQ(exit_before(0).rsp, (u64)stack[1],
		 "RSP is as it was before the event");
	CHECK_EQ(handler_seen.vector, 0x26, "it has arrived");
}

/** Let the processor look for its IDT where there is none. */
static void lose_idt(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = { 256 * 16 - 1, NOWHERE };

	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

TEST_EPT(page_fault_during_delivery_tells_the_event)
{
	INTERCEPT(BIT(PF));
	lose_idt();
	PROVOKE_LAND("int $0x24", : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION);
	CHECK_EQ(exit_before(0).qualification, NOWHERE + 0x24 * 16,
		 "the fault is in the IDT");
	CHECK_EQ(exit_before(0).idt_info, VALID | SOFT_INTERRUPT | 0x24,
		 "IDT-vectoring information is the event");
	PROVOKE_LAND("ud2", : : : "cc", "memory");
	CHECK_EQ(exit_before(0).idt_info, VALID | HARD | UD,
		 "also of a fault");
}

TEST_EPT(two_faults_make_a_double_fault)
{
	INTERCEPT(BIT(DF));
	lose_idt();
	PROVOKE_LAND("ud2", : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION);
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | DF,
		 "a page fault on the way of a page fault is #DF "
		 "(SDM 3A table 6-5)");
	CHECK_EQ(exit_before(0).intr_error, 0, "#DF has error code 0");
}

TEST_EPT(double_fault_that_faults_is_a_triple_fault)
{
	lose_idt();
	PROVOKE_LAND("ud2", : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_TRIPLE_FAULT);
	CHECK_EQ(exit_before(0).qualification, 0,
		 "a triple fault has no qualification");
}

TEST_EPT(contributory_faults_make_a_double_fault)
{
	handler_load();
	INTERCEPT(BIT(DF));
	handler_idt[GP].type = 0x0e00; /* not present: #NP on the way of #GP */
	PROVOKE_ANY("mov %0, %%ds", : : "r"(0x1230) : "cc", "memory");
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | DF,
		 "#NP on the way of #GP is #DF (SDM 3A table 6-5)");
	INTERCEPT(BIT(NP));
	PROVOKE_ANY("mov %0, %%ds", : : "r"(0x1230) : "cc", "memory");
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | NP,
		 "an intercepted #NP exits before it is merged");
	CHECK_EQ(exit_before(0).intr_error, GP * 8 + 2 + 1,
		 "its error code names the gate, and an event (EXT)");
	CHECK_EQ(exit_before(0).idt_info, VALID | HARD | HAS_ERROR | GP,
		 "on the way of #GP");
	CHECK_EQ(exit_before(0).idt_error, 0x1230, "with its error code");
}

TEST_EPT(benign_faults_are_delivered_one_after_the_other)
{
	handler_load();
	handler_idt[UD].type = 0x0e00; /* not present: #NP on the way of #UD */
	asm volatile("movq $1f, %0\n\t"
		     "ud2\n"
		     "1:" : "=m"(handler_seen.landing) : : "cc", "memory");
	CHECK_COUNT(handler_seen.count, 1, "#UD is lost");
	CHECK_EQ(handler_seen.vector, NP, "and #NP arrives");
}
