/** @file
 * Events: what interrupts the guest, and when.
 *
 * At most one event can be injected at an entry (SDM 3C 27.6).  It is queued in
 * vcpu->event and written into the VMCS by events_prepare().  Three kinds
 * compete for the place:
 *
 *	1. what was being delivered when an exit came in between: it has
 *	   happened already and comes first, unchanged
 *	2. an exception of the instruction that we did for the guest
 *	3. an NMI or an external interrupt (interrupts.c), when the guest can
 *	   take it; else we ask for an exit as soon as it can
 *
 * The processor clears the valid bit of what it has injected, so nothing has
 * to be taken back after an exit.
 */
#include "hv/vcpu/events.h"

#include "bus/errno.h"
#include "emulator/emulator.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define DR6_BS BIT(14)

/**
 * SDM 3A table 6-4: what a second exception makes of a first one that is still
 * being delivered (table 6-5):
 *
 *	first \ second   benign   contributory   page fault
 *	benign           second   second         second
 *	contributory     second   #DF            second
 *	page fault       second   #DF            #DF
 *	#DF              second   triple fault   triple fault
 *
 * "Second" means that it takes the place of the first: when its handler returns
 * the instruction is tried again, and the first comes again if it must.
 */
enum exception_class { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE_FAULT };

static enum exception_class class_of(u8 vector)
{
	switch (vector) {
	case VECTOR_DE:
	case 10: /* #TS */
	case 11: /* #NP */
	case VECTOR_SS:
	case VECTOR_GP:
		return CLASS_CONTRIBUTORY;
	case VECTOR_PF:
		return CLASS_PAGE_FAULT;
	default:
		return CLASS_BENIGN;
	}
}

/*
 * The words of the VMCS are used throughout (SDM 3C 25.8.3): bits 7:0 vector,
 * 10:8 type, 11 "has an error code", 31 valid.  Hence the shifts by 8.  A
 * software event also has the length of its instruction, as its handler returns
 * behind it; those come by events_requeue_info() only.
 */
void events_queue(struct vcpu *vcpu, u32 info, u32 error_code)
{
	vcpu->event.info = info | INTR_INFO_VALID;
	vcpu->event.error_code = error_code;
	vcpu->event.insn_len = 0;
	vcpu->work = true;
}

static void queue_double_fault(struct vcpu *vcpu)
{
	events_queue(vcpu,
	      EVENTS_VECTOR_DF | INTR_TYPE_HARD_EXCEPTION << 8 |
		      INTR_INFO_HAS_ERROR_CODE,
	      0);
}

/** Is a hardware exception queued, and which? */
static bool queued_exception(const struct vcpu *vcpu, u8 *vector)
{
	u32 info = vcpu->event.info;

	*vector = info & INTR_INFO_VECTOR;
	return (info & INTR_INFO_VALID) &&
	       (info & INTR_INFO_TYPE) >> 8 == INTR_TYPE_HARD_EXCEPTION;
}

bool events_inject(struct vcpu *vcpu, const struct exception *e)
{
	enum exception_class second = class_of(e->vector);
	u8 first;

	if (queued_exception(vcpu, &first) && second != CLASS_BENIGN) {
		if (first == EVENTS_VECTOR_DF) {
			return false;
		}
		if (class_of(first) == CLASS_PAGE_FAULT ||
		    (class_of(first) == CLASS_CONTRIBUTORY &&
		     second == CLASS_CONTRIBUTORY)) {
			queue_double_fault(vcpu);
			return true;
		}
	}
	if (e->vector == VECTOR_PF) {
		vcpu->guest_cr2 = e->address.v;
	}
	events_queue(vcpu,
	      e->vector | INTR_TYPE_HARD_EXCEPTION << 8 |
		      (e->has_error_code ? INTR_INFO_HAS_ERROR_CODE : 0),
	      e->error_code);
	return true;
}

/** These replace whatever is queued: their exits come with nothing queued. */
void events_inject_ud(struct vcpu *vcpu)
{
	events_queue(vcpu, VECTOR_UD | INTR_TYPE_HARD_EXCEPTION << 8, 0);
}

void events_inject_gp(struct vcpu *vcpu)
{
	events_queue(vcpu,
	      VECTOR_GP | INTR_TYPE_HARD_EXCEPTION << 8 |
		      INTR_INFO_HAS_ERROR_CODE,
	      0);
}

/**
 * An exit has come while an event was on its way to its handler.  The processor
 * tells which (SDM 3C 28.2.4), and it is to be delivered again from the start:
 * the interrupt controller has given it away and knows nothing of it any more.
 *
 * Bit 12 is "NMI unblocking due to IRET" here, and must be 0 there.
 */
void events_requeue_info(struct vcpu *vcpu, u32 info)
{
	vcpu->event.info = info & ~(u32)INTR_INFO_NMI_UNBLOCKING;
	vcpu->event.error_code = 0;
	if (info & INTR_INFO_HAS_ERROR_CODE) {
		vcpu->event.error_code = vmread(IDT_VECTORING_ERROR_CODE);
	}
	vcpu->event.insn_len = vmread(VM_EXIT_INSTRUCTION_LEN);
	vcpu->work = true;
}

/**
 * Injected as an exception, #DB does not touch DR6, so its BS bit is set here;
 * DR6 is not switched by VMX and holds the guest's value.
 */
void events_step_trap(struct vcpu *vcpu, u64 rflags)
{
	if (likely(!(rflags & RFLAGS_TF))) {
		return;
	}
	write_dr6(read_dr6() | DR6_BS);
	events_queue(vcpu, VECTOR_DB | INTR_TYPE_HARD_EXCEPTION << 8, 0);
}

static void trace_injection(struct vcpu *vcpu)
{
	u32 vector = vcpu->event.info & INTR_INFO_VECTOR;
	struct trace_record *r =
		trace_begin(vcpu->trace,
			    trace_head(vcpu->trace_tag, TRACE_KVM_INJ, vector));

	if (r) {
		r->a = vcpu->event.error_code;
	}
}

bool events_is_due(struct vcpu *vcpu)
{
	interrupts_take(vcpu);
	return vcpu->event.info & INTR_INFO_VALID;
}

/**
 * "software": INT n and its like may be made by a program at CPL 3, so the
 * gate's DPL is compared with CPL.  What the processor raises itself needs no
 * leave.
 */
void events_describe(const struct vcpu *vcpu, struct emul_event *out)
{
	const struct vcpu_event *event = &vcpu->event;
	u32 type = (event->info & INTR_INFO_TYPE) >> 8;

	out->vector = event->info & INTR_INFO_VECTOR;
	out->has_error_code = event->info & INTR_INFO_HAS_ERROR_CODE;
	out->error_code = event->error_code;
	out->software = type == INTR_TYPE_SOFT_INTERRUPT ||
			type == INTR_TYPE_SOFT_EXCEPTION;
	out->length = out->software ? event->insn_len : 0;
}

void events_delivered(struct vcpu *vcpu)
{
	trace_injection(vcpu);
	vcpu->count.injected++;
	vcpu->event.info = 0;
}

/** Real mode has no error codes, and an entry with one fails - SDM 3C
 * 27.2.1.3. */
static void write_error_code(struct vcpu_event *event)
{
	if (guest_mode_cr0() & CR0_PE) {
		vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, event->error_code);
	} else {
		event->info &= ~(u32)INTR_INFO_HAS_ERROR_CODE;
	}
}

/**
 * The event goes into the VMCS, and NMI blocking and such with it.
 *
 * What VM entry checks about it (SDM 3C 27.2.1.3): an error code where the
 * vector has one, and not in real mode; a length for software events.  And NMIs
 * must not be blocked if one is injected, as the injection is what blocks them
 * (SDM 3C 27.3.1.5); of one that was interrupted on its way they are already.
 */
static void write_event(struct vcpu *vcpu)
{
	struct vcpu_event *event = &vcpu->event;
	u32 type = (event->info & INTR_INFO_TYPE) >> 8;

	if (event->info & INTR_INFO_HAS_ERROR_CODE) {
		write_error_code(event);
	}
	if (type == INTR_TYPE_SOFT_INTERRUPT ||
	    type == INTR_TYPE_SOFT_EXCEPTION ||
	    type == INTR_TYPE_PRIV_SOFT_EXCEPTION) {
		vmwrite(VM_ENTRY_INSTRUCTION_LEN, event->insn_len);
	}
	if (type == INTR_TYPE_NMI) {
		vmwrite(GUEST_INTERRUPTIBILITY_STATE,
			vmread(GUEST_INTERRUPTIBILITY_STATE) &
				~INTERRUPTIBILITY_NMI);
	}
	vmwrite(VM_ENTRY_INTR_INFO, event->info);
	events_delivered(vcpu);
}

/*
 * Just before an entry, with interrupts off: what is chosen now is what the
 * guest gets.  A requeued event or an exception is in the place already, and
 * then interrupts_choose() asks for a window instead.
 */
void events_prepare(struct vcpu *vcpu)
{
	bool waits = interrupts_choose(vcpu);

	if (vcpu->event.info & INTR_INFO_VALID) {
		write_event(vcpu);
	}
	vcpu->work = waits;
}
