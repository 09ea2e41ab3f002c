/** @file
 * Task switches, which a VMX guest cannot make without an exit (SDM 3C 26.4.2).
 *
 * SVM has an intercept for them (APM 2 15.14.1) which TCG 7.2 ignores: the
 * switch is made.  But the first thing it does is to store to the current TSS,
 * and apart from switches nobody stores there but the guest's own software:
 *
 *	32-bit guest --> the page with its TSS is read-only in the shadow
 *	store there  --> at the TSS' first byte, by a far JMP or CALL, an IRET
 *	                 or while an event is delivered: a task switch, exit 9
 *	             --> else the guest's own: it gets the page for the one
 *	                 instruction (svm_step.c)
 *
 * Long mode has no task switches, so 64-bit guests pay nothing.
 *
 * LTR is watched in every guest: it changes what must be watched, and TCG takes
 * a null selector.  The next exception would then end QEMU itself ("invalid
 * tss"), with all guests.
 */
#include "hv/softvmx/svm_task.h"

#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_operand.h"
#include "hv/softvmx/svm_fetch.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/** Bits 31:30 of the qualification (SDM 3C table 28-2). */
enum source { SOURCE_CALL, SOURCE_IRET, SOURCE_JMP, SOURCE_GATE };

/* Descriptors (SDM 3A 3.5): the type in bits 43:40, 0 in bit 44. */
#define DESCRIPTOR_SYSTEM_MASK BIT(44)
#define TYPE_TSS16 1
#define TYPE_TASK_GATE 5
#define TYPE_TSS32 9

#define SELECTOR_LDT BIT(2)
#define SELECTOR_INDEX BITS(15, 3)
#define GATE_SIZE 8

/**
 * Protected mode without long mode, and a TSS; with EPT, since the shadow is
 * what stops it.
 */
static bool can_switch(const struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;

	return (save->cr0 & CR0_PE) && !(save->efer & EFER_LMA) &&
	       (cpu->processor_ctls2 & CPU2_ENABLE_EPT) &&
	       (save->tr.attributes & SVM_SEG_P);
}

/* At each VMRUN of such a guest, since it may move its tables. */
void svm_task_watch(struct softvmx_cpu *cpu)
{
	u32 base = cpu->guest->save.tr.base;
	struct svm_walk walk;
	bool watched = false;

	if (can_switch(cpu)) {
		svm_walk_translate(cpu, gva(base), &walk);
		watched = walk.end == SVM_WALK_MAPPED;
	}
	if (watched && !(cpu->task.watched && cpu->task.tss.v == walk.gpa.v)) {
		cpu->task.tss = walk.gpa;
		ept_shadow_forget(cpu->shadow, walk.gpa);
		svm_exit_flush(cpu);
	}
	cpu->task.watched = watched;
}

/** An 8-byte descriptor of one of the guest's tables; 0 beyond its end. */
static u64 read_descriptor(struct softvmx_cpu *cpu,
			   const struct vmcb_segment *table, u32 offset)
{
	u8 bytes[8] = { 0 };
	u64 descriptor = 0;

	if (offset + 7 <= table->limit &&
	    svm_fetch_bytes(cpu, gva((u32)(table->base + offset)), bytes,
			   sizeof(bytes)) == sizeof(bytes)) {
		memcpy(&descriptor, bytes, sizeof(descriptor));
	}
	return descriptor;
}

/**
 * The task behind a descriptor. VMX reports the TSS, also when a task gate was
 * on the way.
 * @param selector the descriptor's own; for a task gate, that of its TSS
 * @return whether it is a task at all
 */
static bool leads_to_task(u64 descriptor, u16 *selector)
{
	unsigned int type = bits(descriptor, 43, 40);

	if (descriptor & DESCRIPTOR_SYSTEM_MASK) {
		return false;
	}
	if (type == TYPE_TASK_GATE) {
		*selector = bits(descriptor, 31, 16);
		return true;
	}
	return type == TYPE_TSS16 || type == TYPE_TSS32;
}

/**
 * The selector of a far pointer: behind its offset, in memory or in the last
 * two bytes of the instruction itself.
 */
static u16 far_selector(struct softvmx_cpu *cpu, const struct svm_insn *insn)
{
	u64 at = cpu->guest->save.cs.base + cpu->guest->save.rip +
		 insn->length - 2;
	u16 selector = 0;
	u8 bytes[2];

	if (insn->has_memory) {
		at = svm_operand_linear(cpu, insn).v + insn->operand_size;
	}
	if (svm_fetch_bytes(cpu, gva((u32)at), bytes, 2) == 2) {
		memcpy(&selector, bytes, 2);
	}
	return selector;
}

/**
 * By an instruction: far JMP (EA, FF /5), far CALL (9A, FF /3), IRET with NT
 * set, which goes back to the task whose selector is in the TSS (SDM 3A 7.3).
 */
static bool find_by_insn(struct softvmx_cpu *cpu, const struct svm_insn *insn,
			 u16 *selector, enum source *source)
{
	const struct vmcb_save *save = &cpu->guest->save;
	bool group5 = insn->opcode == 0xff && insn->has_memory;
	u8 link[2];
	gva_t at;

	if (insn->map != INSN_MAP_ONE || !insn->length) {
		return false;
	}
	if (insn->opcode == 0xcf && (save->rflags & RFLAGS_NT)) {
		*source = SOURCE_IRET;
		at = gva((u32)save->tr.base);
		if (svm_fetch_bytes(cpu, at, link, 2) < 2) {
			return false;
		}
		memcpy(selector, link, 2);
		return true;
	}
	if (insn->opcode == 0xea || (group5 && (insn->reg & 7) == 5)) {
		*source = SOURCE_JMP;
	} else if (insn->opcode == 0x9a || (group5 && (insn->reg & 7) == 3)) {
		*source = SOURCE_CALL;
	} else {
		return false;
	}
	*selector = far_selector(cpu, insn);
	return leads_to_task(
		read_descriptor(cpu,
				*selector & SELECTOR_LDT ? &save->ldtr :
							   &save->gdtr,
				*selector & SELECTOR_INDEX),
		selector);
}

/** By an event whose gate in the IDT is a task gate. */
static bool find_by_event(struct softvmx_cpu *cpu, u16 *selector)
{
	u32 info = cpu->guest->control.exit_int_info;
	u32 offset = (info & SVM_EVENT_VECTOR) * GATE_SIZE;
	u64 gate = read_descriptor(cpu, &cpu->guest->save.idtr, offset);

	return (info & SVM_EVENT_VALID) &&
	       bits(gate, 43, 40) == TYPE_TASK_GATE &&
	       leads_to_task(gate, selector);
}

static enum svm_exit_verdict leave(struct softvmx_cpu *cpu, u16 selector,
				   enum source source)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	cpu->exit.qualification = selector | (u64)source << 30;
	return svm_exit_leave_insn(cpu, EXIT_REASON_TASK_SWITCH, &insn);
}

/*
 * The first byte of the TSS is where a switch stores first; nobody else has
 * business there, but he may.
 */
enum svm_exit_verdict svm_task_store(struct softvmx_cpu *cpu, gpa_t address)
{
	enum source source = SOURCE_GATE;
	struct svm_insn insn;
	u16 selector = 0;

	if (address.v == cpu->task.tss.v) {
		svm_decode_current(cpu, &insn);
		if (find_by_event(cpu, &selector) ||
		    (!(cpu->guest->control.exit_int_info & SVM_EVENT_VALID) &&
		     find_by_insn(cpu, &insn, &selector, &source))) {
			return leave(cpu, selector, source);
		}
	}
	cpu->step.over = true;
	ept_shadow_forget(cpu->shadow, address);
	return SVM_RESUME;
}

/* Executed by the processor; the next VMRUN finds the new TSS. */
enum svm_exit_verdict svm_task_ltr(struct softvmx_cpu *cpu)
{
	cpu->task.loads = true;
	cpu->task.rip = cpu->guest->save.rip;
	cpu->task.tr = cpu->guest->save.tr;
	cpu->step.over = true;
	return SVM_RESUME;
}

/* A TR that is not present is never entered with (SDM 3C 27.3.1.2), so it is
 * this instruction that has made it so; one that faults leaves TR alone. */
bool svm_task_refuse_null(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;
	bool null = cpu->task.loads && !(save->tr.attributes & SVM_SEG_P);

	cpu->task.loads = false;
	if (null) {
		save->tr = cpu->task.tr;
		save->rip = cpu->task.rip;
	}
	return null;
}

/*
 * The translation that let the instruction store is dropped, from SVM's TLB
 * too.
 */
void svm_task_end_store(struct softvmx_cpu *cpu)
{
	if (cpu->step.over) {
		cpu->step.over = false;
		ept_shadow_forget(cpu->shadow, cpu->task.tss);
		svm_exit_flush(cpu);
	}
}

/*
 * SVM says IRET and JMP in EXITINFO2 and leaves CALL and gates to be told apart
 * by whether an event was being delivered.
 */
enum svm_exit_verdict svm_task_switch(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	enum source source = SOURCE_CALL;

	if (control->exit_int_info & SVM_EVENT_VALID) {
		source = SOURCE_GATE;
	} else if (control->exit_info2 & SVM_TASK_BY_IRET) {
		source = SOURCE_IRET;
	} else if (control->exit_info2 & SVM_TASK_BY_JMP) {
		source = SOURCE_JMP;
	}
	return leave(cpu, control->exit_info1, source);
}
