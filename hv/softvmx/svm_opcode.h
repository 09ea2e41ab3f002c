/** @file
 * What follows each opcode: the part of the opcode maps that gives lengths.
 */
#ifndef HV_SOFTVMX_SVM_OPCODE_H
#define HV_SOFTVMX_SVM_OPCODE_H

#include "bus/types.h"

/** What follows an opcode byte. */
enum svm_opcode_follows {
	INSN_MODRM = 1 << 0,
	INSN_IMM8 = 1 << 1,
	INSN_IMM16 = 1 << 2,
	INSN_IMMZ = 1 << 3,  /* 2 or 4 bytes, by operand size */
	INSN_IMMV = 1 << 4,  /* 2, 4 or 8 bytes */
	INSN_MOFFS = 1 << 5, /* an address, by address size */
	INSN_GROUP3 = 1 << 6, /* an immediate in two of eight cases */
};

/** SDM 2D tables. */
extern const u8 svm_opcode_one[256];
extern const u8 insn_table_0f[256];

struct svm_insn;

/** Whether an instruction reads its memory operand and writes it back. */
bool svm_opcode_is_rmw(const struct svm_insn *insn);

#endif
