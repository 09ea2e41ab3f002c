/** @file
 * What becomes of an exit once it is recorded.
 *
 * The mailbox decides first.  Without a word there, the kind of the exit does:
 *
 *	instructions   carried out in a way that is easy to recognise, skipped
 *	exceptions     given back to the guest
 *	interrupts     taken by the host; NMIs have been taken already
 *	windows, MTF   their control is cleared: one exit is enough
 *	anything else  ends the test
 *
 * An event whose delivery was interrupted is delivered again.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/rig_shadow.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

/**
 * RIP behind the instruction; STI and MOV SS have then had their effect.  The
 * length is trusted: whether a unit gets it right is what the records are for,
 * and a wrong one leads the guest astray soon enough.
 */
static void skip(const struct services_exit *exit)
{
	u64 next = exit->rip + exit->length;

	if (!(exit->entry_controls & ENTRY_IA32E_MODE_GUEST)) {
		next = (u32)next;
	}
	vmwrite(GUEST_RIP, next);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE,
		exit->interruptibility & INTERRUPTIBILITY_NMI);
}

/**
 * Deliver again what an exit has interrupted (SDM 3C 28.2.4).  The formats of
 * IDT-vectoring and of injection are the same but for bit 12, so that this is
 * a copy; the length matters to software events only, and is theirs.
 */
static void redeliver(const struct services_exit *exit)
{
	u64 info = exit->idt_info & ~INTR_INFO_NMI_UNBLOCKING;

	if (!(info & INTR_INFO_VALID)) {
		return;
	}
	vmwrite(VM_ENTRY_INTR_INFO, info);
	vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, exit->idt_error);
	vmwrite(VM_ENTRY_INSTRUCTION_LEN, exit->length);
	if (bits(info, 10, 8) == INTR_TYPE_NMI) {
		/* It is not blocked by itself. */
		vmwrite(GUEST_INTERRUPTIBILITY_STATE,
			exit->interruptibility & ~INTERRUPTIBILITY_NMI);
	}
}

/** Give an exception back; a page fault's address goes to CR2. */
static void reflect(struct rig *rig, const struct services_exit *exit)
{
	u64 info = exit->intr_info & ~INTR_INFO_NMI_UNBLOCKING;

	vmwrite(VM_ENTRY_INTR_INFO, info);
	vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, exit->intr_error);
	vmwrite(VM_ENTRY_INSTRUCTION_LEN, exit->length);
	if ((info & INTR_INFO_VECTOR) == VECTOR_PF) {
		rig->cr2 = exit->qualification;
	}
}

/**
 * The host's own interrupt, wherever it is by now: in the local APIC, where it
 * is taken by opening the interrupt flag, or in service, if the exit has
 * acknowledged it (SDM 3C 28.2.2).  What it is for is nobody's business.
 */
static void take_interrupt(const struct services_exit *exit)
{
	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE); /* it ends a HLT */
	if (exit->intr_info & INTR_INFO_VALID) {
		lapic_eoi(); /* acknowledged by the exit */
		return;
	}
	irq_enable();
	irq_disable();
}

/** One exit of this kind is enough. */
static void clear_control(u32 bit)
{
	vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		vmread(CPU_BASED_VM_EXEC_CONTROL) & ~bit);
}

/** An exception or NMI (exit 0). */
static void answer_exception(struct rig *rig, const struct services_exit *exit)
{
	if (bits(exit->intr_info, 10, 8) == INTR_TYPE_NMI) {
		redeliver(exit);
		return;
	}
	reflect(rig, exit);
}

/** What the exit's kind asks for. @return false when nobody knows */
static bool answer_by_kind(struct rig *rig, const struct services_exit *exit)
{
	switch ((u32)exit->reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		answer_exception(rig, exit);
		return true;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		take_interrupt(exit);
		redeliver(exit);
		return true;
	case EXIT_REASON_INTERRUPT_WINDOW:
		clear_control(CPU_INTERRUPT_WINDOW_EXITING);
		return true;
	case EXIT_REASON_NMI_WINDOW:
		clear_control(CPU_NMI_WINDOW_EXITING);
		return true;
	case EXIT_REASON_MONITOR_TRAP_FLAG:
		clear_control(CPU_MONITOR_TRAP_FLAG);
		return true;
	/* Nothing sensible can be done without a word from the guest. */
	case EXIT_REASON_TRIPLE_FAULT:
	case EXIT_REASON_TASK_SWITCH:
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		return false;
	default:
		rig_insn_carry_out(rig, exit);
		skip(exit);
		return true;
	}
}

/** The page of an EPT violation gets memory: that of the same address. */
static bool map(struct rig *rig, const struct services_exit *exit)
{
	u64 page = exit->gpa & PAGE_MASK;
	struct services_ept change = {
		.gpa = page, .target = page % SERVICES_RAM_SIZE,
		.bits = 0x37, .level = 1,
	};

	if (exit->reason != EXIT_REASON_EPT_VIOLATION ||
	    rig_ept_write(rig, &change)) {
		return false;
	}
	redeliver(exit);
	return true;
}

/** What the guest has asked for. @return false when it cannot be done */
static bool answer_as_asked(struct rig *rig, const struct services_exit *exit,
			    u32 action)
{
	switch ((enum services_action)action) {
	case ACTION_SKIP:
		skip(exit);
		return true;
	case ACTION_RESUME:
		return true;
	case ACTION_REFLECT:
		reflect(rig, exit);
		return true;
	case ACTION_MAP:
		return map(rig, exit);
	case ACTION_DEFAULT:
		break;
	}
	return answer_by_kind(rig, exit);
}

/** One more exit for which the mailbox is valid. @return the action */
static u32 take_action(struct services_mailbox *mailbox)
{
	if (!mailbox->times) {
		return ACTION_DEFAULT;
	}
	mailbox->times--;
	return mailbox->action;
}

/** Go on somewhere else: whatever the exit was, it is over. */
static void land(const struct services_exit *exit,
		 struct services_mailbox *mailbox)
{
	vmwrite(GUEST_RIP, mailbox->landing);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE,
		exit->interruptibility & INTERRUPTIBILITY_NMI);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	mailbox->landing = 0;
}

/** A page that the shadow tables lack; the guest never hears of it. */
static bool is_shadow_fault(struct rig *rig, const struct services_exit *exit)
{
	u64 info = exit->intr_info & (INTR_INFO_VALID | INTR_INFO_TYPE |
				      INTR_INFO_VECTOR);
	u64 page_fault = INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 |
			 VECTOR_PF;

	if (rig->plan.ept || exit->reason != EXIT_REASON_EXCEPTION_NMI ||
	    info != page_fault ||
	    !rig_shadow_fill(rig, gva(exit->qualification), exit->intr_error)) {
		return false;
	}
	redeliver(exit);
	return true;
}

/*
 * VMCALLs are services and leave the mailbox alone: a test may make some
 * between writing there and the exit that it means.
 */
void rig_exit_answer(struct rig *rig, struct services_exit *exit)
{
	struct services_mailbox *mailbox =
		(struct services_mailbox *)(rig->ram + MAILBOX_GPA);
	u32 action;

	if (exit->reason == EXIT_REASON_VMCALL) {
		skip(exit);
		rig_service_call(rig);
		return;
	}
	if (is_shadow_fault(rig, exit)) {
		exit->silent = 1;
		return;
	}
	action = take_action(mailbox);
	if (mailbox->landing) {
		land(exit, mailbox);
	} else if (!answer_as_asked(rig, exit, action)) {
		verdict_stop(&rig->verdict, VERDICT_ERROR,
			     "exit %llu (%s) at RIP 0x%llx, for which the test "
			     "has no landing",
			     (unsigned long long)exit->reason,
			     exit_reasons_name(exit->reason),
			     (unsigned long long)exit->rip);
	}
}
