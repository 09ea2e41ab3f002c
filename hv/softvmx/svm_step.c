/** @file
 * Stopping a guest at the next instruction boundary.
 *
 * VMX can stop a guest after one instruction (monitor trap flag) and as soon as
 * it can take an NMI (NMI-window exiting), which is after the IRET of an NMI
 * handler.  SVM has neither.  Two ways lead there:
 *
 *   - An instruction is executed with RFLAGS.TF set and #DB intercepted
 *     (svm_step_tf.c).  Everything that would save RFLAGS on an event -
 *     exceptions, INT n, interrupts - is intercepted, so TF is ours only while
 *     the instruction runs.
 *
 *   - An event is delivered with nothing executable: the first instruction of
 *     its handler cannot be fetched, and that is the boundary (SDM 3C 26.5.2).
 *     It is in the nested page tables that execution is forbidden.
 *
 * Which of the two it is, follows from whether an event is to be injected.
 */
#include "hv/softvmx/svm_step.h"

#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/svm_step_tf.h"
#include "hv/softvmx/svm_task.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/*
 * A window that is open now is waited for only while something is in its way:
 * an event that goes first, a shadow, an IRET that has not been executed
 * (svm_exit.c asks for those).
 */
bool svm_step_is_wanted(const struct softvmx_cpu *cpu)
{
	return (cpu->processor_ctls & CPU_MONITOR_TRAP_FLAG) ||
	       cpu->step.over || svm_nmi_window_is_open(cpu);
}

/**
 * Keep what stepping changes. All of it, for both ways: it is a handful of
 * words, and an exit may come at any point.
 */
static void keep(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	const struct vmcb_save *save = &cpu->guest->save;

	cpu->step.rflags = save->rflags;
	cpu->step.dr6 = save->dr6;
	cpu->step.sfmask = save->sfmask;
	cpu->step.r11 = cpu->gpr[GPR_R11];
	cpu->step.intercept = control->intercept;
	cpu->step.exceptions = control->intercept_exceptions;
}

/**
 * An event, or an interrupt that is pending and that the guest may take:
 * nothing may be executed. With svm_tlb.c at work there are no nested tables;
 * it then enters no page that could be.
 */
static void arm_delivery(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;

	cpu->step.n_cr3 = control->n_cr3;
	cpu->step.np_enable = control->np_enable;
	if (!cpu->own_tlb) {
		control->n_cr3 =
			control->np_enable ?
				ept_shadow_without_execute(cpu->shadow).v :
				ept_shadow_identity(cpu->shadow).v;
		control->np_enable = 1;
		cpu->flush = true;
	}
	if (cpu->step.let_in) {
		control->intercept &= ~SVM_INTERCEPT_INTR;
	}
}

/*
 * An event that was interrupted has become one to be injected (svm_event.c), so
 * this is all there is to look at.
 */
void svm_step_before_run(struct softvmx_cpu *cpu)
{
	bool event = cpu->guest->control.event_inj & SVM_EVENT_VALID;

	keep(cpu);
	cpu->step.done = false;
	cpu->step.delivers = event || cpu->step.let_in;
	if (cpu->step.delivers) {
		arm_delivery(cpu);
	} else {
		svm_step_tf_arm(cpu);
	}
}

/** Undo arm_delivery().  Whatever has stopped the guest: with no event under
 * way any more, it stands before the handler's first instruction. */
static void disarm_delivery(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	bool under_way = control->exit_int_info & SVM_EVENT_VALID;

	control->n_cr3 = cpu->step.n_cr3;
	control->np_enable = cpu->step.np_enable;
	cpu->step.let_in = false;
	cpu->step.done = !under_way &&
			 control->exit_code != SVM_EXIT_SHUTDOWN &&
			 control->exit_code < SVM_EXIT_INVALID;
	cpu->step.pending = 0;
	if (!cpu->own_tlb) {
		cpu->flush = true;
	}
}

/* The intercepts first: the two ways have changed different ones. */
void svm_step_after_run(struct softvmx_cpu *cpu)
{
	cpu->guest->control.intercept = cpu->step.intercept;
	if (cpu->step.delivers) {
		disarm_delivery(cpu);
	} else {
		svm_step_tf_disarm(cpu);
	}
}

/* No event is under way at a boundary. */
enum svm_exit_verdict svm_step_finish(struct softvmx_cpu *cpu)
{
	cpu->step.done = false;
	cpu->guest->control.exit_int_info = 0;
	return svm_step_boundary(cpu, cpu->step.pending);
}

/*
 * An MTF exit goes before the debug traps, which stay pending in the VMCS (SDM
 * 3C 28.3.4); those go before the NMI window.
 */
enum svm_exit_verdict svm_step_boundary(struct softvmx_cpu *cpu, u64 pending)
{
	svm_nmi_iret_done(cpu);
	svm_task_end_store(cpu);
	if (svm_task_refuse_null(cpu)) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	if (cpu->processor_ctls & CPU_MONITOR_TRAP_FLAG) {
		cpu->pending_debug = pending;
		return svm_exit_leave(cpu, EXIT_REASON_MONITOR_TRAP_FLAG);
	}
	if (pending) {
		cpu->guest->save.dr6 |=
			pending & (SVM_DR6_BS | SVM_DR6_BREAKPOINTS);
		return svm_event_raise(cpu, VECTOR_DB, 0);
	}
	if (svm_nmi_window_is_open(cpu) &&
	    !(cpu->guest->control.interrupt_shadow & 1)) {
		return svm_exit_leave(cpu, EXIT_REASON_NMI_WINDOW);
	}
	return SVM_RESUME;
}
