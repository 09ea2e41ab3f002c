/** @file
 * Events on their way into the guest: exceptions, interrupts, the TF trap.
 */
#ifndef HV_VCPU_EVENTS_H
#define HV_VCPU_EVENTS_H

#include "bus/types.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"

struct vcpu;
struct exception;
struct emul_event;

/** Vectors that code here names, beside enum emul_vector (SDM 3A 6.15). */
enum events_vector {
	EVENTS_VECTOR_NMI = 2,
	EVENTS_VECTOR_DF = 8,
	EVENTS_VECTOR_MC = 18,
};

/** Queue an event, in the place of any other. @param info without bit 31 */
void events_queue(struct vcpu *vcpu, u32 info, u32 error_code);

/**
 * Queue an exception for the next entry.
 *
 * Meets an exception which is queued already by the rules of SDM 3A 6.15,
 * table 6-5: two contributory ones, or a page fault and one of either kind,
 * become a double fault; one in a double fault's delivery shuts down.
 * @param e vector, error code, and CR2 for a page fault
 * @return false: that was a triple fault, the guest is to be shut down
 */
bool events_inject(struct vcpu *vcpu, const struct exception *e) __must_check;

/** The exceptions that instructions meet most: #UD, and #GP(0). */
void events_inject_ud(struct vcpu *vcpu);
void events_inject_gp(struct vcpu *vcpu);

/** events_requeue() when there is something. @param info IDT_VECTORING_INFO */
void events_requeue_info(struct vcpu *vcpu, u32 info);

/**
 * Queue again what was being delivered when this exit came in between
 * (IDT_VECTORING_INFO, SDM 3C 28.2.4).
 * @return true if there was something
 */
static inline bool events_requeue(struct vcpu *vcpu)
{
	u32 info = vmread(IDT_VECTORING_INFO);

	if (likely(!(info & INTR_INFO_VALID))) {
		return false;
	}
	events_requeue_info(vcpu, info);
	return true;
}

/**
 * The single-step trap after an instruction that was done for the guest.
 * @param rflags as they were when the instruction began
 */
void events_step_trap(struct vcpu *vcpu, u64 rflags);

/**
 * Write what is to be injected into the VMCS; just before entry, when
 * vcpu->work is set.
 */
void events_prepare(struct vcpu *vcpu);

/**
 * Is there an event to be delivered before the next instruction?  An external
 * interrupt that waits is queued if it can be.  For who delivers it himself.
 * @return vcpu->event is it
 */
bool events_is_due(struct vcpu *vcpu) __must_check;

/** What is queued, in the emulator's words.  @param out is filled */
void events_describe(const struct vcpu *vcpu, struct emul_event *out);

/** What was queued has been delivered: count it, forget it. */
void events_delivered(struct vcpu *vcpu);

#endif
