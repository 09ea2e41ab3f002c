/** @file
 * Stopping a guest at the next instruction boundary.
 *
 * VMX can stop a guest after one instruction (monitor trap flag) and as soon as
 * it can take an NMI (NMI-window exiting), which is after the IRET of an NMI
 * handler.  SVM has neither.  Two ways lead there:
 *
 *   - An instruction is executed with RFLAGS.TF set and #DB intercepted.  What
 *     the instruction itself does with TF is put right afterwards, so that the
 *     guest does not see it: PUSHF and SYSCALL store it, POPF, IRET and SYSRET
 *     load it.  Everything that would save RFLAGS on an event - exceptions,
 *     INT n, interrupts - is intercepted, so TF is ours only while the
 *     instruction runs.
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
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Everything that may be intercepted among the 32 exceptions. */
#define ALL_EXCEPTIONS BITS(31, 0)

/** What an instruction does with RFLAGS.TF. */
enum flag_use { USE_NONE, USE_PUSHF, USE_LOAD, USE_SYSCALL, USE_SYSRET };

bool svm_step_is_wanted(const struct softvmx_cpu *cpu)
{
	return (cpu->processor_ctls & CPU_MONITOR_TRAP_FLAG) ||
	       cpu->step.over || svm_nmi_window_is_open(cpu);
}

/** The instruction at RIP; one that cannot be fetched will fault anyway. */
static enum flag_use classify(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!insn.length) {
		return USE_NONE;
	}
	if (insn.map == INSN_MAP_0F) {
		return insn.opcode == 0x05 ? USE_SYSCALL :
		       insn.opcode == 0x07 ? USE_SYSRET :
					     USE_NONE;
	}
	if (insn.map != INSN_MAP_ONE) {
		return USE_NONE;
	}
	switch (insn.opcode) {
	case 0x9c:
		return USE_PUSHF;
	case 0x9d: /* POPF */
	case 0xcf: /* IRET */
		return USE_LOAD;
	default:
		return USE_NONE;
	}
}

/** Keep what stepping over an instruction changes. */
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

/** SYSCALL clears what SFMASK says and SYSRET takes RFLAGS from R11; the trap
 * comes only if TF is set when they are done (APM 3, SYSCALL). */
static void arm_instruction(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;

	cpu->step.use = classify(cpu);
	save->rflags |= RFLAGS_TF;
	save->dr6 &= ~(SVM_DR6_BREAKPOINTS | SVM_DR6_BS);
	if (cpu->step.use == USE_SYSCALL) {
		save->sfmask &= ~RFLAGS_TF;
	} else if (cpu->step.use == USE_SYSRET) {
		cpu->gpr[GPR_R11] |= RFLAGS_TF;
	}
	control->intercept |= SVM_INTERCEPT_INTN | SVM_INTERCEPT_INTR;
	control->intercept_exceptions = ALL_EXCEPTIONS;
	if (cpu->step.over) {
		control->intercept &= ~SVM_INTERCEPT_LTR;
	}
}

/** An event, or an interrupt that is pending and that the guest may take. */
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

void svm_step_before_run(struct softvmx_cpu *cpu)
{
	bool event = cpu->guest->control.event_inj & SVM_EVENT_VALID;

	keep(cpu);
	cpu->step.done = false;
	cpu->step.delivers = event || cpu->step.let_in;
	if (cpu->step.delivers) {
		arm_delivery(cpu);
	} else {
		arm_instruction(cpu);
	}
}

/** Our TF in the RFLAGS image that PUSHF has just stored. */
static void clear_pushed_flag(struct softvmx_cpu *cpu)
{
	const struct vmcb_segment *ss =
		vmcb_segments_get(cpu->guest, SEGMENT_SS);
	u64 at = cpu->guest->save.rsp;
	u8 *second_byte;

	if (!softvmx_cpu_in_64bit(cpu)) {
		at &= ss->attributes & SVM_SEG_DB ? BITS(31, 0) : BITS(15, 0);
		at = (u32)(at + ss->base);
	}
	second_byte = svm_walk_pointer(cpu, gva(at + 1));
	if (second_byte) {
		*second_byte &= ~(u8)(RFLAGS_TF >> 8);
	}
}

/** Put bit TF of `from` into `*flags`. */
static void copy_flag(u64 *flags, u64 from)
{
	*flags = (*flags & ~RFLAGS_TF) | (from & RFLAGS_TF);
}

/** What a completed instruction has made of a TF that was not the guest's. */
static void settle_flag(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;
	u64 own = cpu->step.rflags;

	switch ((enum flag_use)cpu->step.use) {
	case USE_LOAD:
		return; /* it has loaded the guest's */
	case USE_SYSRET:
		own = cpu->step.r11;
		break;
	case USE_SYSCALL:
		copy_flag(&cpu->gpr[GPR_R11], own);
		own &= ~cpu->step.sfmask;
		break;
	case USE_PUSHF:
		if (!(own & RFLAGS_TF)) {
			clear_pushed_flag(cpu);
		}
		break;
	case USE_NONE:
		break;
	}
	copy_flag(&save->rflags, own);
}

/** Data breakpoints that were hit go with those enabled in DR7. */
static u64 debug_traps(const struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u64 pending = save->dr6 & SVM_DR6_BREAKPOINTS;

	for (unsigned int i = 0; i < 4; i++) {
		if ((pending & BIT(i)) &&
		    (save->dr7 & BITS(2 * i + 1, 2 * i))) {
			pending |= SVM_PENDING_ENABLED_BREAKPOINT;
		}
	}
	if (!(pending & SVM_PENDING_ENABLED_BREAKPOINT)) {
		pending = 0;
	}
	return cpu->step.rflags & RFLAGS_TF ? pending | SVM_DR6_BS : pending;
}

/** Undo arm_instruction().  Only a trap of TF has BS set in DR6. */
static void disarm_instruction(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;
	u32 trap = SVM_EXIT_EXCEPTION + VECTOR_DB;

	cpu->step.done = control->exit_code == trap && (save->dr6 & SVM_DR6_BS);
	control->intercept_exceptions = cpu->step.exceptions;
	if (cpu->step.done) {
		settle_flag(cpu);
		cpu->step.pending = debug_traps(cpu);
		save->dr6 = cpu->step.dr6;
	} else {
		copy_flag(&save->rflags, cpu->step.rflags);
		save->dr6 |= cpu->step.dr6;
	}
	save->sfmask = cpu->step.sfmask;
	if (cpu->step.use == USE_SYSRET) {
		cpu->gpr[GPR_R11] = cpu->step.r11;
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

void svm_step_after_run(struct softvmx_cpu *cpu)
{
	cpu->guest->control.intercept = cpu->step.intercept;
	if (cpu->step.delivers) {
		disarm_delivery(cpu);
	} else {
		disarm_instruction(cpu);
	}
}

enum svm_exit_verdict svm_step_finish(struct softvmx_cpu *cpu)
{
	cpu->step.done = false;
	cpu->guest->control.exit_int_info = 0;
	return svm_step_boundary(cpu, cpu->step.pending);
}

enum svm_exit_verdict svm_step_boundary(struct softvmx_cpu *cpu, u64 pending)
{
	svm_nmi_iret_done(cpu);
	svm_task_end_store(cpu);
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
