/** @file
 * The exit log: every exit that the guest itself has caused, for tests.
 *
 * Two machines must show the same exits for the same guest.  What depends on
 * time is left out, that is interrupts and the preemption timer, and so is what
 * the SDM leaves undefined: an instruction length is valid after exits that an
 * instruction causes by being executed, not after faults (SDM 3C 28.2.5).
 *
 * An undefined field is not 0: it holds what some earlier exit has left there,
 * or what this processor's microcode needed.  Two logs would differ in it for
 * no reason; so here it is 0, and nobody can come to rely on it.
 */
#include "hv/vcpu/exit_log.h"

#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"

/** Exits whose qualification is defined (SDM 3C 28.2.1), as a set: a bit for
 * each reason.  So the question costs a shift, and the trace asks it, too. */
#define QUALIFIED                                                           \
	(BIT(EXIT_REASON_EXCEPTION_NMI) | BIT(EXIT_REASON_INVLPG) |         \
	 BIT(EXIT_REASON_CR_ACCESS) | BIT(EXIT_REASON_DR_ACCESS) |          \
	 BIT(EXIT_REASON_IO_INSTRUCTION) | BIT(EXIT_REASON_EPT_VIOLATION) | \
	 BIT(EXIT_REASON_TASK_SWITCH) | BIT(EXIT_REASON_MWAIT) |            \
	 BIT(EXIT_REASON_SIPI) | BIT(EXIT_REASON_ENTRY_GUEST_STATE) |       \
	 BIT(EXIT_REASON_ENTRY_MSR_LOAD) | BIT(EXIT_REASON_GDTR_IDTR) |     \
	 BIT(EXIT_REASON_LDTR_TR) | BIT(EXIT_REASON_VMCLEAR) |              \
	 BIT(EXIT_REASON_VMPTRLD) | BIT(EXIT_REASON_VMPTRST) |              \
	 BIT(EXIT_REASON_VMREAD) | BIT(EXIT_REASON_VMWRITE) |               \
	 BIT(EXIT_REASON_VMXON) | BIT(EXIT_REASON_INVEPT) |                 \
	 BIT(EXIT_REASON_INVVPID))

u64 exit_log_qualification(u32 reason)
{
	/* 64 is taken for 0; that one is never asked for */
	return BIT(reason % 64) & QUALIFIED ? vmread(EXIT_QUALIFICATION) : 0;
}

/**
 * Those that come by a fault or between two instructions have none.  An event's
 * length, which a software interrupt has, is no instruction's that has exited.
 */
static bool has_length(u32 reason)
{
	switch (reason) {
	case EXIT_REASON_EXCEPTION_NMI:
	case EXIT_REASON_TRIPLE_FAULT:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_NMI_WINDOW:
	case EXIT_REASON_TASK_SWITCH:
	case EXIT_REASON_ENTRY_GUEST_STATE:
	case EXIT_REASON_ENTRY_MSR_LOAD:
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_EPT_MISCONFIG:
		return false;
	default:
		return true;
	}
}

/** The linear address: a misconfiguration never has one, a violation unless the
 * access had none, such as the load of PDPTEs by MOV to CR. */
static bool has_gla(u32 reason, u64 qualification)
{
	return reason == EXIT_REASON_EPT_VIOLATION &&
	       (qualification & EPT_QUAL_GLA_VALID);
}

/*
 * Called in the run loop before the exit is handled, so that RIP and the fields
 * are those of the exit.  The guest's linear address is asked for only where it
 * is valid: a VMREAD of it would say something in any case.
 */
void exit_log_report(struct vcpu *vcpu)
{
	u32 reason = vcpu->exit_reason & EXIT_REASON_BASIC;
	struct vcpu_exit_info info = {
		.reason = reason,
		.qualification = exit_log_qualification(vcpu->exit_reason),
		.rip = vcpu->rip,
	};

	if (reason == EXIT_REASON_EXTERNAL_INTERRUPT ||
	    reason == EXIT_REASON_PREEMPTION_TIMER) {
		return;
	}
	if (has_length(reason)) {
		info.insn_len = vmread(VM_EXIT_INSTRUCTION_LEN);
	}
	if (reason == EXIT_REASON_EPT_VIOLATION ||
	    reason == EXIT_REASON_EPT_MISCONFIG) {
		info.gpa = gpa(vmread(GUEST_PHYSICAL_ADDRESS));
	}
	if (has_gla(reason, info.qualification)) {
		info.gla = gva(vmread(GUEST_LINEAR_ADDRESS));
	}
	vcpu->exit_log(vcpu, &info);
}
