/** @file
 * CR0 and CR4, which VMX divides between guest and hypervisor bit by bit.
 *
 * Where the guest/host mask is 1 the bit is the hypervisor's: the guest reads
 * the read shadow there, and an attempt to change what it sees is a VM exit.
 * Where it is 0 the bit is the guest's own (SDM 3C 25.6.6, 26.1.3):
 *
 *	guest reads    (CR & ~mask) | (read shadow & mask)
 *	guest writes   exit if (value ^ read shadow) & mask, else
 *	               CR = (CR & mask) | (value & ~mask)
 *
 * SVM knows only "intercept", so every write comes here and is carried out
 * here, with the checks for which the processor would have raised #GP.
 */
#include "hv/softvmx/svm_exit_crmask.h"

#include "hv/softvmx/capabilities.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_operand.h"
#include "hv/softvmx/vmcb_controls.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/* Exit qualification of a CR access (SDM 3C table 28-3). */
#define CR_QUAL_CLTS (2u << 4)
#define CR_QUAL_LMSW (3u << 4)
#define CR_QUAL_LMSW_MEMORY BIT(6)

/** The bits of CR0 that LMSW can write; PE it can only set. */
#define LMSW_BITS (CR0_PE | CR0_MP | CR0_EM | CR0_TS)

/**
 * One of the instructions that share the intercepts of CR0: 0F 06 CLTS, 0F 01
 * /4 SMSW, 0F 01 /6 LMSW.
 * @param reg what ModRM.reg must be; negative: anything
 */
static bool is_insn(const struct svm_insn *insn, u8 opcode, int reg)
{
	return insn->map == INSN_MAP_0F && insn->opcode == opcode &&
	       (reg < 0 || (insn->reg & 7) == reg);
}

#define IS_CLTS(insn) is_insn(insn, 0x06, -1)
#define IS_SMSW(insn) is_insn(insn, 0x01, 4)
#define IS_LMSW(insn) is_insn(insn, 0x01, 6)

/** A VM exit for a CR access. */
static enum svm_exit_verdict leave(struct softvmx_cpu *cpu, u64 qualification,
				   const struct svm_insn *insn)
{
	cpu->exit.qualification = qualification;
	return svm_exit_leave_insn(cpu, EXIT_REASON_CR_ACCESS, insn);
}

/**
 * SMSW to a register: as many bits as its operand size. With 16 the rest of the
 * register stays, with 32 its upper half becomes 0.
 */
static void set_smsw_register(struct softvmx_cpu *cpu,
			      const struct svm_insn *insn, u64 value)
{
	if (insn->operand_size == 2) {
		value = (cpu->gpr[insn->rm] & ~0xffffull) | (u16)value;
	} else if (insn->operand_size == 4) {
		value = (u32)value;
	}
	svm_exit_set_gpr(cpu, insn->rm, value);
}

/**
 * SMSW: 16 bits to memory, or a register. It never exits, but its store may.
 */
static enum svm_exit_verdict smsw(struct softvmx_cpu *cpu,
				  const struct svm_insn *insn, u64 value)
{
	enum svm_exit_verdict verdict;
	struct svm_operand operand = {
		.linear = svm_operand_linear(cpu, insn),
		.value = value,
		.write = true,
	};

	if (!insn->has_memory) {
		set_smsw_register(cpu, insn, value);
	} else if (!svm_operand_move(cpu, &operand, &verdict)) {
		return verdict;
	}
	return svm_exit_skip(cpu, insn);
}

/*
 * What is intercepted is decided by vmcb_controls_update_cr(): reads that would
 * give the real value are not.
 */
enum svm_exit_verdict svm_exit_crmask_read(struct softvmx_cpu *cpu,
					   const struct svm_insn *insn,
					   unsigned int cr)
{
	u64 value = cr == 0 ? vmcb_controls_visible_cr0(cpu) :
			      vmcb_controls_visible_cr4(cpu);

	if (IS_SMSW(insn)) {
		return smsw(cpu, insn, value);
	}
	svm_exit_set_gpr(cpu, insn->rm, value);
	return svm_exit_skip(cpu, insn);
}

/**
 * Values of CR0 that raise #GP (SDM 2B MOV CR; 3A 4.1.1): bits that VMX fixes
 * to 1, PG without PE, NW without CD, leaving long mode by PG, and entering it
 * without PAE or from 64-bit code.
 */
static bool cr0_is_wrong(const struct softvmx_cpu *cpu, u64 value)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u64 must = capabilities_cr0_must_be_1(cpu->processor_ctls2);
	bool pg = value & CR0_PG, pe = value & CR0_PE;
	bool turns_on = pg && !(save->cr0 & CR0_PG);

	if ((value & must) != must || value >> 32) {
		return true;
	}
	if ((pg && !pe) || ((value & CR0_NW) && !(value & CR0_CD))) {
		return true;
	}
	if (!pg && softvmx_cpu_in_64bit(cpu)) {
		return true;
	}
	return turns_on && (save->efer & EFER_LME) &&
	       (!(save->cr4 & CR4_PAE) || (save->cs.attributes & SVM_SEG_L));
}

/**
 * CR0 gets a new value; paging on or off also moves EFER.LMA (SDM 3A 9.8.5).
 * What the guest may now see in CR0 without an exit may be another question
 * than before.
 */
static void set_cr0(struct softvmx_cpu *cpu, u64 value)
{
	struct vmcb_save *save = &cpu->guest->save;

	save->cr0 = value | CR0_ET;
	save->efer &= ~EFER_LMA;
	if ((value & CR0_PG) && (save->efer & EFER_LME)) {
		save->efer |= EFER_LMA;
	}
	svm_exit_flush(cpu);
	vmcb_controls_update_cr(cpu);
}

/**
 * MOV to CR0: an exit if a bit of the host's would change in what the guest
 * sees (SDM 3C 26.1.3), else the guest's own bits are written. Bits of the
 * host's stay as they are, whatever the guest sees.
 */
static enum svm_exit_verdict change_cr0(struct softvmx_cpu *cpu,
					const struct svm_insn *insn, u64 value)
{
	u64 mask = vmcs_memory_get(cpu, CR0_GUEST_HOST_MASK);
	u64 shadow = vmcs_memory_get(cpu, CR0_READ_SHADOW);
	u64 merged;

	if ((value ^ shadow) & mask) {
		return leave(cpu, (u64)insn->rm << 8, insn);
	}
	merged = (cpu->guest->save.cr0 & mask) | (value & ~mask);
	if (cr0_is_wrong(cpu, merged)) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	set_cr0(cpu, merged);
	return svm_exit_skip(cpu, insn);
}

/**
 * MOV to CR4: the same. VMXE is 1 in the VMCS and never in the VMCB; a guest
 * that owns it and clears it gets the #GP of a processor in VMX operation (SDM
 * 3C 24.8).
 */
static enum svm_exit_verdict change_cr4(struct softvmx_cpu *cpu,
					const struct svm_insn *insn, u64 value)
{
	u64 mask = vmcs_memory_get(cpu, CR4_GUEST_HOST_MASK);
	u64 shadow = vmcs_memory_get(cpu, CR4_READ_SHADOW);
	struct vmcb_save *save = &cpu->guest->save;
	bool long_mode = save->efer & EFER_LMA;
	u64 merged;

	if ((value ^ shadow) & mask) {
		return leave(cpu, 4 | (u64)insn->rm << 8, insn);
	}
	merged = ((save->cr4 | CR4_VMXE) & mask) | (value & ~mask);
	if ((merged & ~capabilities_read(IA32_VMX_CR4_FIXED1)) ||
	    !(merged & CR4_VMXE) || (long_mode && !(merged & CR4_PAE))) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	save->cr4 = merged & ~CR4_VMXE;
	svm_exit_flush(cpu);
	vmcb_controls_update_cr(cpu);
	return svm_exit_skip(cpu, insn);
}

/**
 * CLTS exits if TS is the host's and the guest sees it set; if the guest sees
 * it clear there is nothing to do (SDM 3C 26.1.3).
 */
static enum svm_exit_verdict clts(struct softvmx_cpu *cpu,
			       const struct svm_insn *insn)
{
	u64 mask = vmcs_memory_get(cpu, CR0_GUEST_HOST_MASK);
	u64 shadow = vmcs_memory_get(cpu, CR0_READ_SHADOW);

	if (mask & shadow & CR0_TS) {
		return leave(cpu, CR_QUAL_CLTS, insn);
	}
	if (!(mask & CR0_TS)) {
		set_cr0(cpu, cpu->guest->save.cr0 & ~CR0_TS);
	}
	return svm_exit_skip(cpu, insn);
}

/**
 * The source of LMSW.
 * @return true when it has been read; else *verdict says what came of it
 */
static bool read_lmsw(struct softvmx_cpu *cpu, const struct svm_insn *insn,
		      u16 *source, enum svm_exit_verdict *verdict)
{
	struct svm_operand operand = {
		.linear = svm_operand_linear(cpu, insn)
	};

	*source = cpu->gpr[insn->rm];
	if (!insn->has_memory) {
		return true;
	}
	if (!svm_operand_move(cpu, &operand, verdict)) {
		return false;
	}
	*source = operand.value;
	return true;
}

/** SDM 3C 26.1.3: LMSW exits if it would change a bit that is the host's. */
static enum svm_exit_verdict lmsw(struct softvmx_cpu *cpu,
				  const struct svm_insn *insn)
{
	u64 mask = vmcs_memory_get(cpu, CR0_GUEST_HOST_MASK);
	u64 shadow = vmcs_memory_get(cpu, CR0_READ_SHADOW);
	u64 cr0 = cpu->guest->save.cr0, changes = LMSW_BITS & ~CR0_PE;
	u64 qualification = CR_QUAL_LMSW;
	enum svm_exit_verdict verdict;
	u16 source;

	if (!read_lmsw(cpu, insn, &source, &verdict)) {
		return verdict;
	}
	if (insn->has_memory) {
		qualification |= CR_QUAL_LMSW_MEMORY;
		vmcs_memory_set(cpu, GUEST_LINEAR_ADDRESS,
				svm_operand_linear(cpu, insn).v);
	}
	changes |= source & CR0_PE;
	if ((source ^ shadow) & mask & changes) {
		return leave(cpu, qualification | (u64)source << 16, insn);
	}
	changes &= ~mask;
	set_cr0(cpu, (cr0 & ~changes) | (source & changes));
	return svm_exit_skip(cpu, insn);
}

enum svm_exit_verdict svm_exit_crmask_write(struct softvmx_cpu *cpu,
					    const struct svm_insn *insn,
					    unsigned int cr)
{
	if (IS_CLTS(insn)) {
		return clts(cpu, insn);
	}
	if (IS_LMSW(insn)) {
		return lmsw(cpu, insn);
	}
	if (cr == 0) {
		return change_cr0(cpu, insn, svm_exit_gpr(cpu, insn->rm));
	}
	return change_cr4(cpu, insn, svm_exit_gpr(cpu, insn->rm));
}
