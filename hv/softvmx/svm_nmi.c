/** @file
 * NMIs: whose they are, and whether they are blocked.
 *
 * A processor blocks further NMIs from the moment it takes one until the next
 * IRET.  VMX lets the hypervisor see and set that state (bit 3 of the
 * interruptibility state) and gives it three meanings (SDM 3C 25.6.1, 26.3):
 *
 *	NMI exiting  virtual NMIs
 *	     0            0        NMIs are the guest's; its IRET unblocks them
 *	     1            0        they exit, but not while blocked, and
 *	                           the guest's IRET changes nothing
 *	     1            1        they exit always; what is blocked is the NMIs
 *	                           that the hypervisor injects
 *
 * SVM only intercepts, with the NMI left pending, and its IRET always unblocks.
 * So every NMI is intercepted and swallowed: taken by a gate that drops the
 * frame, after which the processor itself blocks the next one.  Is it to wait,
 * we send ourselves another: it stays pending, blocked, until an IRET, just
 * like the one that came.  The guest's IRETs are intercepted as long as any of
 * this matters.
 */
#include "hv/softvmx/svm_nmi.h"

#include "hv/softvmx/softvmx_run.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

/** NMIs exit, whether the guest can take one or not. */
static bool are_virtual(const struct softvmx_cpu *cpu)
{
	return cpu->pin_ctls & PIN_VIRTUAL_NMIS;
}

/** NMIs are the hypervisor's. */
static bool exit_at_all(const struct softvmx_cpu *cpu)
{
	return cpu->pin_ctls & PIN_NMI_EXITING;
}

/** See IRETs while one of them would change what we keep. */
static void update_intercept(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;

	control->intercept &= ~SVM_INTERCEPT_IRET;
	if (cpu->nmi_blocked || cpu->nmi_masked) {
		control->intercept |= SVM_INTERCEPT_IRET;
	}
}

/** Take the NMI that is pending: from now on the processor blocks them. */
static void swallow(struct softvmx_cpu *cpu)
{
	softvmx_run_swallow_nmi();
	cpu->nmi_masked = true;
}

/**
 * Make the processor block NMIs: there is no way but to take one.  Should a
 * real one be pending, the two become one, as two always may.
 */
static void mask(struct softvmx_cpu *cpu)
{
	lapic_send_nmi(lapic_id());
	swallow(cpu);
}

/**
 * The host may have got here out of an NMI handler, or after an NMI exit
 * without an IRET, so that the processor still blocks NMIs.  We cannot ask.
 */
void svm_nmi_enter(struct softvmx_cpu *cpu)
{
	softvmx_run_unmask_nmi();
	cpu->nmi_masked = false;
	cpu->iret_open = false;
	update_intercept(cpu);
}

/** An NMI that waits is handed over with the blocking: it is pending. */
void svm_nmi_leave(struct softvmx_cpu *cpu)
{
	if (cpu->nmi_blocked && !are_virtual(cpu) && !cpu->nmi_masked) {
		mask(cpu);
	}
}

void svm_nmi_block(struct softvmx_cpu *cpu)
{
	cpu->nmi_blocked = true;
	update_intercept(cpu);
}

enum svm_exit_verdict svm_nmi_arrive(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;

	svm_nmi_iret_undo(cpu);
	swallow(cpu);
	if (cpu->nmi_blocked && !are_virtual(cpu)) {
		lapic_send_nmi(lapic_id());
		update_intercept(cpu);
		return SVM_RESUME;
	}
	if (exit_at_all(cpu)) {
		cpu->exit.intr_info =
			INTR_INFO_VALID | INTR_TYPE_NMI << 8 | VECTOR_NMI;
		return svm_exit_leave(cpu, EXIT_REASON_EXCEPTION_NMI);
	}
	control->event_inj =
		SVM_EVENT_VALID | SVM_EVENT_NMI << 8 | VECTOR_NMI;
	svm_nmi_block(cpu);
	return SVM_RESUME;
}

/** The processor must not block it for our having taken it; GIF still does. */
void svm_nmi_return(void)
{
	lapic_send_nmi(lapic_id());
	softvmx_run_unmask_nmi();
}

/** Executed by the processor, it unblocks them there whatever VMX says. */
enum svm_exit_verdict svm_nmi_iret(struct softvmx_cpu *cpu)
{
	cpu->nmi_masked = false;
	if (cpu->nmi_blocked && (are_virtual(cpu) || !exit_at_all(cpu))) {
		cpu->nmi_blocked = false;
		cpu->iret_open = true;
		cpu->iret_rip = cpu->guest->save.rip;
	}
	cpu->guest->control.intercept &= ~SVM_INTERCEPT_IRET;
	return SVM_RESUME;
}

bool svm_nmi_window_is_open(const struct softvmx_cpu *cpu)
{
	return (cpu->processor_ctls & CPU_NMI_WINDOW_EXITING) &&
	       !cpu->nmi_blocked;
}

bool svm_nmi_iret_is_open(const struct softvmx_cpu *cpu)
{
	return cpu->iret_open && cpu->guest->save.rip == cpu->iret_rip;
}

void svm_nmi_iret_done(struct softvmx_cpu *cpu)
{
	cpu->iret_open = false;
}

void svm_nmi_iret_undo(struct softvmx_cpu *cpu)
{
	if (svm_nmi_iret_is_open(cpu)) {
		cpu->iret_open = false;
		svm_nmi_block(cpu);
	}
}
