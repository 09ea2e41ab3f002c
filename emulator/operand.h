/** @file
 * Operands: where they are, reading them, writing them.
 */
#ifndef EMULATOR_OPERAND_H
#define EMULATOR_OPERAND_H

#include "emulator/context.h"
#include "emulator/memory.h"

/** Set e->insn.dst and e->insn.src up from the decoded fields. */
void operand_resolve(struct emulator *e);

/**
 * Compute the address of an operand that depends on registers (operand->from).
 *
 * Once an instruction: the registers of a completion pass are those of pass
 * 1, so the addresses are as well.
 *
 * @return EMUL_DONE, or EMUL_FAULT for an address beyond its segment
 */
enum emul_result __must_check operand_locate(struct emulator *e,
					     struct operand *operand);

/**
 * The linear address of a memory operand whose offset is in operand->value.
 *
 * @return as memory_linear()
 */
static inline enum emul_result __must_check
operand_linear(struct emulator *e, struct operand *operand)
{
	if (likely(operand->flat)) {
		return memory_flat(e, operand->segment, operand->value,
				   &operand->at);
	}
	return memory_linear(e, operand->segment, operand->value, &operand->at);
}

/**
 * Read an operand of at most 8 bytes.
 *
 * @param e        the emulator
 * @param operand  which
 * @param value    gets it, zero-extended; an immediate comes sign-extended
 * @return EMUL_DONE, or as read_cache_read()
 */
static inline enum emul_result __must_check
operand_read(struct emulator *e, const struct operand *operand, u64 *value)
{
	if (operand->kind == OPERAND_MEMORY) {
		*value = 0;
		return read_cache_read(e, &operand->at, value);
	}
	*value = operand->value;
	if (operand->kind == OPERAND_REGISTER) {
		*value = (context_register(e, operand->reg) >> operand->shift) &
			 context_mask(operand->size);
	}
	return EMUL_DONE;
}

/**
 * Write the low bytes of value to a register or to memory.
 *
 * @return EMUL_DONE, or as fragments_write()
 */
static inline enum emul_result __must_check
operand_write(struct emulator *e, const struct operand *operand, u64 value)
{
	if (operand->kind == OPERAND_MEMORY) {
		return fragments_write(e, &operand->at, &value);
	}
	if (unlikely(operand->shift)) {
		u64 whole = context_register(e, operand->reg);

		value = (whole & ~0xff00ull) | (value & 0xff) << 8;
		context_set_register(e, operand->reg, value);
		return EMUL_DONE;
	}
	context_merge_register(e, operand->reg, value, operand->size);
	return EMUL_DONE;
}

#endif
