/** @file
 * #VMEXITs for events: exceptions, interrupts, windows.
 *
 * An event is VMX's "exception or NMI" (exit 0) only if the hypervisor asked
 * for it; the intercepts are set for more than that (vmcb_controls.c), so what
 * arrives here is sorted first.  What becomes of an exception that the guest is
 * to have is decided by svm_event_raise().
 */
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/svm_tlb.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/* An error code that refers to a descriptor (SDM 3A figure 6-7). */
#define SELECTOR_ERRORS BITS(VECTOR_GP, VECTOR_TS)
#define ERROR_EXT BIT(0) /* by an event from outside the program */
#define ERROR_IDT BIT(1) /* the descriptor is a gate */

/**
 * Opcodes 0F 01 D8 to DF: VMRUN to INVLPGA, which a VMX guest lacks. SVM checks
 * RAX before it exits, hence the #GP.
 */
static bool is_svm_insn(const struct svm_insn *insn)
{
	return insn->map == INSN_MAP_0F && insn->opcode == 0x01 &&
	       insn->modrm >= 0xd8 && insn->modrm <= 0xdf;
}

/** F1, which TCG takes for an undefined opcode. */
static bool is_int1(const struct svm_insn *insn)
{
	return insn->map == INSN_MAP_ONE && insn->opcode == 0xf1;
}

/**
 * MONITOR and MWAIT with bits in ECX: TCG raises #GP before it looks at the
 * intercept, a processor exits first (SDM 3C 26.1.1).
 * @return the handler, or NULL when it is something else or does not exit
 */
static svm_exit_handler_t monitor_handler(const struct softvmx_cpu *cpu,
					  const struct svm_insn *insn)
{
	u32 controls = cpu->processor_ctls;

	if (insn->map != INSN_MAP_0F || insn->opcode != 0x01 ||
	    cpu->guest->save.cpl) {
		return NULL;
	}
	if (insn->modrm == 0xc8 && (controls & CPU_MONITOR_EXITING)) {
		return svm_exit_insn_monitor;
	}
	if (insn->modrm == 0xc9 && (controls & CPU_MWAIT_EXITING)) {
		return svm_exit_insn_mwait;
	}
	return NULL;
}

/**
 * A #UD or #GP that VMX would not have raised.
 * @return the handler for what it is; NULL when it is what it seems
 */
static svm_exit_handler_t other_meaning(struct softvmx_cpu *cpu,
					unsigned int vector)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!insn.length) {
		return NULL;
	}
	if (svm_exit_dr_is_exit(cpu, &insn)) {
		return svm_exit_dr_access;
	}
	if (vector == VECTOR_GP) {
		return is_svm_insn(&insn) ? svm_exit_insn_undefined :
					    monitor_handler(cpu, &insn);
	}
	if (svm_exit_vmx_is_insn(cpu, &insn)) {
		return svm_exit_vmx_insn;
	}
	return is_int1(&insn) ? svm_exit_event_icebp : NULL;
}

/*
 * INT1: an exception #DB that an instruction makes (SDM 2A INT n), of a type of
 * its own.
 */
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

/**
 * The error code that a processor would have pushed.  While an event is
 * delivered, one that refers to a descriptor has bit 0, EXT, unless the event
 * is an instruction's; and TCG 7.2 counts 16 bytes for a gate of the IDT in
 * long mode, where the error code counts 8 (SDM 3A 6.13).
 */
static u32 true_error_code(const struct softvmx_cpu *cpu, unsigned int vector)
{
	const struct vmcb_control *control = &cpu->guest->control;
	u32 event = control->exit_int_info;
	u32 error = control->exit_info1;
	u32 under_way = event & SVM_EVENT_VECTOR;

	if (!(event & SVM_EVENT_VALID) ||
	    !(SELECTOR_ERRORS >> vector & 1)) {
		return error;
	}
	if (error == (under_way * 16 | ERROR_IDT)) {
		error = under_way * 8 | ERROR_IDT;
	}
	if (bits(event, 10, 8) != SVM_EVENT_SOFT) {
		error |= ERROR_EXT;
	}
	return error;
}

/*
 * While our own tables stand in for the guest's, its page faults are mostly
 * ours.
 */
enum svm_exit_verdict svm_exit_event_exception(struct softvmx_cpu *cpu)
{
	unsigned int vector =
		cpu->guest->control.exit_code - SVM_EXIT_EXCEPTION;
	svm_exit_handler_t handler = NULL;

	if (vector == VECTOR_PF && cpu->own_tlb) {
		return svm_tlb_fault(cpu);
	}
	if (vector == VECTOR_UD || vector == VECTOR_GP) {
		handler = other_meaning(cpu, vector);
	}
	return handler ? handler(cpu) :
			 svm_event_raise(cpu, vector,
					 true_error_code(cpu, vector));
}

/**
 * Without "acknowledge" the interrupt stays pending: it comes to the host as
 * soon as that has IF = 1.  While a guest is stepped, interrupts are seen that
 * are its own (svm_step.c).
 */
enum svm_exit_verdict svm_exit_event_interrupt(struct softvmx_cpu *cpu)
{
	u64 controls = vmcs_memory_get(cpu, VM_EXIT_CONTROLS);

	if (!(cpu->pin_ctls & PIN_EXTERNAL_INTERRUPT_EXITING)) {
		cpu->step.let_in = true;
		return SVM_RESUME;
	}
	svm_nmi_iret_undo(cpu);
	if (controls & EXIT_ACKNOWLEDGE_INTERRUPT) {
		u64 taken = softvmx_run_acknowledge();

		if (taken & SOFTVMX_RUN_NMI_CAME) {
			svm_nmi_return();
		}
		if ((u32)taken == ~0u) {
			return SVM_RESUME; /* it has gone away again */
		}
		cpu->exit.intr_info = INTR_INFO_VALID |
				      INTR_TYPE_EXTERNAL << 8 | (u32)taken;
	}
	return svm_exit_leave(cpu, EXIT_REASON_EXTERNAL_INTERRUPT);
}

/* A virtual interrupt is how we hear of it; it is not delivered. */
enum svm_exit_verdict svm_exit_event_window(struct softvmx_cpu *cpu)
{
	svm_nmi_iret_undo(cpu);
	return svm_exit_leave(cpu, EXIT_REASON_INTERRUPT_WINDOW);
}

/** SVM's name for a triple fault; nothing was being delivered any more. */
enum svm_exit_verdict svm_exit_event_shutdown(struct softvmx_cpu *cpu)
{
	cpu->guest->control.exit_int_info = 0;
	return svm_exit_leave(cpu, EXIT_REASON_TRIPLE_FAULT);
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
		return svm_exit_leave_insn(cpu, EXIT_REASON_EXCEPTION_NMI,
					   &insn);
	}
	svm_event_inject_soft(cpu, vector, type, insn.length);
	return SVM_RESUME;
}
