/** @file
 * Interrupts and NMIs that come while a guest runs: exits of their own,
 * windows, blocking, and the HLT state (SDM 3C 26.2, 26.3, 27.7.5).
 */
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/handler.h"

#define STI_BLOCKING BIT(0)
#define MOV_SS_BLOCKING BIT(1)
#define NMI_BLOCKING BIT(3)
#define HLT_STATE 1

/** The local APIC, for NMIs: mapped into the guest on request. */
#define LAPIC_GPA 0xfee00000ull

/** Nothing but a VMCALL and three NOPs. */
static __noinline void send_interrupt(u8 vector, u64 activity, u64 blocking)
{
	asm volatile("cmp %%esp, %%esp\n\t"
		     "vmcall\n\t"
		     "nop; nop; nop"
		     : : "a"((u64)SERVICE_INTERRUPT), "D"((u64)vector),
		       "S"(activity), "d"(blocking) : "cc", "memory");
}

TEST(external_interrupts_exit_at_once)
{
	asm volatile(STI "nop");
	send_interrupt(0x51, 0, 0);
	asm volatile("cli");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT);
	CHECK_EQ(exit_before(0).intr_info & VALID, 0,
		 "the interrupt is left to the host when it is not "
		 "acknowledged (SDM 3C 28.2.2)");
	CHECK_EQ(exit_before(0).qualification, 0, "there is nothing to say");
}

TEST(acknowledged_interrupts_tell_their_vector)
{
	SET(FIELD_EXIT_CONTROLS, EXIT_ACKNOWLEDGE);
	asm volatile(STI "nop");
	send_interrupt(0x52, 0, 0);
	asm volatile("cli");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT);
	CHECK_EQ(exit_before(0).intr_info, VALID | EXTERNAL | 0x52,
		 "the vector is in the interruption information");
	asm volatile(STI "nop");
	send_interrupt(0xdf, 0, 0);
	asm volatile("cli");
	CHECK_EQ(exit_before(0).intr_info, VALID | EXTERNAL | 0xdf,
		 "the next one's as well");
}

/** Bochs does not exit before IF is 1: the recorder knows. */
TEST(interrupts_exit_whatever_the_guests_if)
{
	send_interrupt(0x53, 0, 0);
	asm volatile(STI "nop; cli");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT);
	CHECK_EQ(exit_before(1).reason, ~0ull, "one interrupt, one exit");
}

TEST(guest_takes_interrupts_that_do_not_exit)
{
	handler_load();
	CLEAR(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
	send_interrupt(0x54, 0, 0);
	CHECK_COUNT(handler_seen.count, 0, "IF is 0: the interrupt waits");
	asm volatile(STI "nop; nop; cli");
	CHECK_COUNT(handler_seen.count, 1, "IF is 1: the guest has it");
	CHECK_EQ(handler_seen.vector, 0x54, "by its own IDT");
	CHECK_EQ(exit_before(0).reason, ~0ull, "without an exit");
	SET(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
}

TEST(interrupt_window_opens_with_if)
{
	u64 nop;

	SET(FIELD_CPU, CPU_INTERRUPT_WINDOW);
	asm volatile("cmp %%esp, %%esp\n\t"
		     "lea 1f(%%rip), %0\n\t"
		     "nop\n\t"
		     STI
		     "nop\n\t" /* the shadow of STI */
		     "1: nop\n\t"
		     "cli" : "=r"(nop) : : "cc");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT_WINDOW);
	CHECK_EQ(exit_before(0).rip, nop,
		 "the window opens behind the shadow of STI (SDM 3C 26.2)");
	CHECK_EQ(exit_before(0).interruptibility, 0, "nothing is blocked then");
	CHECK_EQ(exit_before(0).intr_info & VALID, 0, "there is no vector");
}

TEST(interrupt_window_that_is_open_exits_at_once)
{
	asm volatile(STI "nop");
	SET(FIELD_CPU, CPU_INTERRUPT_WINDOW);
	asm volatile("cli");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT_WINDOW);
	CHECK_EQ(exit_before(1).reason, ~0ull, "one window, one exit");
}

TEST(interrupt_window_waits_for_blocking)
{
	struct services_try try = {
		.count = 2,
		.field = { FIELD_RFLAGS, FIELD_INTERRUPTIBILITY },
		.value = { 0x202, MOV_SS_BLOCKING },
	};
	u64 behind;

	SET(FIELD_CPU, CPU_INTERRUPT_WINDOW);
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "vmcall\n\t"
		     "nop\n"
		     "1: nop; nop"
		     : "=&r"(behind)
		     : "a"((u64)SERVICE_TRY), "D"(&try) : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT_WINDOW);
	CHECK_EQ(exit_before(0).rip, behind,
		 "the window opens behind the shadow of MOV SS (SDM 3C 26.2)");
}

TEST(sti_and_mov_ss_block_for_one_instruction)
{
	PROVOKE(STI "cpuid" : : "a"(0) : "ebx", "ecx", "edx", "cc");
	asm volatile("cli");
	CHECK_EXIT(EXIT_CPUID, 2, 0);
	CHECK_EQ(exit_before(0).interruptibility, STI_BLOCKING,
		 "an exit right behind STI says so (SDM 3C table 25-3)");
	PROVOKE(ONE_PAGE "mov %%ss, %%ecx; mov %%ecx, %%ss; cpuid"
		: : "a"(0) : "ebx", "ecx", "edx", "cc");
	CHECK_EXIT(EXIT_CPUID, 2, 0);
	CHECK_EQ(exit_before(0).interruptibility, MOV_SS_BLOCKING,
		 "and so does one behind MOV SS");
	PROVOKE(ONE_PAGE "push $0x10; .byte 0x36; mov (%%rsp), %%ss; cpuid\n\t"
		"pop %%rax"
		: : "a"(0) : "ebx", "ecx", "edx", "cc", "memory");
	CHECK_EQ(exit_before(0).interruptibility, MOV_SS_BLOCKING,
		 "wherever the selector comes from");
	PROVOKE(STI "nop; cpuid" : : "a"(0) : "ebx", "ecx", "edx", "cc");
	asm volatile("cli");
	CHECK_EQ(exit_before(0).interruptibility, 0, "one instruction later "
		 "nothing is blocked");
}

TEST(blocking_of_the_vmcs_holds_for_one_instruction)
{
	u64 rip = 0;

	handler_load();
	asm volatile(STI "nop");
	CLEAR(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "vmcall\n"
		     "1: nop; nop; nop\n\t"
		     "cli"
		     : "=&r"(rip)
		     : "a"((u64)SERVICE_INTERRUPT), "D"(0x55ull),
		       "S"(0ull), "d"(STI_BLOCKING) : "cc", "memory");
	CHECK_COUNT(handler_seen.count, 1, "the guest has its interrupt");
	CHECK_EQ(handler_seen.rip, rip + 1,
		 "behind the instruction that was in the shadow "
		 "(SDM 3C 27.7.1)");
	SET(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
}

TEST(halted_guest_wakes_for_an_interrupt)
{
	asm volatile(STI "nop");
	send_interrupt(0x56, HLT_STATE, 0);
	asm volatile("cli");
	CHECK_REASON(exit_before(0), EXIT_INTERRUPT);
	CHECK_EQ(exit_before(1).reason, ~0ull, "once; its activity state the "
		 "recorder compares");
}

TEST(event_ends_the_halted_state)
{
	handler_load();
	VMWRITE(FIELD_ENTRY_ERROR_CODE, 0);
	VMWRITE(FIELD_ENTRY_INTR_INFO, 0);
	CLEAR(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
	asm volatile(STI "nop");
	send_interrupt(0x57, HLT_STATE, 0);
	asm volatile("cli");
	CHECK_EQ(handler_seen.vector, 0x57, "the guest has its interrupt");
	CHECK_EQ(service(SERVICE_VMREAD, FIELD_ACTIVITY, 0), 0,
		 "and is no longer halted");
	SET(FIELD_PIN, PIN_EXTERNAL_INTERRUPT);
}

static void map_lapic(void)
{
	struct services_ept change = { .gpa = LAPIC_GPA, .target = ~0ull,
				       .bits = LAPIC_GPA | 7, .level = 1 };

	CHECK_DONE(service(SERVICE_EPT, vmcall_address(&change), 0));
}

/* interrupt_nmi.S */
void interrupt_nmi(u64 lapic);
extern char interrupt_nmi_behind[];

TEST_EPT(nmis_exit)
{
	map_lapic();
	interrupt_nmi(LAPIC_GPA);
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION);
	CHECK_EQ(exit_before(0).intr_info, VALID | NMI_TYPE | NMI,
		 "an NMI is told by its type (SDM 3C 28.2.2)");
	CHECK_EQ(exit_before(0).rip, (u64)interrupt_nmi_behind,
		 "it comes between two instructions");
	CHECK_EQ(exit_before(0).qualification, 0, "there is nothing to say");
}

TEST_EPT(guest_takes_nmis_that_do_not_exit)
{
	map_lapic();
	handler_load();
	CLEAR(FIELD_PIN, PIN_NMI);
	handler_seen.call = 1;
	interrupt_nmi(LAPIC_GPA);
	handler_seen.call = 0;
	CHECK_COUNT(handler_seen.count, 1, "the guest has its NMI");
	CHECK_EQ(handler_seen.vector, NMI, "by its own IDT");
	CHECK_EQ(handler_seen.rip, (u64)interrupt_nmi_behind,
		 "between two instructions");
	SET(FIELD_PIN, PIN_NMI);
}

/** Virtual NMIs and their window go together (SDM 3C 27.2.1.1). */
TEST(nmi_window_opens_with_iret)
{
	if (service3(SERVICE_CONTROL, FIELD_PIN, PIN_VIRTUAL_NMIS, 0)) {
		skip_test("virtual NMIs are not offered");
		return;
	}
	handler_load();
	handler_seen.call = 1;
	VMWRITE(FIELD_INTERRUPTIBILITY, NMI_BLOCKING);
	SET(FIELD_CPU, CPU_NMI_WINDOW);
	PROVOKE("nop; int $0x60; nop" : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_NMI_WINDOW);
	CHECK_EQ(exit_before(0).interruptibility & NMI_BLOCKING, 0,
		 "IRET ends virtual-NMI blocking, and the window opens "
		 "(SDM 3C 26.2)");
	SET(FIELD_CPU, CPU_NMI_WINDOW);
	CHECK_REASON(exit_before(0), EXIT_NMI_WINDOW);
}

TEST(monitor_trap_flag_exits_after_one_instruction)
{
	struct services_exit exit;

	if (service3(SERVICE_CONTROL, FIELD_CPU, CPU_MTF, 0)) {
		skip_test("the monitor trap flag is not offered");
		return;
	}
	asm volatile("nop; nop");
	CHECK_EQ(service(SERVICE_EXIT, vmcall_address(&exit), 0), 0,
		 "there has been an exit");
	CHECK_REASON(exit, EXIT_MTF);
}
