/** @file
 * From a #VMEXIT to a VM exit, or back into the guest.
 *
 * SVM stops the guest more often than VMX would: nested tables are filled
 * lazily, every MSR access is intercepted, exceptions come that the guest is to
 * have itself.  Each SVM exit code has a handler which decides:
 *
 *	SVM_RESUME   deal with it here and go on, unseen
 *	SVM_LEAVE    a VM exit; cpu->exit has reason, qualification and so on
 *
 * The loop also keeps an event alive that was being delivered when the guest
 * stopped: it is injected again on resuming, and becomes the IDT-vectoring
 * information on leaving (svm_event.h).
 */
#include "hv/softvmx/svm_exit.h"

#include "hv/lib/page.h"
#include "hv/lib/panic.h"
#include "hv/softvmx/svm_breakpoint.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/svm_halt.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/svm_step.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/svm_tlb.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** By SVM exit code; those from 400h stand apart. */
static const svm_exit_handler_t handlers[] = {
	[SVM_EXIT_CR_READ ... SVM_EXIT_CR_WRITE + 0xf] = svm_exit_cr_access,
	[SVM_EXIT_DR_READ ... SVM_EXIT_DR_WRITE + 0xf] = svm_exit_dr_access,
	[SVM_EXIT_EXCEPTION ... SVM_EXIT_EXCEPTION + 0x1f] =
		svm_exit_event_exception,
	[SVM_EXIT_INTR] = svm_exit_event_interrupt,
	[SVM_EXIT_NMI] = svm_nmi_arrive,
	[SVM_EXIT_VINTR] = svm_exit_event_window,
	[SVM_EXIT_IDTR_READ ... SVM_EXIT_TR_WRITE] = svm_exit_vmx_tables,
	[SVM_EXIT_RDTSC] = svm_exit_insn_rdtsc,
	[SVM_EXIT_RDPMC] = svm_exit_insn_rdpmc,
	[SVM_EXIT_CPUID] = svm_exit_insn_cpuid,
	[SVM_EXIT_IRET] = svm_nmi_iret,
	[SVM_EXIT_SWINT] = svm_exit_event_software,
	[SVM_EXIT_INVD] = svm_exit_insn_invd,
	[SVM_EXIT_PAUSE] = svm_exit_insn_pause,
	[SVM_EXIT_HLT] = svm_exit_insn_hlt,
	[SVM_EXIT_INVLPG] = svm_exit_insn_invlpg,
	[SVM_EXIT_INVLPGA] = svm_exit_insn_undefined,
	[SVM_EXIT_IOIO] = svm_exit_io_access,
	[SVM_EXIT_MSR] = svm_exit_msr_access,
	[SVM_EXIT_TASK_SWITCH] = svm_task_switch,
	[SVM_EXIT_SHUTDOWN] = svm_exit_event_shutdown,
	[SVM_EXIT_VMRUN ... SVM_EXIT_SKINIT] = svm_exit_insn_undefined,
	[SVM_EXIT_RDTSCP] = svm_exit_insn_rdtsc,
	[SVM_EXIT_ICEBP] = svm_exit_event_icebp,
	[SVM_EXIT_WBINVD] = svm_exit_insn_wbinvd,
	[SVM_EXIT_MONITOR] = svm_exit_insn_monitor,
	[SVM_EXIT_MWAIT ... SVM_EXIT_MWAIT_ARMED] = svm_exit_insn_mwait,
	[SVM_EXIT_XSETBV] = svm_exit_insn_undefined,
};

/*
 * The guest's state stays in the VMCB; what VMX wants to know of the exit is in
 * cpu->exit by now.
 */
enum svm_exit_verdict svm_exit_leave(struct softvmx_cpu *cpu,
				     enum exit_reason reason)
{
	cpu->exit.reason = reason;
	return SVM_LEAVE;
}

/**
 * SDM 3C 28.3.3: RF is saved as 0 by instructions that exit, as 1 by accesses
 * that the EPT refuses, since those are made again; what happens while an event
 * is delivered saves what the delivery would have pushed (svm_event.c).
 */
static void set_resume_flag(struct softvmx_cpu *cpu, enum exit_reason reason)
{
	u64 *rflags = &cpu->guest->save.rflags;

	if (reason == EXIT_REASON_EPT_VIOLATION ||
	    reason == EXIT_REASON_EPT_MISCONFIG) {
		*rflags |= RFLAGS_RF;
	} else {
		*rflags &= ~RFLAGS_RF;
	}
}

/*
 * RIP stays in front of the instruction: it is the hypervisor who goes on
 * behind it, by this length.
 */
enum svm_exit_verdict svm_exit_leave_insn(struct softvmx_cpu *cpu,
					  enum exit_reason reason,
					  const struct svm_insn *insn)
{
	cpu->exit.length = insn->length;
	if (!(cpu->guest->control.exit_int_info & SVM_EVENT_VALID)) {
		set_resume_flag(cpu, reason);
	}
	return svm_exit_leave(cpu, reason);
}

/*
 * What a processor does at the end of an instruction: RIP, no more blocking by
 * STI or MOV SS (SDM 3A 6.8.3), and the single-step trap if TF was set.
 */
enum svm_exit_verdict svm_exit_skip(struct softvmx_cpu *cpu,
				    const struct svm_insn *insn)
{
	struct vmcb *guest = cpu->guest;

	guest->save.rip += insn->length;
	if (!softvmx_cpu_in_64bit(cpu)) {
		guest->save.rip &= BITS(31, 0);
	}
	guest->control.interrupt_shadow = 0;
	return svm_step_boundary(cpu, guest->save.rflags & RFLAGS_TF ?
					      SVM_DR6_BS :
					      0);
}

/* SVM's TLB by TLB_CONTROL, and that of svm_tlb.c. */
void svm_exit_flush(struct softvmx_cpu *cpu)
{
	cpu->flush = true;
	svm_tlb_end(cpu);
}

/**
 * Something that no intercept of ours can have caused; VMEXIT_INVALID above
 * all, which means that a VMCB is wrong that the checks found right.
 */
static void unexpected(const struct softvmx_cpu *cpu)
{
	const struct vmcb *guest = cpu->guest;

	panic("softvmx: SVM exit code 0x%llx is not one that was asked for "
	      "(info 0x%llx 0x%llx, guest rip 0x%llx cr0 0x%llx cr4 0x%llx "
	      "efer 0x%llx)",
	      (unsigned long long)guest->control.exit_code,
	      (unsigned long long)guest->control.exit_info1,
	      (unsigned long long)guest->control.exit_info2,
	      (unsigned long long)guest->save.rip,
	      (unsigned long long)guest->save.cr0,
	      (unsigned long long)guest->save.cr4,
	      (unsigned long long)guest->save.efer);
}

/**
 * To the handler of the exit code. Nested page faults stand apart from the
 * others, at 400h.
 */
static enum svm_exit_verdict dispatch(struct softvmx_cpu *cpu)
{
	u64 code = cpu->guest->control.exit_code;

	if (code == SVM_EXIT_NPF) {
		return svm_exit_npf_access(cpu);
	}
	if (code >= ARRAY_SIZE(handlers) || !handlers[code]) {
		unexpected(cpu);
	}
	return handlers[code](cpu);
}

/**
 * EFER.LME without CR4.PAE is legal as long as paging is off.  TCG 7.2 cannot
 * come back from a guest that has it - it refuses the host's CR0 - so the guest
 * runs without; nothing in it can see that, as it cannot turn paging on.
 */
static bool must_hide_lme(const struct vmcb *guest)
{
	return unlikely(!(guest->save.cr4 & CR4_PAE)) &&
	       (guest->save.efer & EFER_LME);
}

/**
 * One VMRUN, with everything around it that is put right at once: tables of
 * ours, a step, and what TCG says of an event under way. Handlers see the guest
 * as it is.
 */
static void run_once(struct softvmx_cpu *cpu)
{
	struct vmcb *guest = cpu->guest;
	bool step = svm_step_is_wanted(cpu);
	bool own_tlb = cpu->own_tlb;
	bool hides_lme = must_hide_lme(guest);
	u64 resumes_at = guest->save.rflags & RFLAGS_RF ? guest->save.rip : 0;
	bool armed;

	if (unlikely(!(guest->save.efer & EFER_LMA) || cpu->task.watched)) {
		svm_task_watch(cpu);
	}
	guest->save.efer &= ~(hides_lme ? EFER_LME : 0);
	if (unlikely(step)) {
		svm_step_before_run(cpu);
	}
	if (unlikely(own_tlb)) {
		svm_tlb_before_run(cpu, !(step && cpu->step.delivers));
	}
	guest->control.tlb_control =
		cpu->flush ? SVM_TLB_FLUSH_ALL : SVM_TLB_KEEP;
	cpu->flush = false;
	guest->save.rax = cpu->gpr[GPR_RAX];
	armed = svm_breakpoint_arm(cpu);
	softvmx_run_guest(virt_to_hpa(guest), cpu->gpr,
			  guest->control.interrupt_shadow & 1);
	if (unlikely(armed)) {
		svm_breakpoint_disarm();
	}
	guest->save.efer |= hides_lme ? EFER_LME : 0;
	if (unlikely(resumes_at) && guest->save.rip != resumes_at) {
		/* TCG keeps RF until it branches; one instruction clears it. */
		guest->save.rflags &= ~RFLAGS_RF;
	}
	cpu->gpr[GPR_RAX] = guest->save.rax;
	cpu->gpr[GPR_RSP] = guest->save.rsp;
	cpu->exit = (struct softvmx_exit){ 0 };
	svm_event_after_run(cpu);
	if (unlikely(own_tlb)) {
		svm_tlb_after_run(cpu);
	}
	if (unlikely(step)) {
		svm_step_after_run(cpu);
	}
}

/** An event goes into the guest with the next VMRUN. */
static bool injects(const struct softvmx_cpu *cpu)
{
	return cpu->guest->control.event_inj & SVM_EVENT_VALID;
}

/** Whether the guest has to wait in HLT before it runs: not when an event is
 * injected. */
static bool must_wait(const struct softvmx_cpu *cpu)
{
	return cpu->halt && !injects(cpu);
}

/** Does the guest stand where events may come in, with none under way? */
static bool stands_open(const struct softvmx_cpu *cpu)
{
	return !injects(cpu) && !cpu->step.let_in &&
	       !(cpu->guest->control.interrupt_shadow & 1);
}

/** SVM's own virtual interrupt would come behind what is pending of external
 * ones, while VMX puts the window first (SDM 3C 26.2). */
static bool stands_in_interrupt_window(const struct softvmx_cpu *cpu)
{
	return (cpu->processor_ctls & CPU_INTERRUPT_WINDOW_EXITING) &&
	       (cpu->guest->save.rflags & RFLAGS_IF) && stands_open(cpu);
}

/** A window that is open already is an exit before any instruction, and ends
 * no HLT: the state is saved as it was (SDM 3C 28.1). @return 0: none is */
static u32 open_window(const struct softvmx_cpu *cpu)
{
	if (svm_nmi_window_is_open(cpu) && !cpu->iret_open &&
	    stands_open(cpu)) {
		return EXIT_REASON_NMI_WINDOW;
	}
	return stands_in_interrupt_window(cpu) ? EXIT_REASON_INTERRUPT_WINDOW :
						 0;
}

/**
 * Once into the guest and back, unless there is no need to: a halted guest may
 * get no further than waiting. What was being delivered when it stopped is
 * delivered again if it goes on.
 */
static enum svm_exit_verdict run_turn(struct softvmx_cpu *cpu)
{
	enum svm_exit_verdict verdict;
	u32 window = open_window(cpu);

	if (unlikely(window)) {
		cpu->exit = (struct softvmx_exit){ 0 };
		cpu->guest->control.exit_int_info = 0;
		return svm_exit_leave(cpu, window);
	}
	if (must_wait(cpu) && svm_halt_wait(cpu) == SVM_LEAVE) {
		return SVM_LEAVE;
	}
	cpu->halt = false;
	run_once(cpu);
	verdict = cpu->step.done ? svm_step_finish(cpu) : dispatch(cpu);
	if (verdict == SVM_RESUME) {
		svm_event_reinject(cpu);
	}
	return verdict;
}

/* Each turn ends in nothing that VMX would have noticed, or in an exit. */
void svm_exit_run_guest(struct softvmx_cpu *cpu)
{
	while (run_turn(cpu) == SVM_RESUME) {
		/* on it goes */
	}
	svm_task_end_store(cpu);
	svm_tlb_end(cpu);
	svm_event_record(cpu);
}
