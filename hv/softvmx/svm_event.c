/** @file
 * Events on their way into the guest: injected, interrupted, merged.
 *
 * An event that is being delivered makes the processor read the IDT, the GDT
 * and the TSS and push to the stack, and each of those may exit.  VMX then says
 * which event was under way (IDT-vectoring information) and leaves RIP where it
 * was before it; the hypervisor injects it again.  SVM says the same in
 * EXITINTINFO, with three differences that are smoothed out here:
 *
 *   - a software interrupt is injected with RIP *behind* the instruction and
 *     without its length, so both are remembered (cpu->soft);
 *   - TCG calls every event that it delivers itself an exception;
 *   - an exception which we intercept, but the guest is to have, reaches us
 *     before the processor could merge it into a double fault: we do
 *     (svm_event_raise.c).
 */
#include "hv/softvmx/svm_event.h"

#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Bits 10:8 in EVENTINJ, EXITINTINFO, and VMX's interruption information. */
static unsigned int event_type(u32 info)
{
	return bits(info, 10, 8);
}

/** An EVENTINJ word without error code. */
static u32 make_event(unsigned int type, unsigned int vector)
{
	return SVM_EVENT_VALID | type << 8 | vector;
}

/** The last of the reserved exceptions, which nothing raises. */
#define VECTOR_LAST 31

/**
 * TCG 7.2 refuses to inject exception 31, though VMX may; an interrupt of that
 * vector arrives just the same.
 */
static u32 expressible(u32 info)
{
	u32 last = make_event(SVM_EVENT_EXCEPTION, VECTOR_LAST);

	return info == last ? make_event(SVM_EVENT_INTR, VECTOR_LAST) : info;
}

/*
 * SVM pushes RIP as it is, so it goes behind the instruction here, and comes
 * back if delivery fails (settle_soft_event()). INT1 is not checked against the
 * gate's DPL, as exceptions are not, and so is injected as one.
 */
void svm_event_inject_soft(struct softvmx_cpu *cpu, unsigned int vector,
			unsigned int type, unsigned int length)
{
	struct vmcb *guest = cpu->guest;
	bool privileged = type == INTR_TYPE_PRIV_SOFT_EXCEPTION;

	cpu->soft = (struct softvmx_soft_event){ .active = true,
						 .vector = vector,
						 .type = type,
						 .length = length,
						 .rip = guest->save.rip };
	guest->save.rip += length;
	guest->control.event_inj = make_event(
		privileged ? SVM_EVENT_EXCEPTION : SVM_EVENT_SOFT, vector);
}

/**
 * SDM 3C 27.7.3: what is pending is delivered before the first instruction,
 * unless blocking by MOV SS or STI delays it; then TF, which the entry checks
 * have seen set, makes the trap behind the next instruction.
 */
static enum svm_exit_verdict load_pending_debug(struct softvmx_cpu *cpu)
{
	u64 pending = vmcs_memory_get(cpu, GUEST_PENDING_DBG_EXCEPTIONS);

	if (likely(!(pending & (SVM_DR6_BS |
				SVM_PENDING_ENABLED_BREAKPOINT))) ||
	    cpu->guest->control.interrupt_shadow) {
		return SVM_RESUME;
	}
	cpu->exit = (struct softvmx_exit){ 0 };
	cpu->guest->control.exit_int_info = 0;
	cpu->guest->save.dr6 |=
		pending & (SVM_DR6_BS | SVM_DR6_BREAKPOINTS);
	return svm_event_raise(cpu, VECTOR_DB, 0);
}

/*
 * Types, vector and the bit for the error code are the same in both worlds, but
 * for those events that are instructions, and for the pending MTF exit (SDM 3C
 * 27.6.2), which needs no guest.
 */
enum svm_exit_verdict svm_event_load(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 info = vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO);

	control->event_inj = 0;
	cpu->soft.active = false;
	if (!(info & INTR_INFO_VALID)) {
		return load_pending_debug(cpu);
	}
	switch (event_type(info)) {
	case INTR_TYPE_OTHER:
		cpu->exit = (struct softvmx_exit){ 0 };
		control->exit_int_info = 0;
		return svm_exit_leave(cpu, EXIT_REASON_MONITOR_TRAP_FLAG);
	case INTR_TYPE_SOFT_INTERRUPT:
	case INTR_TYPE_PRIV_SOFT_EXCEPTION:
	case INTR_TYPE_SOFT_EXCEPTION:
		svm_event_inject_soft(
			cpu, info & INTR_INFO_VECTOR, event_type(info),
			vmcs_memory_get(cpu, VM_ENTRY_INSTRUCTION_LEN));
		break;
	default:
		control->event_inj =
			expressible(info & (BITS(11, 0) | BIT(31)));
		control->event_inj_error =
			vmcs_memory_get(cpu, VM_ENTRY_EXCEPTION_ERROR_CODE);
	}
	if (event_type(info) == INTR_TYPE_NMI) {
		svm_nmi_block(cpu);
	}
	return SVM_RESUME;
}

/** Undo expressible(), for an event that entry has injected. */
static bool was_last_exception(const struct softvmx_cpu *cpu, u32 info)
{
	return info == make_event(SVM_EVENT_INTR, VECTOR_LAST) &&
	       vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO) ==
		       make_event(SVM_EVENT_EXCEPTION, VECTOR_LAST);
}

/*
 * TCG calls what it delivers itself an exception, whatever it was. Vectors from
 * 32 on are interrupts, vector 2 is the NMI; software events keep their type.
 */
void svm_event_after_run(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 info = control->exit_int_info;
	unsigned int vector = info & SVM_EVENT_VECTOR;

	control->event_inj = 0;
	if (likely(!(info & SVM_EVENT_VALID))) {
		return;
	}
	if (event_type(info) == SVM_EVENT_EXCEPTION) {
		if (vector >= 32) {
			info &= ~SVM_EVENT_TYPE;
		} else if (vector == VECTOR_NMI) {
			info = make_event(SVM_EVENT_NMI, VECTOR_NMI);
		}
	} else if (unlikely(was_last_exception(cpu, info))) {
		info = make_event(SVM_EVENT_EXCEPTION, VECTOR_LAST);
	}
	control->exit_int_info = info;
}

/** Is the interrupted event the software event that we have injected? */
static bool is_our_soft_event(const struct softvmx_cpu *cpu)
{
	u32 info = cpu->guest->control.exit_int_info;

	return cpu->soft.active && (info & SVM_EVENT_VALID) &&
	       (info & SVM_EVENT_VECTOR) == cpu->soft.vector &&
	       cpu->guest->save.rip == cpu->soft.rip + cpu->soft.length;
}

/* A fault in its delivery leads back to the instruction (SDM 3A 6.5). */
void svm_event_forget_soft(struct softvmx_cpu *cpu)
{
	if (is_our_soft_event(cpu)) {
		cpu->guest->save.rip = cpu->soft.rip;
	}
	cpu->soft.active = false;
}

/**
 * The guest executed an INT n that we did not intercept, and its delivery was
 * interrupted: learn its length, which VMX tells with the event. INT3 and INTO
 * are exceptions for VMX (SDM 3C 25.9.3).
 */
static void adopt_soft_event(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;
	u8 vector = cpu->guest->control.exit_int_info & SVM_EVENT_VECTOR;
	u8 type = INTR_TYPE_SOFT_INTERRUPT;

	svm_decode_current(cpu, &insn);
	if (insn.opcode == 0xcc || insn.opcode == 0xce) {
		type = INTR_TYPE_SOFT_EXCEPTION;
	}
	cpu->soft = (struct softvmx_soft_event){ .active = true,
						 .vector = vector,
						 .type = type,
						 .length = insn.length,
						 .rip = cpu->guest->save.rip };
}

/** Put RIP back in front of an interrupted software event, and know it. */
static void settle_soft_event(struct softvmx_cpu *cpu)
{
	u32 info = cpu->guest->control.exit_int_info;

	if (is_our_soft_event(cpu)) {
		cpu->guest->save.rip = cpu->soft.rip;
	} else if (event_type(info) == SVM_EVENT_SOFT) {
		adopt_soft_event(cpu);
	} else {
		cpu->soft.active = false;
	}
}

/*
 * A new exception may have taken its place; then the old event has been merged
 * with it or is made again by the handler's return.
 */
void svm_event_reinject(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 info = control->exit_int_info;

	if (likely(!(info & SVM_EVENT_VALID))) {
		return;
	}
	if (control->event_inj & SVM_EVENT_VALID) {
		return;
	}
	settle_soft_event(cpu);
	if (cpu->soft.active) {
		svm_event_inject_soft(cpu, info & SVM_EVENT_VECTOR,
				   cpu->soft.type, cpu->soft.length);
		return;
	}
	control->event_inj = expressible(info);
	control->event_inj_error = control->exit_int_error;
}

/**
 * SDM 3C 28.3.3: RFLAGS are saved as the delivery would have pushed them, and
 * for a fault that is with RF set; not for what the hypervisor injects.
 */
static void record_resume_flag(struct softvmx_cpu *cpu, u32 info)
{
	bool injected = vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO) &
			INTR_INFO_VALID;

	if (event_type(info) == SVM_EVENT_EXCEPTION && !injected &&
	    (info & SVM_EVENT_VECTOR) != VECTOR_DB) {
		cpu->guest->save.rflags |= RFLAGS_RF;
	}
}

/*
 * SDM 3C 28.2.4: the event, its error code, and for those that are instructions
 * the length; the instruction length of the exit itself means nothing then.
 */
void svm_event_record(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 info = control->exit_int_info;

	if (likely(!(info & SVM_EVENT_VALID))) {
		return;
	}
	settle_soft_event(cpu);
	info &= SVM_EVENT_VALID | BITS(11, 0);
	cpu->exit.length = 0; /* unless the event has an instruction */
	if (cpu->soft.active) {
		info = (info & ~SVM_EVENT_TYPE) | (u32)cpu->soft.type << 8;
		cpu->exit.length = cpu->soft.length;
	} else {
		record_resume_flag(cpu, info);
	}
	cpu->exit.idt_info = info;
	cpu->exit.idt_error = control->exit_int_error;
}
