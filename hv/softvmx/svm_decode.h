/** @file
 * How long an instruction is, and where its memory operand lies.
 */
#ifndef HV_SOFTVMX_SVM_DECODE_H
#define HV_SOFTVMX_SVM_DECODE_H

#include "hv/softvmx/softvmx_cpu.h"

#define INSN_MAX 15

/** Which of the four opcode maps. */
enum svm_insn_map { INSN_MAP_ONE, INSN_MAP_0F, INSN_MAP_0F38, INSN_MAP_0F3A };

/** Stands for "none" in base, index and segment. */
#define INSN_NONE (-1)
/** The base is the address of the next instruction. */
#define INSN_BASE_RIP 16

/** A decoded instruction. */
struct svm_insn {
	u8 length; /* 0: it could not be read or decoded */
	u8 map;	   /* enum svm_insn_map */
	u8 opcode;
	u8 repeat; /* the F2 or F3 prefix, or 0 */
	bool has_66;
	u8 operand_size, address_size; /* 2, 4 or 8 bytes */
	bool has_modrm;
	bool has_memory; /* a memory operand by ModRM, or a moffs */
	u8 modrm;
	u8 reg, rm; /* with their REX bits; rm for register operands */
	u8 imm8;    /* the byte behind ModRM, where there is one */
	s8 segment; /* the override, enum vmcb_segment_index, or none */
	s8 base, index; /* general registers, or none */
	u8 scale;   /* log 2 */
	s64 displacement;
};

/**
 * Fetch and decode the instruction at the guest's RIP.
 * @param insn filled; length 0 when it cannot be read whole
 */
void svm_decode_current(struct softvmx_cpu *cpu, struct svm_insn *insn);

#endif
