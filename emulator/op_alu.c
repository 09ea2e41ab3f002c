/** @file
 * Addition, subtraction, logic.
 *
 * The arithmetic and its flags are in flags.c; what stands here says which of
 * it an operation is.  CMP, TEST, CMPS and SCAS are SUB and AND whose result
 * nobody writes: their traits lack OP_WRITES_DST.  CBW, CWD and ARPL are here
 * because they are arithmetic after all.
 *
 * Each of them is one step in the middle of the pipeline (execute.c):
 *
 *	alu->dst, alu->src   the operands, read; a device has been asked
 *	alu->size            of the destination, in bytes
 *	alu->flags           RFLAGS before, and after
 *	alu->dst             afterwards what is to be written
 *
 * so that ADD [device], EAX and ADD EAX, ECX are the same function, which does
 * not know where its values come from.  Bits above the size need no masking:
 * whoever writes the destination takes as many bytes as there are.
 */
#include "emulator/op_alu.h"

#include "emulator/context.h"

/* The one operation with two sizes: the source's says where its sign is. */
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

/*
 * With the carry of the addition before: ADD of the low halves, ADC of the high
 * ones, as often as the numbers are long.  SBB is the same for SUB.
 */
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

/* The only one of the family that leaves all flags as they are. */
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

/* CF stays, so that a loop may count between two ADCs of a long addition. */
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
