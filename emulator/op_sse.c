/** @file
 * SSE moves: 4, 8 and 16 bytes between XMM registers, memory and general
 * registers.
 *
 * A value is sixteen bytes here whatever its size; what is not moved is 0.
 * The moves differ in what they leave of an XMM register:
 *
 *	move      MOVUPS, MOVDQU, MOVQ, MOVD: 0 above the value
 *	aligned   the same; memory must be aligned to 16, or #GP(0)
 *	scalar    MOVSS, MOVSD: from memory as above; from a register the
 *	          bytes above the value stay
 *	low, high MOVLPS, MOVHPS: one half, the other stays
 *
 * The processor refuses SSE while the system does not take part: CR0.EM set or
 * CR4.OSFXSR clear is #UD, CR0.TS is #NM (SDM 3A 13.1).
 *
 * The register is written last of all, for it takes effect at once.
 */
#include "emulator/op_sse.h"

#include "emulator/memory.h"
#include "emulator/operand.h"

/**
 * #UD says that SSE is not to be used at all, #NM that the registers may still
 * be another thread's: the guest's kernel loads the right ones and resumes it.
 */
static inline enum emul_result check_system(struct emulator *e)
{
	u64 cr0, cr4;

	/* It was done in pass 1, before the first read. */
	if (e->reads.count || e->reads.pending) {
		return EMUL_DONE;
	}
	cr0 = e->ops->control(e, SYSTEM_CR0);
	cr4 = e->ops->control(e, SYSTEM_CR4);
	if ((cr0 & CONTROL_CR0_EM) || !(cr4 & CONTROL_CR4_OSFXSR)) {
		return context_undefined(e);
	}
	if (cr0 & CONTROL_CR0_TS) {
		e->exception = (struct exception){ .vector = VECTOR_NM };
		return EMUL_FAULT;
	}
	return EMUL_DONE;
}

/** Bytes beyond size are 0. */
static void cut(struct xmm_value *value, unsigned int size)
{
	if (size < 16) {
		value->half[1] = 0;
	}
	if (size < 8) {
		value->half[0] = (u32)value->half[0];
	}
}

/**
 * A general register, for MOVD and MOVQ, has its value in the low half.  Memory
 * is read as one access of the operand's size: what is above stays 0.
 */
static enum emul_result read(struct emulator *e, const struct operand *from,
			     struct xmm_value *value)
{
	*value = (struct xmm_value){ { 0, 0 } };
	if (from->kind == OPERAND_XMM) {
		e->ops->system->get_xmm(e, from->reg, value);
		return EMUL_DONE;
	}
	if (from->kind == OPERAND_MEMORY) {
		return read_cache_read(e, &from->at, value->half);
	}
	return operand_read(e, from, &value->half[0]);
}

/** To an XMM register the value goes at once: nothing may refuse behind it. */
static enum emul_result write(struct emulator *e, const struct operand *to,
			      const struct xmm_value *value)
{
	if (to->kind == OPERAND_XMM) {
		e->ops->system->set_xmm(e, to->reg, value);
		return EMUL_DONE;
	}
	if (to->kind == OPERAND_MEMORY) {
		return fragments_write(e, &to->at, value->half);
	}
	return operand_write(e, to, value->half[0]);
}

/** How many bytes move: the smaller operand's. */
static unsigned int size_of(const struct insn *insn)
{
	return insn->src.size < insn->dst.size ? insn->src.size
					       : insn->dst.size;
}

/*
 * Sixteen bytes of a device are two pieces, so two exits; the VMM sees the
 * lower half first (fragments.h).
 */
enum emul_result op_sse_move(struct emulator *e, struct alu *alu)
{
	struct insn *insn = &e->insn;
	struct xmm_value value;
	enum emul_result result = check_system(e);

	(void)alu;
	if (!result) {
		result = read(e, &insn->src, &value);
	}
	if (result) {
		return result;
	}
	cut(&value, size_of(insn));
	return write(e, &insn->dst, &value);
}

/** The linear address counts: the segment's base is in it. */
static bool is_aligned(const struct operand *operand)
{
	return operand->kind != OPERAND_MEMORY ||
	       operand->at.address.v % 16 == 0;
}

enum emul_result op_sse_aligned(struct emulator *e, struct alu *alu)
{
	enum emul_result result = check_system(e);

	if (result) {
		return result;
	}
	if (!is_aligned(&e->insn.src) || !is_aligned(&e->insn.dst)) {
		return context_protection(e, VECTOR_GP);
	}
	return op_sse_move(e, alu);
}

/* Memory on one side: a move that clears the rest.  Two registers: it stays. */
enum emul_result op_sse_scalar(struct emulator *e, struct alu *alu)
{
	const struct insn *insn = &e->insn;
	unsigned int size = size_of(insn);
	struct xmm_value from, to;
	enum emul_result result = check_system(e);

	if (result || insn->src.kind != insn->dst.kind) {
		return result ? result : op_sse_move(e, alu);
	}
	e->ops->system->get_xmm(e, insn->src.reg, &from);
	e->ops->system->get_xmm(e, insn->dst.reg, &to);
	memcpy(&to, &from, size);
	e->ops->system->set_xmm(e, insn->dst.reg, &to);
	return EMUL_DONE;
}

/** One half of a register to or from 8 bytes of memory. */
static enum emul_result move_half(struct emulator *e, unsigned int half)
{
	const struct insn *insn = &e->insn;
	struct xmm_value value;
	enum emul_result result = check_system(e);

	if (result) {
		return result;
	}
	if (insn->src.kind == OPERAND_XMM) {
		e->ops->system->get_xmm(e, insn->src.reg, &value);
		return fragments_write(e, &insn->dst.at, &value.half[half]);
	}
	e->ops->system->get_xmm(e, insn->dst.reg, &value);
	result = read_cache_read(e, &insn->src.at, &value.half[half]);
	if (!result) {
		e->ops->system->set_xmm(e, insn->dst.reg, &value);
	}
	return result;
}

enum emul_result op_sse_low(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return move_half(e, 0);
}

enum emul_result op_sse_high(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return move_half(e, 1);
}
