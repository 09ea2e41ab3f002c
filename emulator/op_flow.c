/** @file
 * Where to go on: near jumps, calls, returns and loops; and what conditions
 * decide besides.
 *
 * e->next_rip is the next instruction's until one of these changes it.  A
 * target is checked here, against CS' limit or for its canonical form: the
 * fault is the jump's own, with RIP still at it.
 *
 * The sixteen conditions are the low four bits of the opcode: eight of them,
 * and in the lowest bit whether it is to be the opposite.
 *
 * A jump that is not taken is not checked: its target may be anywhere.
 */
#include "emulator/op_flow.h"

#include "emulator/memory.h"
#include "emulator/stack.h"

/**
 * Go on at another offset in CS when the instruction retires.  Only the first
 * byte there is checked, and not its page: that is for the next fetch.
 * @param target cut to the operand size here
 * @return EMUL_DONE, or EMUL_FAULT: #GP(0), beyond CS' limit or not canonical
 */
static enum emul_result go(struct emulator *e, u64 target)
{
	struct mem_access at = { .size = 1, .kind = EMUL_FETCH };
	enum emul_result result;

	target &= context_mask(e->insn.operand_size);
	result = memory_linear(e, SEGMENT_CS, target, &at);
	if (!result) {
		e->next_rip = target;
	}
	return result;
}

/** The target: counted from the next instruction, or as it stands. */
static u64 target_of(const struct emulator *e, const struct alu *alu)
{
	bool relative = e->insn.src.kind == OPERAND_IMMEDIATE;

	return relative ? e->next_rip + alu->src : alu->src;
}

static enum emul_result go_if(struct emulator *e, const struct alu *alu,
			      bool condition)
{
	return condition ? go(e, target_of(e, alu)) : EMUL_DONE;
}

/**
 * Whether the condition of Jcc, SETcc or CMOVcc holds (SDM 1 B.1).
 *
 * In the order of the opcodes: O, C (below), Z (equal), C or Z (below or
 * equal), S, P, less, less or equal.  Of signed numbers the first is less if
 * their difference is negative, which SF says, and OF, if SF is wrong.
 */
static bool condition_holds(const struct emulator *e, u64 flags)
{
	bool less = !(flags & RFLAGS_SF) != !(flags & RFLAGS_OF);
	const bool holds[] = {
		flags & RFLAGS_OF,
		flags & RFLAGS_CF,
		flags & RFLAGS_ZF,
		flags & (RFLAGS_CF | RFLAGS_ZF),
		flags & RFLAGS_SF,
		flags & RFLAGS_PF,
		less,
		less || (flags & RFLAGS_ZF),
	};

	return holds[e->insn.opcode >> 1 & 7] ^ (e->insn.opcode & 1);
}

enum emul_result op_flow_jmp(struct emulator *e, struct alu *alu)
{
	return go(e, target_of(e, alu));
}

enum emul_result op_flow_jcc(struct emulator *e, struct alu *alu)
{
	return go_if(e, alu, condition_holds(e, alu->flags));
}

/** rCX, as wide as addresses are. */
static u64 count_of(const struct emulator *e)
{
	return context_register(e, REG_RCX) & e->insn.address_mask;
}

/** Count down; whether there is something left.  No flag knows of it. */
static bool count_down(struct emulator *e)
{
	u64 left = count_of(e) - 1;

	context_merge_register(e, REG_RCX, left, e->insn.address_size);
	return left & e->insn.address_mask;
}

enum emul_result op_flow_loop(struct emulator *e, struct alu *alu)
{
	return go_if(e, alu, count_down(e));
}

enum emul_result op_flow_loope(struct emulator *e, struct alu *alu)
{
	return go_if(e, alu, count_down(e) && (alu->flags & RFLAGS_ZF));
}

enum emul_result op_flow_loopne(struct emulator *e, struct alu *alu)
{
	return go_if(e, alu, count_down(e) && !(alu->flags & RFLAGS_ZF));
}

enum emul_result op_flow_jcxz(struct emulator *e, struct alu *alu)
{
	return go_if(e, alu, count_of(e) == 0);
}

/*
 * The target is checked before the return address is pushed: a CALL that faults
 * must not have written to the stack.
 */
enum emul_result op_flow_call(struct emulator *e, struct alu *alu)
{
	u64 behind = e->next_rip;
	enum emul_result result = go(e, target_of(e, alu));

	return result ? result : stack_push(e, behind, e->insn.operand_size);
}

/** RET imm16 takes that many bytes of arguments off the stack. */
enum emul_result op_flow_ret(struct emulator *e, struct alu *alu)
{
	u64 target = 0;
	enum emul_result result = stack_pop(e, &target, e->insn.operand_size);

	if (result) {
		return result;
	}
	stack_move(e, (u16)alu->src);
	return go(e, target);
}

enum emul_result op_flow_setcc(struct emulator *e, struct alu *alu)
{
	alu->dst = condition_holds(e, alu->flags);
	return EMUL_DONE;
}

/**
 * The source is read and the destination written in any case: a device is asked
 * though the condition does not hold, and a 32-bit register loses its upper
 * half.
 */
enum emul_result op_flow_cmovcc(struct emulator *e, struct alu *alu)
{
	if (condition_holds(e, alu->flags)) {
		alu->dst = alu->src;
	}
	return EMUL_DONE;
}

enum emul_result op_flow_nop(struct emulator *e, struct alu *alu)
{
	(void)e;
	(void)alu;
	return EMUL_DONE;
}

/** UD0, UD1, UD2: what they do is what they are for. */
enum emul_result op_flow_ud(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return context_undefined(e);
}

/** BOUND: #BR unless lower <= index <= upper, all signed. */
enum emul_result op_flow_bound(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.operand_size;
	u64 value = context_register(e, e->insn.reg);
	s64 index = (s64)context_sign_extend(value, size);
	s64 lower = (s64)context_sign_extend(alu->src, size);
	s64 upper = (s64)context_sign_extend(alu->src >> (8 * size), size);

	if (index < lower || index > upper) {
		return context_fault(e, VECTOR_BR);
	}
	return EMUL_DONE;
}
