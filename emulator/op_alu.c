/** @file
 * Addition, subtraction, logic.
 *
 * The arithmetic and its flags are in flags.c; what stands here says which of
 * it an operation is.  CMP, TEST, CMPS and SCAS are SUB and AND whose result
 * nobody writes: their traits lack OP_WRITES_DST.
 */
#include "emulator/op_alu.h"

#include "emulator/context.h"

enum emul_result op_alu_movsx(struct emulator *e, struct alu *alu)
{
	alu->dst = context_sign_extend(alu->src, e->insn.src.size);
	return EMUL_DONE;
}

enum emul_result op_alu_add(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_add(alu, false);
	return EMUL_DONE;
}

enum emul_result op_alu_adc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_add(alu, true);
	return EMUL_DONE;
}

enum emul_result op_alu_sub(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_subtract(alu, false);
	return EMUL_DONE;
}

enum emul_result op_alu_cmp(struct emulator *e, struct alu *alu)
{
	return op_alu_sub(e, alu);
}

enum emul_result op_alu_sbb(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_subtract(alu, true);
	return EMUL_DONE;
}

enum emul_result op_alu_and(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_logic(alu, alu->dst & alu->src);
	return EMUL_DONE;
}

enum emul_result op_alu_or(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_logic(alu, alu->dst | alu->src);
	return EMUL_DONE;
}

enum emul_result op_alu_xor(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_logic(alu, alu->dst ^ alu->src);
	return EMUL_DONE;
}

enum emul_result op_alu_not(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = ~alu->dst;
	return EMUL_DONE;
}

enum emul_result op_alu_neg(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_negate(alu);
	return EMUL_DONE;
}

enum emul_result op_alu_inc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_increment(alu);
	return EMUL_DONE;
}

enum emul_result op_alu_dec(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = flags_decrement(alu);
	return EMUL_DONE;
}
