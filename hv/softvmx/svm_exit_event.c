/** @file
 * #VMEXITs for events: exceptions, interrupts, NMIs, windows, task switches.
 *
 * An event is VMX's "exception or NMI" (exit 0) only if the hypervisor has asked
 * for it; the intercepts are set for more than that (vmcb_controls.c), so what
 * arrives here is sorted first.  What becomes of an exception that the guest is
 * to have is decided by svm_event_raise().
 */
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Opcodes 0F 01 D8 to DF: VMRUN to INVLPGA, which a VMX guest lacks. */
static bool is_svm_insn(const struct svm_insn *insn)
{
	return insn->map == INSN_MAP_0F && insn->opcode == 0x01 &&
	       insn->modrm >= 0xd8 && insn->modrm <= 0xdf;
}

/** F1, which TCG takes for an undefined opcode. */
static bool is_int1(const struct svm_insn *insn)
{
	return insn->length == 1 && insn->map == INSN_MAP_ONE &&
	       insn->opcode == 0xf1;
}

/** INT1: an exception #DB that an instruction makes (SDM 2A INT n). */
enum svm_exit_verdict svm_exit_event_icebp(struct softvmx_cpu *cpu)
{
	unsigned int type = INTR_TYPE_PRIV_SOFT_EXCEPTION;
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!(vmcs_memory_get(cpu, EXCEPTION_BITMAP) & BIT(VECTOR_DB))) {
		svm_event_inject_soft(cpu, VECTOR_DB, type, insn.length);
		return SVM_RESUME;
	}
	cpu->exit.intr_info = INTR_INFO_VALID | type << 8 | VECTOR_DB;
	return svm_exit_leave_insn(cpu, EXIT_REASON_EXCEPTION_NMI, &insn);
}

/** #UD may be a VMX instruction, #GP one of SVM's; the rest is as it seems. */
enum svm_exit_verdict svm_exit_event_exception(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	unsigned int vector = control->exit_code - SVM_EXIT_EXCEPTION;
	u32 error = control->exit_info1;
	struct svm_insn insn;

	if (vector == VECTOR_UD || vector == VECTOR_GP) {
		svm_decode_current(cpu, &insn);
		if (vector == VECTOR_UD && svm_exit_vmx_try(cpu, &insn)) {
			return SVM_LEAVE;
		}
		if (vector == VECTOR_UD && is_int1(&insn)) {
			return svm_exit_event_icebp(cpu);
		}
		if (vector == VECTOR_GP && insn.length && is_svm_insn(&insn)) {
			vector = VECTOR_UD;
		}
	}
	return svm_event_raise(cpu, vector, error);
}

/** Without "acknowledge" the interrupt stays pending: it comes to the host as
 * soon as that has IF = 1. */
enum svm_exit_verdict svm_exit_event_interrupt(struct softvmx_cpu *cpu)
{
	u64 controls = vmcs_memory_get(cpu, VM_EXIT_CONTROLS);

	if (controls & EXIT_ACKNOWLEDGE_INTERRUPT) {
		int vector = softvmx_run_acknowledge();

		if (vector < 0) {
			return SVM_RESUME; /* it has gone away again */
		}
		cpu->exit.intr_info =
			INTR_INFO_VALID | INTR_TYPE_EXTERNAL << 8 | vector;
	}
	return svm_exit_leave(cpu, EXIT_REASON_EXTERNAL_INTERRUPT);
}

/** SVM leaves the NMI pending as well, but VMX has consumed it by now. */
enum svm_exit_verdict svm_exit_event_nmi(struct softvmx_cpu *cpu)
{
	softvmx_run_swallow_nmi();
	cpu->exit.intr_info =
		INTR_INFO_VALID | INTR_TYPE_NMI << 8 | VECTOR_NMI;
	return svm_exit_leave(cpu, EXIT_REASON_EXCEPTION_NMI);
}

enum svm_exit_verdict svm_exit_event_window(struct softvmx_cpu *cpu)
{
	return svm_exit_leave(cpu, EXIT_REASON_INTERRUPT_WINDOW);
}

/** SVM's name for a triple fault; nothing was being delivered any more. */
enum svm_exit_verdict svm_exit_event_shutdown(struct softvmx_cpu *cpu)
{
	cpu->guest->control.exit_int_info = 0;
	return svm_exit_leave(cpu, EXIT_REASON_TRIPLE_FAULT);
}

/** The IRET will be executed now, and it unblocks NMIs. */
enum svm_exit_verdict svm_exit_event_iret(struct softvmx_cpu *cpu)
{
	cpu->nmi_blocked = false;
	cpu->guest->control.intercept &= ~SVM_INTERCEPT_IRET;
	return SVM_RESUME;
}

/**
 * INT n, INT3 and INTO: TCG has one intercept for all.  INT3 and INTO are
 * exceptions for VMX; an INT n is delivered, whatever its number.
 */
enum svm_exit_verdict svm_exit_event_software(struct softvmx_cpu *cpu)
{
	u32 wanted = vmcs_memory_get(cpu, EXCEPTION_BITMAP);
	unsigned int type = INTR_TYPE_SOFT_EXCEPTION;
	unsigned int vector = VECTOR_BP;
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (insn.opcode == 0xce) {
		vector = VECTOR_OF;
	} else if (insn.opcode == 0xcd) {
		type = INTR_TYPE_SOFT_INTERRUPT;
		vector = insn.imm8;
		wanted = 0;
	}
	if (wanted & BIT(vector)) {
		cpu->exit.intr_info = INTR_INFO_VALID | type << 8 | vector;
		return svm_exit_leave_insn(cpu, EXIT_REASON_EXCEPTION_NMI, &insn);
	}
	svm_event_inject_soft(cpu, vector, type, insn.length);
	return SVM_RESUME;
}

/* Bits 31:30 of the qualification (SDM 3C table 28-2). */
enum task_switch_source {
	TASK_SWITCH_CALL,
	TASK_SWITCH_IRET,
	TASK_SWITCH_JMP,
	TASK_SWITCH_GATE,
};

/** SVM says IRET and JMP in EXITINFO2 and leaves CALL and gates to tell apart
 * by whether an event was being delivered (APM 2 15.14.1). */
enum svm_exit_verdict svm_exit_event_task_switch(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	enum task_switch_source source = TASK_SWITCH_CALL;
	struct svm_insn insn;

	if (control->exit_int_info & SVM_EVENT_VALID) {
		source = TASK_SWITCH_GATE;
	} else if (control->exit_info2 & SVM_TASK_BY_IRET) {
		source = TASK_SWITCH_IRET;
	} else if (control->exit_info2 & SVM_TASK_BY_JMP) {
		source = TASK_SWITCH_JMP;
	}
	svm_decode_current(cpu, &insn);
	cpu->exit.qualification =
		bits(control->exit_info1, 15, 0) | (u64)source << 30;
	return svm_exit_leave_insn(cpu, EXIT_REASON_TASK_SWITCH, &insn);
}
