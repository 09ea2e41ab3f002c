/** @file
 * Cases: the activity state HLT, and what ends it (SDM 3C 26.2, 27.6.2).
 *
 * The guest is entered halted, RIP behind its HLT.  Bochs 2.7 hangs when a
 * window is to open there, so that those cases are the soft unit's alone.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

#define TEST_VECTOR 0x51

TINY_CODE(after_code, "nop\n\t"
		      "vmcall\n\t")

static void load(struct tiny_guest *g, u64 rflags)
{
	TINY_LOAD(g, after_code);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | rflags);
	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
}

/** An exit from the halted state, which is saved as such (SDM 3C 28.3.4). */
static void expect_halted(struct tiny_guest *g, u32 reason)
{
	tiny_guest_expect(g, reason);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	tiny_guest_field(g, GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
}

/** The interrupt window is open in HLT too, with IF. */
void unit_halt_interrupt_window(struct tiny_guest *g)
{
	if (!vmx_unit_is_soft) {
		return;
	}
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL,
			  CPU_INTERRUPT_WINDOW_EXITING, 0);
	load(g, RFLAGS_IF);
	expect_halted(g, EXIT_REASON_INTERRUPT_WINDOW);
}

void unit_halt_nmi_window(struct tiny_guest *g)
{
	if (!vmx_unit_is_soft) {
		return;
	}
	tiny_guest_change(PIN_BASED_VM_EXEC_CONTROL, PIN_VIRTUAL_NMIS, 0);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, CPU_NMI_WINDOW_EXITING, 0);
	load(g, 0);
	expect_halted(g, EXIT_REASON_NMI_WINDOW);
}

/** An injected event ends it, and its handler returns behind the HLT. */
void unit_halt_injected_event(struct tiny_guest *g)
{
	load(g, RFLAGS_IF);
	vmwrite(VM_ENTRY_INTR_INFO,
		INTR_INFO_VALID | INTR_TYPE_EXTERNAL << 8 | TEST_VECTOR);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], TEST_VECTOR);
	tiny_guest_equal(g, "the pushed RIP",
			 *tiny_guest_word(g, TINY_STACK - 40), TINY_CODE_AT);
	tiny_guest_field(g, GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
}

/** Interrupts that do not exit are the guest's, and wake it. */
void unit_halt_guests_interrupt(struct tiny_guest *g)
{
	tiny_guest_change(PIN_BASED_VM_EXEC_CONTROL, 0,
			  PIN_EXTERNAL_INTERRUPT_EXITING);
	load(g, RFLAGS_IF);
	lapic_send_ipi(lapic_id(), TEST_VECTOR);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	lapic_eoi();
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], TEST_VECTOR);
	tiny_guest_field(g, GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
}

TINY_CODE(hlt_code, "hlt\n\t"
		    "vmcall\n\t")

/** HLT that does not exit halts the guest; one that does has a length of 1. */
void unit_halt_instruction(struct tiny_guest *g)
{
	TINY_LOAD(g, hlt_code);
	tiny_guest_expect(g, EXIT_REASON_HLT);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 1);
	tiny_guest_field(g, GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_HLT_EXITING);
	tiny_guest_change(PIN_BASED_VM_EXEC_CONTROL, 0,
			  PIN_EXTERNAL_INTERRUPT_EXITING);
	TINY_LOAD(g, hlt_code);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_STI);
	lapic_send_ipi(lapic_id(), TEST_VECTOR);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	lapic_eoi();
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], TEST_VECTOR);
	tiny_guest_equal(g, "the pushed RIP",
			 *tiny_guest_word(g, TINY_STACK - 40),
			 TINY_CODE_AT + 1);
}
