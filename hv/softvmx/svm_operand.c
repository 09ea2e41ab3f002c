/** @file
 * The memory operand of an instruction: where it is, and getting at it.
 *
 * The address is what VMX reports of it (SDM 3C 28.2.1), or what the search for
 * a nested page fault's linear address begins with (svm_gla.c).  The operand
 * itself is needed for LMSW and SMSW, whose intercepts come before the access:
 * those are carried out here, page faults and EPT violations included.
 */
#include "hv/softvmx/svm_operand.h"

#include "hv/lib/page.h"
#include "hv/softvmx/svm_access.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit_npf.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define CPL_USER 3

/**
 * base + index * scale + displacement, cut to the address size (SDM 1 3.7.5).
 */
static u64 offset_of(const struct softvmx_cpu *cpu,
		     const struct svm_insn *insn)
{
	u64 offset = insn->displacement;

	if (insn->base == INSN_BASE_RIP) {
		offset += cpu->guest->save.rip + insn->length;
	} else if (insn->base != INSN_NONE) {
		offset += cpu->gpr[insn->base];
	}
	if (insn->index != INSN_NONE) {
		offset += cpu->gpr[insn->index] << insn->scale;
	}
	if (insn->address_size < 8) {
		offset &= BITS(8 * insn->address_size - 1, 0);
	}
	return offset;
}

/*
 * An override, or DS; addresses by RSP or RBP are on the stack (SDM 1 3.7.4).
 */
int svm_operand_segment(const struct svm_insn *insn)
{
	if (insn->segment != INSN_NONE) {
		return insn->segment;
	}
	return insn->base == GPR_RSP || insn->base == GPR_RBP ? VMCB_SS :
								VMCB_DS;
}

/* In 64-bit mode only FS and GS have a base (SDM 1 3.4.4). */
u64 svm_operand_segment_base(const struct softvmx_cpu *cpu, int segment)
{
	if (softvmx_cpu_in_64bit(cpu) && segment < VMCB_FS) {
		return 0;
	}
	return vmcb_segments_get(cpu->guest, segment)->base;
}

/* Outside of 64-bit mode linear addresses wrap at 4 GiB (SDM 3A 3.3). */
gva_t svm_operand_linear(const struct softvmx_cpu *cpu,
			 const struct svm_insn *insn)
{
	u64 linear = offset_of(cpu, insn) +
		     svm_operand_segment_base(cpu, svm_operand_segment(insn));

	return gva(softvmx_cpu_in_64bit(cpu) ? linear : (u32)linear);
}
/**
 * What a fault or refusal of the access is to the guest or the hypervisor. A
 * #PF takes its address from where the processor would have put it.
 */
static enum svm_exit_verdict end_badly(struct softvmx_cpu *cpu,
				       enum svm_access_end end,
				       const struct svm_access *access)
{
	if (end == SVM_ACCESS_EPT) {
		return svm_exit_npf_refuse(cpu, access);
	}
	cpu->guest->control.exit_info2 = access->linear.v; /* for CR2 */
	return svm_event_raise(cpu, VECTOR_PF, access->error);
}

/* Byte by byte: the word may lie on two pages. */
bool svm_operand_move(struct softvmx_cpu *cpu, struct svm_operand *operand,
		      enum svm_exit_verdict *verdict)
{
	u8 *bytes = (u8 *)&operand->value;
	u32 kind = (operand->write ? PF_W : 0) |
		   (cpu->guest->save.cpl == CPL_USER ? PF_U : 0);

	for (unsigned int i = 0; i < sizeof(operand->value); i++) {
		struct svm_access access = {
			.linear = gva_add(operand->linear, i), .error = kind
		};
		enum svm_access_end end = svm_access_make(cpu, &access);
		u8 *place;

		if (end != SVM_ACCESS_DONE) {
			*verdict = end_badly(cpu, end, &access);
			return false;
		}
		place = hpa_to_virt(access.hpa);
		if (operand->write) {
			*place = bytes[i];
		} else {
			bytes[i] = *place;
		}
	}
	return true;
}
