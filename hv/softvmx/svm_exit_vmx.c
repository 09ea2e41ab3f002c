/** @file
 * VMX's own instructions in the guest, and accesses to descriptor tables.
 *
 * For SVM the first are undefined opcodes; for VMX they are VM exits.  Both
 * groups have a memory operand which the exit describes in the VM-exit
 * instruction information (SDM 3C tables 28-10 to 28-14):
 *
 *	31:28 reg2   27 no base  26:23 base   22 no index  21:18 index
 *	17:15 segment  10 is register  9:7 address size  6:3 reg1  1:0 scale
 */
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_operand.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/* Bits of the VM-exit instruction information, as drawn above. */
#define INFO_REGISTER BIT(10)
#define INFO_NO_INDEX BIT(22)
#define INFO_NO_BASE BIT(27)

/**
 * The part that all memory operands share: address size, segment, index with
 * its scale, base. An address relative to RIP has no base for VMX; the
 * qualification has what RIP adds (SDM 3C 28.2.1).
 */
static u32 memory_info(const struct svm_insn *insn)
{
	u32 info = insn->scale;

	info |= (insn->address_size == 8 ? 2 : insn->address_size == 4) << 7;
	info |= (u32)svm_operand_segment(insn) << 15;
	info |= insn->index == INSN_NONE ? INFO_NO_INDEX :
					   (u32)insn->index << 18;
	info |= insn->base == INSN_NONE || insn->base == INSN_BASE_RIP ?
			INFO_NO_BASE :
			(u32)insn->base << 23;
	return info;
}

/**
 * Instruction information without reg2, and the displacement as exit
 * qualification.
 */
static void describe_operand(struct softvmx_cpu *cpu,
			     const struct svm_insn *insn)
{
	if (!insn->has_memory) {
		cpu->exit.info = INFO_REGISTER | (u32)insn->rm << 3;
		return;
	}
	cpu->exit.info = memory_info(insn);
	cpu->exit.qualification = insn->displacement;
	if (insn->base == INSN_BASE_RIP) {
		cpu->exit.qualification +=
			cpu->guest->save.rip + insn->length;
	}
}

/** The SDM's "NP": 66, F2 and F3 would make another opcode of it. */
static bool takes_no_prefix(const struct svm_insn *insn)
{
	return !insn->repeat && !insn->has_66;
}

/**
 * 0F 01 with a register form: VMCALL C1, VMLAUNCH C2, VMRESUME C3, VMXOFF C4
 * (SDM 2D table A-6, group 7).
 * @return 0 if it is something else
 */
static u32 group7_reason(const struct svm_insn *insn)
{
	switch (insn->modrm) {
	case 0xc1:
		return EXIT_REASON_VMCALL;
	case 0xc2:
		return EXIT_REASON_VMLAUNCH;
	case 0xc3:
		return EXIT_REASON_VMRESUME;
	case 0xc4:
		return EXIT_REASON_VMXOFF;
	default:
		return 0;
	}
}

/**
 * 0F C7 /6 and /7 with a memory operand (group 9): which one the prefix says,
 * 66 for VMCLEAR, F3 for VMXON, none for VMPTRLD.
 */
static u32 group9_reason(const struct svm_insn *insn)
{
	u8 reg = insn->reg & 7;

	if (!insn->has_memory || reg < 6) {
		return 0;
	}
	if (takes_no_prefix(insn)) {
		return reg == 7 ? EXIT_REASON_VMPTRST : EXIT_REASON_VMPTRLD;
	}
	if (reg == 7 || insn->repeat == 0xf2) {
		return 0;
	}
	return insn->repeat ? EXIT_REASON_VMXON : EXIT_REASON_VMCLEAR;
}

/**
 * The exit reason of a VMX instruction, or 0. Those with two bytes of opcode
 * take no prefix of the 66, F2, F3 kind; the two in the map 0F 38 must have 66.
 */
static u32 vmx_reason(const struct svm_insn *insn)
{
	bool plain = takes_no_prefix(insn);

	if (insn->map == INSN_MAP_0F38 && insn->has_66 && !insn->repeat &&
	    insn->has_memory) {
		return insn->opcode == 0x80 ? EXIT_REASON_INVEPT :
		       insn->opcode == 0x81 ? EXIT_REASON_INVVPID :
					      0;
	}
	if (insn->map != INSN_MAP_0F) {
		return 0;
	}
	switch (insn->opcode) {
	case 0x01:
		return plain ? group7_reason(insn) : 0;
	case 0x78:
		return plain ? EXIT_REASON_VMREAD : 0;
	case 0x79:
		return plain ? EXIT_REASON_VMWRITE : 0;
	case 0xc7:
		return group9_reason(insn);
	default:
		return 0;
	}
}

/**
 * All but VMCALL are undefined outside of protected and 64-bit mode (SDM 3C
 * 31.3): in real and virtual-8086 mode and in compatibility mode the #UD is the
 * guest's. Anywhere else the exit comes before all other checks, CPL included
 * (26.1.2).
 */
static bool mode_allows(const struct softvmx_cpu *cpu, u32 reason)
{
	const struct vmcb_save *save = &cpu->guest->save;

	if (reason == EXIT_REASON_VMCALL) {
		return true;
	}
	if (save->efer & EFER_LMA) {
		return softvmx_cpu_in_64bit(cpu);
	}
	return (save->cr0 & CR0_PE) && !(save->rflags & RFLAGS_VM);
}

bool svm_exit_vmx_is_insn(const struct softvmx_cpu *cpu,
			  const struct svm_insn *insn)
{
	u32 reason = vmx_reason(insn);

	return reason && mode_allows(cpu, reason);
}

/*
 * What there is to describe differs: some have no operand, some only memory,
 * VMREAD and VMWRITE a second register, INVEPT and INVVPID a register with
 * their type (SDM 3C tables 28-12 to 28-14).
 */
enum svm_exit_verdict svm_exit_vmx_insn(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;
	u32 reason;

	svm_decode_current(cpu, &insn);
	reason = vmx_reason(&insn);
	if (insn.has_memory || reason == EXIT_REASON_VMREAD ||
	    reason == EXIT_REASON_VMWRITE) {
		describe_operand(cpu, &insn);
	}
	if (reason == EXIT_REASON_VMREAD || reason == EXIT_REASON_VMWRITE ||
	    reason == EXIT_REASON_INVEPT || reason == EXIT_REASON_INVVPID) {
		cpu->exit.info |= (u32)insn.reg << 28;
	}
	return svm_exit_leave_insn(cpu, reason, &insn);
}

/*
 * 0F 01 /0 to /3 are SGDT, SIDT, LGDT, LIDT; 0F 00 /0 to /3 are SLDT, STR,
 * LLDT, LTR: reg tells which, and is bits 29:28 of the information (SDM 3C
 * tables 28-10 and 28-11). Without descriptor-table exiting only LTR is
 * intercepted, for our own purposes.
 */
enum svm_exit_verdict svm_exit_vmx_tables(struct softvmx_cpu *cpu)
{
	struct svm_insn insn;

	if (!(cpu->processor_ctls2 & CPU2_DESCRIPTOR_TABLE_EXITING)) {
		return svm_task_ltr(cpu);
	}
	svm_decode_current(cpu, &insn);
	describe_operand(cpu, &insn);
	cpu->exit.info |= (u32)(insn.reg & 3) << 28;
	if (insn.opcode == 0x01) {
		/* Bit 11, the operand size, means nothing in 64-bit mode. */
		if (insn.operand_size == 4 && !softvmx_cpu_in_64bit(cpu)) {
			cpu->exit.info |= BIT(11);
		}
		return svm_exit_leave_insn(cpu, EXIT_REASON_GDTR_IDTR, &insn);
	}
	return svm_exit_leave_insn(cpu, EXIT_REASON_LDTR_TR, &insn);
}
