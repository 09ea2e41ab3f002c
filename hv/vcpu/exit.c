/** @file
 * The exit switch.
 *
 * One switch over all basic exit reasons; the compiler complains about a reason
 * that is missing (-Wswitch-enum).  A handler says what is to happen and the
 * run loop does it, so that stepping over an instruction, which is three things
 * and not one, is written once (step.h).
 *
 *	EXIT_RESUME           a fault was put right, or an event is queued
 *	EXIT_ADVANCE          the instruction was done for the guest
 *	EXIT_TO_VMM           vcpu->run is filled, RIP is where it belongs
 *	EXIT_ADVANCE_TO_VMM   the same once RIP is behind it: OUT, VMCALL
 *
 * Handlers run on the vCPU's CPU with interrupts on.  What an interrupt handler
 * leaves for the guest is found before the next entry (vcpu->work).
 *
 * Some instructions always exit, such as CPUID; for the others we have asked,
 * by the VM-execution controls.  Every other reason ends the VM: to go on after
 * an exit that nobody expects would only move the failure to a place where
 * nobody sees its cause.
 */
#include "hv/vcpu/exit.h"

#include "hv/lib/printf.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vcpu/activity.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/step.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/msr.h"

#define NO_GPA gpa(~0ull)

__noinline void exit_advance(struct vcpu *vcpu)
{
	step_over(vcpu);
}

/*
 * A processor goes into shutdown there, from which a PC's board resets it.
 * What is to be done is the VMM's choice; the record is filled as for an error,
 * since a triple fault mostly is one, and then gets its own reason.
 */
__noinline enum exit_action exit_stop_shutdown(struct vcpu *vcpu)
{
	enum exit_action action =
		exit_stop(vcpu, VCPU_INTERNAL_UNEXPECTED_EXIT, NO_GPA,
			  "triple fault: an exception came while a double "
			  "fault was being delivered (SDM 3A 6.15)");

	vcpu->run.exit_reason = VCPU_EXIT_SHUTDOWN;
	return action;
}

/**
 * Whether the VMCS counts as launched now depends on whether it was before.
 * VMCLEAR makes it certain, so that the VMM may mend the state and try again.
 *
 * Such an entry has got as far as the guest's state, found it wrong, and loaded
 * the host's as an exit does, with bit 31 set in the reason (SDM 3C 27.8).  It
 * is no bug of ours by itself: the VMM sets registers, and may set nonsense.
 */
static __noinline enum exit_action stop_entry_failure(struct vcpu *vcpu)
{
	vcpu->qualification = vmread(EXIT_QUALIFICATION);
	vcpu_load_drop(vcpu);
	vcpu->run.exit_reason = VCPU_EXIT_FAIL_ENTRY;
	vcpu->run.fail_entry.reason = vcpu->exit_reason;
	vcpu->run.fail_entry.qualification = vcpu->qualification;
	snprintf(vcpu->run.fail_entry.sentence,
		 sizeof(vcpu->run.fail_entry.sentence), "%s%s",
		 vmx_unit_entry_failure(vmx_error_entry(vcpu->exit_reason,
							vcpu->qualification)),
		 entry_checks_hint());
	entry_checks_forget();
	vcpu->objected = false;
	return EXIT_TO_VMM;
}

/** A reason that we did not ask for: this VM ends, with all we know. */
static __noinline enum exit_action stop_unexpected(struct vcpu *vcpu)
{
	enum exit_action action = exit_stop(
		vcpu, VCPU_INTERNAL_UNEXPECTED_EXIT, NO_GPA,
		"VM exit %u (%s) at rip 0x%llx, which nobody has "
		"asked for",
		vcpu->exit_reason, exit_reasons_name(vcpu->exit_reason),
		(unsigned long long)vcpu->rip);

	vcpu_dump(vcpu);
	return action;
}

/**
 * Neither of the two moves RIP.  For an instruction that a guest does not have
 * the exception is a fault, just as on a processor that does not have it.
 */
static __noinline enum exit_action inject_ud(struct vcpu *vcpu)
{
	events_inject_ud(vcpu);
	return EXIT_RESUME;
}

static __noinline enum exit_action inject_gp(struct vcpu *vcpu)
{
	events_inject_gp(vcpu);
	return EXIT_RESUME;
}

static __noinline enum exit_action handle_hlt(struct vcpu *vcpu)
{
	return activity_halt(vcpu) | EXIT_ADVANCE;
}

/**
 * What waits for the guest to be ready has asked for this exit (interrupts.c).
 * It is queued at the next entry, not here: until then something else may come
 * that goes before it.
 */
static __noinline enum exit_action handle_window(struct vcpu *vcpu)
{
	if (vcpu->exit_reason == EXIT_REASON_NMI_WINDOW) {
		interrupts_nmi_window_open(vcpu);
	} else {
		interrupts_window_open(vcpu);
	}
	return EXIT_RESUME;
}

/** RDTSC does not exit, but a unit may insist.  Each register gets 32 bits; the
 * upper halves end as 0, as after each write to a 32-bit register. */
static __noinline enum exit_action handle_rdtsc(struct vcpu *vcpu)
{
	u64 tsc = rdtsc() + vmread(TSC_OFFSET);

	vcpu->gpr[GPR_RAX] = (u32)tsc;
	vcpu->gpr[GPR_RDX] = tsc >> 32;
	if (vcpu->exit_reason == EXIT_REASON_RDTSCP) {
		vcpu->gpr[GPR_RCX] = (u32)rdmsr(MSR_IA32_TSC_AUX);
	}
	return EXIT_ADVANCE;
}

/**
 * With EPT, we keep nothing of the guest's translations.  The processor does,
 * tagged with the VPID; with VPID 0 each entry and exit has flushed them.  More
 * than the one page may go (SDM 3A 4.10.4.1), and here all of this vCPU's go.
 */
static __noinline enum exit_action handle_invlpg(struct vcpu *vcpu)
{
	enum vmx_result result = VMX_SUCCEED;

	if (!vcpu->vm->with_ept) {
		vcpu_paging_invlpg(vcpu, gva(vmread(EXIT_QUALIFICATION)));
		return EXIT_ADVANCE;
	}
	if (vcpu->vpid) {
		result = vmx_unit->invvpid(INVVPID_SINGLE_CONTEXT, vcpu->vpid,
					   gva(0));
	}
	if (result) {
		vmx_unit_panic("INVVPID", ~0u, result);
	}
	return EXIT_ADVANCE;
}

/**
 * The exit switch.  The last two groups are instructions which CPUID says this
 * guest does not have, and exits that nobody has asked for.  No handler is
 * inlined: so the switch needs no frame, and each case is a jump.
 *
 * INVD, WBINVD and PAUSE are nothing at all: the caches are the machine's, not
 * the guest's, and INVD would throw away what the hypervisor has not written
 * back yet.  RDPMC is #GP: CPUID has no counters, so no index is valid.
 */
/* clang-format off */
enum exit_action exit_dispatch(struct vcpu *vcpu)
{
	switch ((enum exit_reason)vcpu->exit_reason) {
	case EXIT_REASON_EPT_MISCONFIG: return exit_mem_misconfig(vcpu);
	case EXIT_REASON_EPT_VIOLATION: return exit_mem_violation(vcpu);
	case EXIT_REASON_CPUID:         return exit_cpuid_handle(vcpu);
	case EXIT_REASON_IO_INSTRUCTION:return exit_io_handle(vcpu);
	case EXIT_REASON_VMCALL:        return exit_hypercall_handle(vcpu);
	case EXIT_REASON_HLT:           return handle_hlt(vcpu);
	case EXIT_REASON_RDMSR:         return exit_msr_read(vcpu);
	case EXIT_REASON_WRMSR:         return exit_msr_write(vcpu);
	case EXIT_REASON_CR_ACCESS:     return exit_cr_handle(vcpu);
	case EXIT_REASON_DR_ACCESS:     return exit_dr_handle(vcpu);
	case EXIT_REASON_EXCEPTION_NMI: return exit_page_fault_handle(vcpu);
	case EXIT_REASON_TRIPLE_FAULT:  return exit_stop_shutdown(vcpu);
	case EXIT_REASON_NMI_WINDOW:
	case EXIT_REASON_INTERRUPT_WINDOW:return handle_window(vcpu);
	case EXIT_REASON_INVLPG:        return handle_invlpg(vcpu);
	case EXIT_REASON_RDTSC:
	case EXIT_REASON_RDTSCP:        return handle_rdtsc(vcpu);
	case EXIT_REASON_RDPMC:         return inject_gp(vcpu);
	case EXIT_REASON_INVD:
	case EXIT_REASON_WBINVD:
	case EXIT_REASON_PAUSE:         return EXIT_ADVANCE;

	case EXIT_REASON_GETSEC:    case EXIT_REASON_VMCLEAR:
	case EXIT_REASON_VMLAUNCH:  case EXIT_REASON_VMPTRLD:
	case EXIT_REASON_VMPTRST:   case EXIT_REASON_VMREAD:
	case EXIT_REASON_VMRESUME:  case EXIT_REASON_VMWRITE:
	case EXIT_REASON_VMXOFF:    case EXIT_REASON_VMXON:
	case EXIT_REASON_INVEPT:    case EXIT_REASON_INVVPID:
	case EXIT_REASON_VMFUNC:    case EXIT_REASON_INVPCID:
	case EXIT_REASON_MONITOR:   case EXIT_REASON_MWAIT:
	case EXIT_REASON_XSETBV:    case EXIT_REASON_XSAVES:
	case EXIT_REASON_XRSTORS:   case EXIT_REASON_ENCLS:
		return inject_ud(vcpu);

	case EXIT_REASON_EXTERNAL_INTERRUPT: case EXIT_REASON_INIT:
	case EXIT_REASON_SIPI:		     case EXIT_REASON_IO_SMI:
	case EXIT_REASON_OTHER_SMI:	     case EXIT_REASON_RSM:
	case EXIT_REASON_TASK_SWITCH:
	case EXIT_REASON_ENTRY_GUEST_STATE:  case EXIT_REASON_ENTRY_MSR_LOAD:
	case EXIT_REASON_MONITOR_TRAP_FLAG:  case EXIT_REASON_APIC_ACCESS:
	case EXIT_REASON_ENTRY_MACHINE_CHECK:
	case EXIT_REASON_TPR_BELOW_THRESHOLD:
	case EXIT_REASON_VIRTUALIZED_EOI:    case EXIT_REASON_GDTR_IDTR:
	case EXIT_REASON_LDTR_TR:	     case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_APIC_WRITE:	     case EXIT_REASON_RDRAND:
	case EXIT_REASON_RDSEED:	     case EXIT_REASON_PML_FULL:
		break;
	}
	if (vcpu->exit_reason & EXIT_REASON_ENTRY_FAILURE) {
		return stop_entry_failure(vcpu);
	}
	return stop_unexpected(vcpu);
}
/* clang-format on */
