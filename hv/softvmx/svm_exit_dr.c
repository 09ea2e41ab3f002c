/** @file
 * Accesses to debug registers.
 *
 * "MOV-DR exiting" makes all of them exit, before everything else is looked at:
 * privilege, and CR4.DE for DR4 and DR5 (SDM 3C 26.1.3).  TCG checks those
 * first, so that some come here as #GP or #UD.
 *
 * Without it they are the guest's own affair, but for MOV to DR7, which is
 * carried out here; svm_breakpoint.c has the reason.
 */
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define DR_QUAL_MOV_FROM BIT(4)
#define OPCODE_MOV_FROM 0x21
#define OPCODE_MOV_TO 0x23

/** DR7: bit 10 is 1, bits 11, 12, 14 and 15 are 0 (SDM 3B 18.2.4). */
#define DR7_ZERO (BITS(12, 11) | BITS(15, 14))

bool svm_exit_dr_is_exit(const struct softvmx_cpu *cpu,
			 const struct svm_insn *insn)
{
	return (cpu->processor_ctls & CPU_MOV_DR_EXITING) &&
	       insn->map == INSN_MAP_0F && insn->reg < 8 &&
	       (insn->opcode == OPCODE_MOV_FROM ||
		insn->opcode == OPCODE_MOV_TO);
}

/** MOV to DR7 or its other name DR5: SDM 2B has its faults. */
static enum svm_exit_verdict write_dr7_of_guest(struct softvmx_cpu *cpu,
						const struct svm_insn *insn)
{
	struct vmcb_save *save = &cpu->guest->save;
	u64 value = svm_exit_gpr(cpu, insn->rm);

	if (insn->reg == 5 && (save->cr4 & CR4_DE)) {
		return svm_event_raise(cpu, VECTOR_UD, 0);
	}
	if (!softvmx_cpu_in_64bit(cpu)) {
		value = (u32)value;
	} else if (value >> 32) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	save->dr7 = (value & ~DR7_ZERO) | DR7_RESET;
	return svm_exit_skip(cpu, insn);
}

/* The qualification: register, direction, general register (SDM 3C 28.2.1). */
enum svm_exit_verdict svm_exit_dr_access(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!(cpu->processor_ctls & CPU_MOV_DR_EXITING)) {
		return write_dr7_of_guest(cpu, &insn);
	}
	cpu->exit.qualification = (insn.reg & 7) | (u64)insn.rm << 8;
	if (insn.opcode == OPCODE_MOV_FROM) {
		cpu->exit.qualification |= DR_QUAL_MOV_FROM;
	}
	return svm_exit_leave_insn(cpu, EXIT_REASON_DR_ACCESS, &insn);
}
