/** @file
 * NMIs and external interrupts.
 *
 * Where they come from: without an irqchip, vcpu_interrupt() leaves one vector;
 * with one, an NMI is a signal of the local APIC, and an interrupt waits in its
 * IRR or behind the 8259s' line.  Whether the guest can take one is in the
 * VMCS:
 *
 *	interrupt  RFLAGS.IF, and neither STI nor MOV SS just before
 *	NMI        no NMI since the last IRET, and the same two
 *
 * If it cannot, the *window* exits tell when it can (SDM 3C 26.2).  A local
 * APIC gives an interrupt away once: it is in service from then on, and what
 * comes in between its delivery and the first instruction of the handler is
 * events_requeue()'s.
 *
 * When more than one waits the NMI goes first, as on a processor (SDM 3A 6.9),
 * then the 8259s' interrupt, then the APIC's by its own priority. One event is
 * injected at an entry; `event` being taken is what is_free() asks, and whoever
 * does not fit asks for a window and comes next.
 */
#include "hv/vcpu/interrupts.h"

#include "hv/vcpu/events.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define SHADOWS (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)

/**
 * A VMWRITE costs tens of cycles, and on a hypervisor below us far more; so
 * vcpu->window and nmi_window remember what the control is, and nothing is
 * written that has not changed.
 */
static void set_control(u32 bit, bool on)
{
	u64 controls = vmread(CPU_BASED_VM_EXEC_CONTROL);

	vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		on ? controls | bit : controls & ~(u64)bit);
}

static void set_window(struct vcpu *vcpu, bool on)
{
	if (vcpu->window != on) {
		set_control(CPU_INTERRUPT_WINDOW_EXITING, on);
		vcpu->window = on;
	}
}

static void set_nmi_window(struct vcpu *vcpu, bool on)
{
	if (vcpu->nmi_window != on) {
		set_control(CPU_NMI_WINDOW_EXITING, on);
		vcpu->nmi_window = on;
	}
}

/*
 * The window's control is switched off at once: left on, it would make every
 * entry with IF set exit again before the first instruction.
 */
void interrupts_window_open(struct vcpu *vcpu)
{
	set_window(vcpu, false);
	vcpu->work = true;
}

void interrupts_nmi_window_open(struct vcpu *vcpu)
{
	set_nmi_window(vcpu, false);
	vcpu->work = true;
}

/**
 * The bit means nothing without virtual NMIs, or while an event was being
 * delivered: VMX leaves it undefined then.
 */
void interrupts_block_nmi_again(struct vcpu *vcpu, bool unblocked)
{
	if (unblocked && vcpu->virtual_nmis &&
	    !(vcpu->event.info & INTR_INFO_VALID)) {
		vmwrite(GUEST_INTERRUPTIBILITY_STATE,
			vmread(GUEST_INTERRUPTIBILITY_STATE) |
				INTERRUPTIBILITY_NMI);
		vcpu->work = true;
	}
}

static bool is_free(const struct vcpu *vcpu)
{
	return !(vcpu->event.info & INTR_INFO_VALID);
}

/**
 * The processor checks the same at entry, and refuses to inject into a guest
 * that could not take it (SDM 3C 27.3.1.4 and 27.3.1.5). STI holds off
 * interrupts for one instruction, so that `sti; hlt` cannot be cut in two; MOV
 * SS so that the stack's other half can be loaded.
 */
static bool can_interrupt(void)
{
	return (vmread(GUEST_RFLAGS) & RFLAGS_IF) &&
	       !(vmread(GUEST_INTERRUPTIBILITY_STATE) & SHADOWS);
}

static void queue_interrupt(struct vcpu *vcpu, u8 vector)
{
	events_queue(vcpu, vector | INTR_TYPE_EXTERNAL << 8, 0);
}

/* The local APIC ----------------------------------------------------------- */

static bool nmi_waits(const struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->apic->signals) & VLAPIC_SIGNAL_NMI;
}

/** Not a vector: the 8259s have one. */
#define OF_THE_8259S 256

/**
 * What waits to be taken.  The 8259s come first: they have no priority among
 * the APIC's vectors.
 * @return a vector of the APIC's, OF_THE_8259S, or -1
 */
static int waiting(const struct vcpu *vcpu)
{
	return vlapic_extint(vcpu->apic) ? OF_THE_8259S
					 : vlapic_pending(vcpu->apic);
}

static bool can_nmi(void)
{
	return !(vmread(GUEST_INTERRUPTIBILITY_STATE) &
		 (SHADOWS | INTERRUPTIBILITY_NMI));
}

/**
 * The signal is taken before it is queued: an NMI that comes from now on is
 * another one, and one may wait while one is being handled, as on a processor.
 */
static void take_nmi(struct vcpu *vcpu)
{
	__atomic_fetch_and(&vcpu->apic->signals, ~(u32)VLAPIC_SIGNAL_NMI,
			   __ATOMIC_SEQ_CST);
	events_queue(vcpu, EVENTS_VECTOR_NMI | INTR_TYPE_NMI << 8, 0);
}

/**
 * From here it cannot go back: it is in service in the APIC, or the 8259 has
 * given its vector. If it does not get to the guest with the next entry,
 * events_requeue() keeps it.
 */
static void take_interrupt(struct vcpu *vcpu, int vector)
{
	if (vector == OF_THE_8259S) {
		queue_interrupt(vcpu, irqchip_acknowledge(vcpu));
		return;
	}
	vlapic_take(vcpu->apic, vector);
	queue_interrupt(vcpu, vector);
}

/** The NMI first; an interrupt then finds that nothing is free. */
static void take_of_apic(struct vcpu *vcpu)
{
	int vector;

	if (nmi_waits(vcpu) && is_free(vcpu) && can_nmi()) {
		take_nmi(vcpu);
	}
	vector = waiting(vcpu);
	if (vector >= 0 && is_free(vcpu) && can_interrupt()) {
		take_interrupt(vcpu, vector);
	}
}

/** Without virtual NMIs there is no such window: we look at each entry. */
static bool ask_for_windows(struct vcpu *vcpu)
{
	bool nmi = nmi_waits(vcpu);

	set_window(vcpu, waiting(vcpu) >= 0);
	if (vcpu->virtual_nmis) {
		set_nmi_window(vcpu, nmi);
	}
	return nmi && !vcpu->virtual_nmis;
}

/* ... or none -------------------------------------------------------------- */

static void take_single(struct vcpu *vcpu)
{
	if (vcpu->irq && is_free(vcpu) && can_interrupt()) {
		queue_interrupt(vcpu, vcpu->irq & INTR_INFO_VECTOR);
		vcpu->irq = 0;
	}
}

void interrupts_take(struct vcpu *vcpu)
{
	if (vcpu->apic) {
		take_of_apic(vcpu);
	} else {
		take_single(vcpu);
	}
}

/*
 * Without an irqchip a vector stays in vcpu->irq until it fits: the answer
 * "look again" keeps `work` set for it.
 */
bool interrupts_choose(struct vcpu *vcpu)
{
	interrupts_take(vcpu);
	if (vcpu->apic) {
		return ask_for_windows(vcpu);
	}
	if (vcpu->irq) {
		set_window(vcpu, true);
	}
	return vcpu->irq;
}

/*
 * HLT ends with what would be taken, not with what merely waits: with IF clear
 * an interrupt does not wake a processor (SDM 2A HLT).
 */
bool interrupts_wake(const struct vcpu *vcpu)
{
	return !is_free(vcpu) || (nmi_waits(vcpu) && can_nmi()) ||
	       (waiting(vcpu) >= 0 && can_interrupt());
}
