/** @file
 * #VMEXITs for instructions that need little more than their length.
 *
 * VMX reports the length so that the hypervisor can step over the instruction.
 * SVM under QEMU does not even say where the next instruction is (no NRIPS), so
 * each is decoded.  TCG shares an intercept between INVD and WBINVD and between
 * RDTSC and RDTSCP; the opcode tells them apart.
 */
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_operand.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/**
 * A VM exit with nothing but the instruction's length (SDM 3C 26.1.2, 26.1.3).
 */
static enum svm_exit_verdict plain(struct softvmx_cpu *cpu,
				enum exit_reason reason)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	return svm_exit_leave_insn(cpu, reason, &insn);
}

/* Unconditional in both worlds' VMX, and by far the most frequent one. */
enum svm_exit_verdict svm_exit_insn_cpuid(struct softvmx_cpu *cpu)
{
	return plain(cpu, EXIT_REASON_CPUID);
}

enum svm_exit_verdict svm_exit_insn_invd(struct softvmx_cpu *cpu)
{
	return plain(cpu, EXIT_REASON_INVD);
}

enum svm_exit_verdict svm_exit_insn_rdpmc(struct softvmx_cpu *cpu)
{
	return plain(cpu, EXIT_REASON_RDPMC);
}

enum svm_exit_verdict svm_exit_insn_pause(struct softvmx_cpu *cpu)
{
	return plain(cpu, EXIT_REASON_PAUSE);
}

/** MONITOR and MWAIT with one of the prefixes that make another opcode of them,
 * which TCG does not look at: there is none. */
static enum svm_exit_verdict without_prefix(struct softvmx_cpu *cpu,
					    enum exit_reason reason)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (insn.repeat || insn.has_66) {
		return svm_event_raise(cpu, VECTOR_UD, 0);
	}
	return svm_exit_leave_insn(cpu, reason, &insn);
}

enum svm_exit_verdict svm_exit_insn_monitor(struct softvmx_cpu *cpu)
{
	return without_prefix(cpu, EXIT_REASON_MONITOR);
}

/** SDM 3C table 28-9 has the qualification: is the monitor armed? */
enum svm_exit_verdict svm_exit_insn_mwait(struct softvmx_cpu *cpu)
{
	cpu->exit.qualification =
		cpu->guest->control.exit_code == SVM_EXIT_MWAIT_ARMED;
	return without_prefix(cpu, EXIT_REASON_MWAIT);
}

/**
 * Always intercepted, as the activity state must be known afterwards. Without
 * HLT exiting it is carried out: the next VMRUN waits first (svm_halt.c).
 */
enum svm_exit_verdict svm_exit_insn_hlt(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (cpu->processor_ctls & CPU_HLT_EXITING) {
		return svm_exit_leave_insn(cpu, EXIT_REASON_HLT, &insn);
	}
	cpu->halt = true;
	return svm_exit_skip(cpu, &insn);
}

/**
 * TCG's WBINVD intercept is INVD's as well: 0F 09 and 0F 08. INVD always exits;
 * WBINVD that does not is carried out.
 */
enum svm_exit_verdict svm_exit_insn_wbinvd(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (insn.opcode == 0x08) {
		return svm_exit_leave_insn(cpu, EXIT_REASON_INVD, &insn);
	}
	if (cpu->processor_ctls2 & CPU2_WBINVD_EXITING) {
		return svm_exit_leave_insn(cpu, EXIT_REASON_WBINVD, &insn);
	}
	asm volatile("wbinvd" : : : "memory");
	return svm_exit_skip(cpu, &insn);
}

/** The qualification is the linear address (SDM 3C 28.2.1).  It is intercepted
 * also while translations are kept that the guest is about to invalidate. */
enum svm_exit_verdict svm_exit_insn_invlpg(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (!(cpu->processor_ctls & CPU_INVLPG_EXITING)) {
		svm_exit_flush(cpu);
		return svm_exit_skip(cpu, &insn);
	}
	cpu->exit.qualification = svm_operand_linear(cpu, &insn).v;
	return svm_exit_leave_insn(cpu, EXIT_REASON_INVLPG, &insn);
}

/**
 * TCG's RDTSC intercept is RDTSCP's as well: 0F 31 and 0F 01 F9. RDTSCP is #UD
 * unless it is enabled, so it must be seen; the RDTSC that is seen with it is
 * carried out, offset included (SDM 3C 26.3).
 */
enum svm_exit_verdict svm_exit_insn_rdtsc(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (insn.opcode == 0x01) {
		if (!(cpu->processor_ctls2 & CPU2_ENABLE_RDTSCP)) {
			return svm_event_raise(cpu, VECTOR_UD, 0);
		}
		return svm_exit_leave_insn(cpu, EXIT_REASON_RDTSCP, &insn);
	}
	if (!(cpu->processor_ctls & CPU_RDTSC_EXITING)) {
		u64 tsc = rdtsc() + cpu->guest->control.tsc_offset;

		cpu->gpr[GPR_RAX] = (u32)tsc;
		cpu->gpr[GPR_RDX] = tsc >> 32;
		return svm_exit_skip(cpu, &insn);
	}
	return svm_exit_leave_insn(cpu, EXIT_REASON_RDTSC, &insn);
}

/** SVM's own instructions do not exist in a VMX guest. */
enum svm_exit_verdict svm_exit_insn_undefined(struct softvmx_cpu *cpu)
{
	return svm_event_raise(cpu, VECTOR_UD, 0);
}
