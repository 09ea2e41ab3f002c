/** @file
 * The HLT activity state (SDM 3C 25.4.2), which SVM does not have.
 *
 * A VMCS can say "this guest is halted": entering it then runs nothing and
 * waits for an event.  An AMD guest can only be at some RIP.  So we enter
 * another one: a VMCB whose whole program is a HLT of ours, under the host's
 * page tables, which stops as soon as an interrupt or NMI is there, and leaves
 * it pending for whoever is to have it.
 */
#include "hv/softvmx/svm_halt.h"

#include "hv/lib/page.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"
#include "hv/x86/segment.h"

#define ASID_HALTED 2
/* Access rights of flat segments, as SVM keeps them. */
#define ATTRIBUTES_CODE64 0xa9b
#define ATTRIBUTES_DATA 0xc93

/** It stops for interrupts and NMIs, and for nothing that a HLT could do. */
static void set_controls(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->halted->control;

	control->intercept = SVM_INTERCEPT_INTR | SVM_INTERCEPT_NMI |
			     SVM_INTERCEPT_SHUTDOWN;
	control->intercept2 = SVM_INTERCEPT2_SVM_INSNS;
	control->asid = ASID_HALTED;
	control->msrpm_base = virt_to_hpa(cpu->msrpm).v;
	control->iopm_base = virt_to_hpa(cpu->iopm_all).v;
	/* Host interrupts end the wait unless they are the guest's own. */
	control->virtual_interrupt =
		cpu->pin_ctls & PIN_EXTERNAL_INTERRUPT_EXITING ?
			SVM_V_INTR_MASKING :
			0;
}

/**
 * The host's own mode and page tables: the loop is our code. Interrupts that
 * are the guest's end the wait if its RFLAGS.IF is 1.
 */
static void set_state(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->halted->save;
	struct vmcb_segment data = { SEL_DATA, ATTRIBUTES_DATA, ~0u, 0 };

	save->cr0 = read_cr0();
	save->cr3 = read_cr3();
	save->cr4 = read_cr4();
	save->efer = rdmsr(MSR_IA32_EFER);
	save->rip = (u64)softvmx_run_hlt_loop;
	save->rflags =
		RFLAGS_FIXED | (cpu->guest->save.rflags & RFLAGS_IF);
	save->dr6 = DR6_RESET;
	save->dr7 = DR7_RESET;
	save->cs = (struct vmcb_segment){ SEL_CODE64, ATTRIBUTES_CODE64, ~0u,
					  0 };
	save->ss = data;
	save->ds = data;
	save->es = data;
	vmcb_vmsave(virt_to_hpa(cpu->halted));
}

/**
 * Run the loop until something comes. It is left pending: an exit passes it on,
 * else the guest takes it itself.
 * @return SVM_LEAVE for an exit
 */
static enum svm_exit_verdict wait_once(struct softvmx_cpu *cpu)
{
	u64 unused[GPR_COUNT] = { 0 };
	struct vmcb *guest = cpu->guest;

	set_controls(cpu);
	set_state(cpu);
	softvmx_run_guest(virt_to_hpa(cpu->halted), unused, false);
	cpu->exit = (struct softvmx_exit){ 0 };
	guest->control.exit_int_info = 0;
	guest->control.interrupt_shadow = 0;
	/* Still pending: an exit passes it on, or the guest takes it. */
	switch (cpu->halted->control.exit_code) {
	case SVM_EXIT_INTR:
		return cpu->pin_ctls & PIN_EXTERNAL_INTERRUPT_EXITING ?
			       svm_exit_event_interrupt(cpu) :
			       SVM_RESUME;
	case SVM_EXIT_NMI:
		return svm_nmi_arrive(cpu);
	default:
		return SVM_RESUME;
	}
}

/*
 * An NMI that is blocked does not end the wait: it has been put aside, and the
 * next one cannot come before the guest's IRET.
 */
enum svm_exit_verdict svm_halt_wait(struct softvmx_cpu *cpu)
{
	enum svm_exit_verdict verdict;
	bool put_aside;

	do {
		verdict = wait_once(cpu);
		put_aside = cpu->halted->control.exit_code == SVM_EXIT_NMI &&
			    verdict == SVM_RESUME &&
			    !(cpu->guest->control.event_inj & SVM_EVENT_VALID);
	} while (put_aside);
	return verdict;
}
