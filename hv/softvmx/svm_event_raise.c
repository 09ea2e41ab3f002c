/** @file
 * Exceptions that have been intercepted: whose are they?
 *
 * More exceptions are intercepted than the hypervisor has asked for: #UD and
 * #GP always, all of them while the guest is stepped.  What it has asked for is
 * exit 0.  What is the guest's is injected, and if another event was being
 * delivered when it came, merged with that one first, as the processor would
 * have done if we had not been in between (SDM 3A 6.15, table 6-5):
 *
 *	contributory + contributory, #PF + contributory, #PF + #PF  --> #DF
 *	#DF + any of those                                --> triple fault
 */
#include "hv/softvmx/svm_event.h"

#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Exceptions with an error code (SDM 3A table 6-1). */
#define HAS_ERROR_CODE                                                 \
	(BIT(VECTOR_DF) | BITS(VECTOR_PF, VECTOR_TS) | BIT(VECTOR_AC))


/** In real mode no exception has one. */
static bool has_error_code(const struct softvmx_cpu *cpu, unsigned int vector)
{
	return (HAS_ERROR_CODE >> vector & 1) &&
	       (cpu->guest->save.cr0 & CR0_PE);
}

/**
 * SDM 3C 25.6.3: the exception bitmap; for page faults its bit says what
 * becomes of those whose error code matches, and the others have it the other
 * way round.
 */
static bool hypervisor_wants(const struct softvmx_cpu *cpu,
			     unsigned int vector, u32 error)
{
	bool wanted = vmcs_memory_get(cpu, EXCEPTION_BITMAP) >> vector & 1;
	u32 mask, match;

	if (vector != VECTOR_PF) {
		return wanted;
	}
	mask = vmcs_memory_get(cpu, PAGE_FAULT_ERROR_CODE_MASK);
	match = vmcs_memory_get(cpu, PAGE_FAULT_ERROR_CODE_MATCH);
	return (error & mask) == match ? wanted : !wanted;
}

/**
 * SDM 3C 28.2.1: for #PF its address, for #DB what would go to DR6. VMX leaves
 * DR6 alone when the exception exits; SVM has written it by then.
 */
static u64 exception_qualification(struct softvmx_cpu *cpu,
				   unsigned int vector)
{
	struct vmcb *guest = cpu->guest;
	u64 debug = SVM_DR6_BREAKPOINTS | SVM_DR6_BD | SVM_DR6_BS;
	u64 qualification = 0;

	if (vector == VECTOR_PF) {
		return guest->control.exit_info2;
	}
	if (vector == VECTOR_DB) {
		qualification = guest->save.dr6 & debug;
		guest->save.dr6 &= ~debug;
	}
	return qualification;
}

/** Exceptions of the fault class (SDM 3A table 6-1), but for #DB, which may be
 * either and never has RF set for it (SDM 3B 17.3.1.1). */
#define FAULTS                                                              \
	(BIT(VECTOR_DE) | BITS(VECTOR_NM, VECTOR_BR) |                      \
	 BITS(VECTOR_PF, VECTOR_TS) | BITS(VECTOR_AC, VECTOR_MF) |          \
	 BITS(VECTOR_CP, VECTOR_XM))

/** Exit 0 with the exception in the interruption information; RFLAGS as they
 * would have been pushed (SDM 3C 28.3.3). */
static enum svm_exit_verdict leave_for_exception(struct softvmx_cpu *cpu,
					      unsigned int vector, u32 error)
{
	cpu->exit.intr_info =
		INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 | vector;
	if (has_error_code(cpu, vector)) {
		cpu->exit.intr_info |= INTR_INFO_HAS_ERROR_CODE;
		cpu->exit.intr_error = error;
	}
	if (FAULTS >> vector & 1) {
		cpu->guest->save.rflags |= RFLAGS_RF;
	}
	/* SDM 3C 28.2.2: not for a double fault, nor on top of an event. */
	if (svm_nmi_iret_is_open(cpu) && vector != VECTOR_DF &&
	    !(cpu->guest->control.exit_int_info & SVM_EVENT_VALID)) {
		cpu->exit.intr_info |= INTR_INFO_NMI_UNBLOCKING;
	}
	cpu->exit.qualification = exception_qualification(cpu, vector);
	return svm_exit_leave(cpu, EXIT_REASON_EXCEPTION_NMI);
}

/**
 * Inject it. CR2 is written now: a #PF that exits must not change it, so the
 * processor has not.
 */
static enum svm_exit_verdict deliver(struct softvmx_cpu *cpu,
				  unsigned int vector, u32 error)
{
	struct vmcb *guest = cpu->guest;

	svm_event_forget_soft(cpu);
	if (vector == VECTOR_PF) {
		guest->save.cr2 = guest->control.exit_info2;
	}
	guest->control.event_inj =
		SVM_EVENT_VALID | SVM_EVENT_EXCEPTION << 8 | vector;
	if (has_error_code(cpu, vector)) {
		guest->control.event_inj |= SVM_EVENT_HAS_ERROR;
		guest->control.event_inj_error = error;
	}
	return SVM_RESUME;
}

/**
 * Do two exceptions in a row make a double fault (SDM 3A table 6-5)? Only a
 * page fault makes one with a page fault.
 */
static bool makes_double_fault(unsigned int first, unsigned int second)
{
	bool second_counts = SVM_EVENT_CONTRIBUTORY >> second & 1;

	if (first == VECTOR_PF) {
		return second_counts || second == VECTOR_PF;
	}
	return (SVM_EVENT_CONTRIBUTORY >> first & 1) && second_counts;
}

/*
 * On top of an event that is no exception it is just delivered: an interrupt
 * whose delivery faults is lost, on a processor as well; EXT in the error code
 * tells of it.
 */
enum svm_exit_verdict svm_event_raise(struct softvmx_cpu *cpu,
				      unsigned int vector, u32 error)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 under_way = control->exit_int_info;
	unsigned int first = under_way & SVM_EVENT_VECTOR;

	if (hypervisor_wants(cpu, vector, error)) {
		return leave_for_exception(cpu, vector, error);
	}
	if (!(under_way & SVM_EVENT_VALID) ||
	    bits(under_way, 10, 8) != SVM_EVENT_EXCEPTION) {
		return deliver(cpu, vector, error);
	}
	if (first == VECTOR_DF) {
		control->exit_int_info = 0;
		return svm_exit_leave(cpu, EXIT_REASON_TRIPLE_FAULT);
	}
	if (!makes_double_fault(first, vector)) {
		return deliver(cpu, vector, error);
	}
	if (vector == VECTOR_PF) {
		/* What faulted last is in CR2, though its #PF never comes. */
		cpu->guest->save.cr2 = control->exit_info2;
	}
	control->exit_int_info = 0;
	if (hypervisor_wants(cpu, VECTOR_DF, 0)) {
		return leave_for_exception(cpu, VECTOR_DF, 0);
	}
	return deliver(cpu, VECTOR_DF, 0);
}
