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
#include "hv/softvmx/svm_tlb.h"
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
	if (vector == VECTOR_GP) {
		return is_svm_insn(&insn) ? svm_exit_insn_undefined :
					    monitor_handler(cpu, &insn);
	}
	if (svm_exit_vmx_is_insn(cpu, &insn)) {
		return svm_exit_vmx_insn;
	}
	return is_int1(&insn) ? svm_exit_event_icebp : NULL;
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
	svm_exit_handler_t handler = NULL;

	if (vector == VECTOR_PF && cpu->own_tlb) {
		return svm_tlb_fault(cpu);
	}
	if (vector == VECTOR_UD || vector == VECTOR_GP) {
		handler = other_meaning(cpu, vector);
	}
	return handler ? handler(cpu) :
			 svm_event_raise(cpu, vector, control->exit_info1);
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
