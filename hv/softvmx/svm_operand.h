/** @file
 * The memory operand of an instruction: where it is, and getting at it.
 */
#ifndef HV_SOFTVMX_SVM_OPERAND_H
#define HV_SOFTVMX_SVM_OPERAND_H

#include "hv/softvmx/svm_exit.h"

/** The segment of the memory operand: override or default. */
int svm_operand_segment(const struct svm_insn *insn);

/** The base that a segment register adds; 0 for most in 64-bit mode. */
u64 svm_operand_segment_base(const struct softvmx_cpu *cpu, int segment);

/** The linear address of the memory operand, segment base included. */
gva_t svm_operand_linear(const struct softvmx_cpu *cpu,
			 const struct svm_insn *insn);

/** A word in the guest's memory, for an instruction carried out here. */
struct svm_operand {
	gva_t linear;
	u16 value;
	bool write;
};

/**
 * Load or store a word as the guest's instruction would.
 * @return true if it is done; else *verdict says what is to become of the
 *	fault or exit that it led to
 */
bool svm_operand_move(struct softvmx_cpu *cpu, struct svm_operand *operand,
		      enum svm_exit_verdict *verdict) __must_check;

#endif
