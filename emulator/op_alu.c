/** @file
 * Addition, subtraction, logic.
 *
 * The arithmetic and its flags are in flags.c; what stands here says which of
 * it an operation is.  CMP, TEST, CMPS and SCAS are SUB and AND whose result
 * nobody writes: their traits lack OP_WRITES_DST.  CBW, CWD and ARPL are here
 * because they are arithmetic after all.
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

/** ADCX: carry in and out is CF, and no other flag changes. */
enum emul_result op_alu_adcx(struct emulator *e, struct alu *alu)
{
	struct alu sum = *alu;

	(void)e;
	alu->dst = flags_add(&sum, true);
	alu->flags = (alu->flags & ~RFLAGS_CF) | (sum.flags & RFLAGS_CF);
	return EMUL_DONE;
}

/** ADOX: the same with OF. */
enum emul_result op_alu_adox(struct emulator *e, struct alu *alu)
{
	struct alu sum = *alu;

	(void)e;
	sum.flags = alu->flags & RFLAGS_OF ? RFLAGS_CF : 0;
	alu->dst = flags_add(&sum, true);
	alu->flags &= ~RFLAGS_OF;
	alu->flags |= sum.flags & RFLAGS_CF ? RFLAGS_OF : 0;
	return EMUL_DONE;
}

/** CBW, CWDE, CDQE: the lower half of rAX fills all of it. */
enum emul_result op_alu_cbw(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = context_sign_extend(alu->src, alu->size / 2);
	return EMUL_DONE;
}

/** CWD, CDQ, CQO: the sign of rAX fills rDX. */
enum emul_result op_alu_cwd(struct emulator *e, struct alu *alu)
{
	bool negative = alu->src >> (8 * alu->size - 1) & 1;

	context_merge_register(e, REG_RDX, negative ? ~0ull : 0, alu->size);
	return EMUL_DONE;
}

/** ARPL: the destination's RPL is raised to the source's; ZF says so. */
enum emul_result op_alu_arpl(struct emulator *e, struct alu *alu)
{
	bool protected = e->ops->control(e, SYSTEM_CR0) & CONTROL_CR0_PE;

	if (!protected || (e->rflags & RFLAGS_VM)) {
		return context_undefined(e);
	}
	alu->flags &= ~RFLAGS_ZF;
	if ((alu->dst & 3) < (alu->src & 3)) {
		alu->flags |= RFLAGS_ZF;
		alu->dst = (alu->dst & ~3ull) | (alu->src & 3);
	}
	return EMUL_DONE;
}
