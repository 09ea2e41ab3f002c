/** @file
 * Moves to and from segment registers: MOV, PUSH, POP, LDS and relatives.
 *
 * Reading one is reading its selector.  Writing one loads base, limit and
 * rights behind it, with all the checks of segment_load.c; it comes when
 * nothing else can go wrong, since it takes effect at once.
 *
 * After a load of SS no interrupt comes before the next instruction is done:
 * it loads the stack pointer (SDM 3A 6.8.3).  LSS loads both by itself.
 *
 * Which register PUSH, POP and LDS mean stands in their opcodes.
 */
#include "emulator/op_segment.h"

#include "emulator/operand.h"
#include "emulator/segment.h"
#include "emulator/stack.h"

/** 06, 0E, 16, 1E: ES, CS, SS, DS; 0F A0, A8: FS, GS; POP one above each. */
static enum emul_segment of_push(const struct insn *insn)
{
	return (insn->opcode >> 3) & 7;
}

/** C4, C5: ES, DS; 0F B2, B4, B5: SS, FS, GS. */
static enum emul_segment of_load_far(const struct insn *insn)
{
	if (insn->map == MAP_ONE_BYTE) {
		return insn->opcode == 0xc4 ? SEGMENT_ES : SEGMENT_DS;
	}
	return insn->opcode & 7;
}

static u16 selector_of(struct emulator *e, enum emul_segment which)
{
	struct segment_register segment;

	e->ops->system->get_segment(e, which, &segment);
	return segment.selector;
}

/*
 * To memory it is always two bytes, to a register as many as the operand size
 * says, zero-extended (Es in opcodes.h).
 */
enum emul_result op_segment_get(struct emulator *e, struct alu *alu)
{
	alu->dst = selector_of(e, e->insn.src.reg);
	alu->discard = false;
	return EMUL_DONE;
}

/*
 * The mark is made before the load, which may fail; a pass that fails leaves no
 * mark behind.
 */
enum emul_result op_segment_set(struct emulator *e, struct alu *alu)
{
	if (e->insn.dst.reg == SEGMENT_SS) {
		e->dirty |= EMUL_BLOCKS_MOV_SS;
	}
	return segment_load(e, e->insn.dst.reg, alu->src);
}

/* Two bytes in a cell of the operand's size; the rest of it becomes 0. */
enum emul_result op_segment_push(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return stack_push(e, selector_of(e, of_push(&e->insn)),
			  e->insn.operand_size);
}

enum emul_result op_segment_pop(struct emulator *e, struct alu *alu)
{
	enum emul_segment which = of_push(&e->insn);
	enum emul_result result;
	u64 selector;

	(void)alu;
	result = stack_pop(e, &selector, e->insn.operand_size);
	if (result) {
		return result;
	}
	if (which == SEGMENT_SS) {
		e->dirty |= EMUL_BLOCKS_MOV_SS;
	}
	return segment_load(e, which, selector);
}

/**
 * The offset first, the selector behind it, as everywhere in memory.  The
 * general register is written by the pipeline, and only if the segment could be
 * loaded: the two must not come apart.
 */
enum emul_result op_segment_load_far(struct emulator *e, struct alu *alu)
{
	struct insn *insn = &e->insn;
	struct operand part = insn->src;
	enum emul_result result;
	u64 selector;

	part.at.size = insn->operand_size;
	result = operand_read(e, &part, &alu->dst);
	if (result) {
		return result;
	}
	part.at.address = gva_add(part.at.address, insn->operand_size);
	part.at.size = 2;
	result = operand_read(e, &part, &selector);
	if (!result) {
		result = segment_load(e, of_load_far(insn), selector);
	}
	alu->discard = false;
	return result;
}
