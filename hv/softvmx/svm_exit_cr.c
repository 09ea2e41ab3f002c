/** @file
 * #VMEXITs for control and debug registers.
 *
 * SVM under TCG says which register was accessed, but not which general
 * register was the other operand (no decode assists, APM 2 15.33.1): the
 * instruction is decoded.  CR0 and CR4 are a story of their own
 * (svm_exit_crmask.c); CR3, CR8 and the debug registers exit or do not.
 */
#include "hv/softvmx/capabilities.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_exit_crmask.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Exit qualification of a CR access (SDM 3C table 28-3). */
#define CR_QUAL_MOV_FROM (1u << 4)

/** Exit qualification of a DR access (SDM 3C table 28-4). */

/** MOV to CR3 with this bit and CR4.PCIDE set keeps the TLB (SDM 3A 4.10.4). */
#define CR3_NO_FLUSH BIT(63)

/*
 * MOV to and from control registers takes 64 bits in 64-bit mode, without a REX
 * prefix, and else 32 (SDM 2B MOV CR).
 */
u64 svm_exit_gpr(const struct softvmx_cpu *cpu, unsigned int gpr)
{
	u64 value = cpu->gpr[gpr];

	return softvmx_cpu_in_64bit(cpu) ? value : (u32)value;
}

/*
 * RSP lives in the VMCB and is only copied into gpr[], so it is written twice.
 */
void svm_exit_set_gpr(struct softvmx_cpu *cpu, unsigned int gpr, u64 value)
{
	cpu->gpr[gpr] = softvmx_cpu_in_64bit(cpu) ? value : (u32)value;
	if (gpr == GPR_RSP) {
		cpu->guest->save.rsp = cpu->gpr[gpr];
	}
}

/**
 * A write of CR3: one of the CR3-target values passes (SDM 3C 25.6.7). Only as
 * many are looked at as the count says.
 */
static bool is_cr3_target(const struct softvmx_cpu *cpu, u64 value)
{
	unsigned int count = vmcs_memory_get(cpu, CR3_TARGET_COUNT);

	for (unsigned int i = 0; i < count; i++) {
		enum vmcs_field field = CR3_TARGET_VALUE0 + 2 * i;

		if (vmcs_memory_get(cpu, field) == value) {
			return true;
		}
	}
	return false;
}

/** SDM 2B MOV to CR: reserved bits of CR3 exist in long mode. */
static bool cr3_is_wrong(const struct softvmx_cpu *cpu, u64 value)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u64 reserved = BITS(62, 52) | capabilities_beyond_physical();

	if (!(save->cr4 & CR4_PCIDE)) {
		reserved |= CR3_NO_FLUSH;
	}
	return (save->efer & EFER_LMA) && (value & reserved);
}

/**
 * MOV to CR3 that VMX lets pass: carried out here. Whether translations are
 * kept (bit 63 of the value) is not asked: a processor may always forget.
 */
static enum svm_exit_verdict change_cr3(struct softvmx_cpu *cpu,
					const struct svm_insn *insn, u64 value)
{
	if (cr3_is_wrong(cpu, value)) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	cpu->guest->save.cr3 = value & ~CR3_NO_FLUSH;
	svm_exit_flush(cpu);
	return svm_exit_skip(cpu, insn);
}

/**
 * CR3 is intercepted when VMX asks for it, and while svm_tlb.c has put another
 * value into it. Only the first is an exit.
 */
static enum svm_exit_verdict access_cr3(struct softvmx_cpu *cpu,
					const struct svm_insn *insn, bool write)
{
	u32 control = write ? CPU_CR3_LOAD_EXITING : CPU_CR3_STORE_EXITING;
	u64 value = svm_exit_gpr(cpu, insn->rm);

	if (write && (!(cpu->processor_ctls & control) ||
		      is_cr3_target(cpu, value))) {
		return change_cr3(cpu, insn, value);
	}
	if (!(cpu->processor_ctls & control)) {
		svm_exit_set_gpr(cpu, insn->rm, cpu->guest->save.cr3);
		return svm_exit_skip(cpu, insn);
	}
	cpu->exit.qualification =
		3 | (write ? 0 : CR_QUAL_MOV_FROM) | (u64)insn->rm << 8;
	return svm_exit_leave_insn(cpu, EXIT_REASON_CR_ACCESS, insn);
}

/** CR8 is intercepted only when VMX asks for it. */
static enum svm_exit_verdict access_cr8(struct softvmx_cpu *cpu,
					const struct svm_insn *insn, bool write)
{
	cpu->exit.qualification =
		8 | (write ? 0 : CR_QUAL_MOV_FROM) | (u64)insn->rm << 8;
	return svm_exit_leave_insn(cpu, EXIT_REASON_CR_ACCESS, insn);
}

/*
 * The exit code has the register in its lower four bits, and 10h more for
 * writes. CLTS, LMSW and SMSW come by the same codes as CR0 (APM 2 appendix C).
 */
enum svm_exit_verdict svm_exit_cr_access(struct softvmx_cpu *cpu)
{
	unsigned int code = cpu->guest->control.exit_code;
	bool write = code >= SVM_EXIT_CR_WRITE;
	unsigned int cr = code & 0xf;
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	if (cr == 3) {
		return access_cr3(cpu, &insn, write);
	}
	if (cr == 8) {
		return access_cr8(cpu, &insn, write);
	}
	return write ? svm_exit_crmask_write(cpu, &insn, cr) :
		       svm_exit_crmask_read(cpu, &insn, cr);
}
