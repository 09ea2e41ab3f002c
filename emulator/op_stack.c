/** @file
 * The stack's own instructions: PUSH, POP.
 *
 * Where a row has the operand Stack, it is one value below or at rSP, which
 * operand.c has located and execute.c reads or writes; what is left to do is
 * to move rSP.  The others go through stack.h.
 *
 * rSP moves before the destination is written: POP rSP leaves in it what was
 * popped.
 */
#include "emulator/op_stack.h"

#include "emulator/stack.h"

enum emul_result op_stack_push(struct emulator *e, struct alu *alu)
{
	alu->dst = alu->src;
	stack_move(e, -(s64)e->insn.operand_size);
	return EMUL_DONE;
}

enum emul_result op_stack_pop(struct emulator *e, struct alu *alu)
{
	alu->dst = alu->src;
	stack_move(e, e->insn.operand_size);
	return EMUL_DONE;
}
