/** @file
 * One instruction with RFLAGS.TF set, without the guest's noticing.
 *
 * The trap behind the instruction is ours to take (#DB is intercepted), and TF
 * is in RFLAGS only as long as the instruction runs.  Some instructions touch
 * it all the same:
 *
 *	PUSHF, SYSCALL  store RFLAGS    our TF is taken out of what they stored
 *	POPF, IRET      load RFLAGS     what they loaded is the guest's own
 *	SYSRET          loads from R11  R11 gets a TF for the time being
 *
 * If the guest has TF set itself, all of it is as it would be anyway, and the
 * trap is its own as well: it stays pending (svm_step.c).
 */
#include "hv/softvmx/svm_step_tf.h"

#include "hv/softvmx/svm_decode.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Everything that may be intercepted among the 32 exceptions. */
#define ALL_EXCEPTIONS BITS(31, 0)

/**
 * What an instruction does with RFLAGS.TF: nothing, store it, load it from the
 * stack, keep it in R11, take it from R11.
 */
enum flag_use { USE_NONE, USE_PUSHF, USE_LOAD, USE_SYSCALL, USE_SYSRET };

/**
 * The instruction at RIP; one that cannot be fetched will fault anyway.
 * SYSENTER leaves TF alone, and a task switch exits.
 */
static enum flag_use classify(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!insn.length) {
		return USE_NONE;
	}
	if (insn.map == INSN_MAP_0F) {
		return insn.opcode == 0x05 ? USE_SYSCALL :
		       insn.opcode == 0x07 ? USE_SYSRET :
					     USE_NONE;
	}
	if (insn.map != INSN_MAP_ONE) {
		return USE_NONE;
	}
	switch (insn.opcode) {
	case 0x9c:
		return USE_PUSHF;
	case 0x9d: /* POPF */
	case 0xcf: /* IRET */
		return USE_LOAD;
	default:
		return USE_NONE;
	}
}

/**
 * TF, and intercepts for whatever would save RFLAGS while it is ours. SYSCALL
 * clears what SFMASK says and SYSRET takes RFLAGS from R11; the trap comes only
 * if TF is set when they are done (APM 3, SYSCALL). BS must be clear now to
 * mean something afterwards.
 */
void svm_step_tf_arm(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;

	cpu->step.use = classify(cpu);
	save->rflags |= RFLAGS_TF;
	save->dr6 &= ~(SVM_DR6_BREAKPOINTS | SVM_DR6_BS);
	if (cpu->step.use == USE_SYSCALL) {
		save->sfmask &= ~RFLAGS_TF;
	} else if (cpu->step.use == USE_SYSRET) {
		cpu->gpr[GPR_R11] |= RFLAGS_TF;
	}
	control->intercept |= SVM_INTERCEPT_INTN | SVM_INTERCEPT_INTR;
	control->intercept_exceptions = ALL_EXCEPTIONS;
	if (cpu->step.over) {
		control->intercept &= ~SVM_INTERCEPT_LTR;
	}
}

/**
 * Our TF in the RFLAGS image that PUSHF has just stored: bit 8, hence bit 0 of
 * the second byte, whatever the operand size. The guest has just written there,
 * so the page is mapped.
 */
static void clear_pushed_flag(struct softvmx_cpu *cpu)
{
	const struct vmcb_segment *ss =
		vmcb_segments_get(cpu->guest, VMCB_SS);
	u64 at = cpu->guest->save.rsp;
	u8 *second_byte;

	if (!softvmx_cpu_in_64bit(cpu)) {
		at &= ss->attributes & SVM_SEG_DB ? BITS(31, 0) : BITS(15, 0);
		at = (u32)(at + ss->base);
	}
	second_byte = svm_walk_pointer(cpu, gva(at + 1));
	if (second_byte) {
		*second_byte &= ~(u8)(RFLAGS_TF >> 8);
	}
}

/** Put bit TF of `from` into `*flags`. */
static void copy_flag(u64 *flags, u64 from)
{
	*flags = (*flags & ~RFLAGS_TF) | (from & RFLAGS_TF);
}

/**
 * What a completed instruction has made of a TF that was not the guest's. POPF
 * and IRET have loaded the guest's own; a page fault in the middle of one has
 * not completed it.
 */
static void settle_flag(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;
	u64 own = cpu->step.rflags;

	switch ((enum flag_use)cpu->step.use) {
	case USE_LOAD:
		return;
	case USE_SYSRET:
		own = cpu->step.r11;
		break;
	case USE_SYSCALL:
		copy_flag(&cpu->gpr[GPR_R11], own);
		own &= ~cpu->step.sfmask;
		break;
	case USE_PUSHF:
		if (!(own & RFLAGS_TF)) {
			clear_pushed_flag(cpu);
		}
		break;
	case USE_NONE:
		break;
	}
	copy_flag(&save->rflags, own);
}

/**
 * The debug traps that the instruction would have made for the guest: the
 * single step if TF was its own, and data breakpoints, which count if DR7
 * enables one of them (SDM 3C table 25-4).
 */
static u64 debug_traps(const struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u64 pending = save->dr6 & SVM_DR6_BREAKPOINTS;

	for (unsigned int i = 0; i < 4; i++) {
		if ((pending & BIT(i)) &&
		    (save->dr7 & BITS(2 * i + 1, 2 * i))) {
			pending |= SVM_PENDING_ENABLED_BREAKPOINT;
		}
	}
	if (!(pending & SVM_PENDING_ENABLED_BREAKPOINT)) {
		pending = 0;
	}
	return cpu->step.rflags & RFLAGS_TF ? pending | SVM_DR6_BS : pending;
}

/**
 * Undo svm_step_tf_arm(). Only a trap of TF has BS set in DR6: then the
 * instruction is done. A #DB without it is a fault, by an instruction
 * breakpoint, and goes its usual way.
 */
void svm_step_tf_disarm(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;
	u32 trap = SVM_EXIT_EXCEPTION + VECTOR_DB;

	cpu->step.done = control->exit_code == trap && (save->dr6 & SVM_DR6_BS);
	control->intercept_exceptions = cpu->step.exceptions;
	if (cpu->step.done) {
		settle_flag(cpu);
		cpu->step.pending = debug_traps(cpu);
		save->dr6 = cpu->step.dr6;
	} else {
		copy_flag(&save->rflags, cpu->step.rflags);
		save->dr6 |= cpu->step.dr6;
	}
	save->sfmask = cpu->step.sfmask;
	if (cpu->step.use == USE_SYSRET) {
		cpu->gpr[GPR_R11] = cpu->step.r11;
	}
}
