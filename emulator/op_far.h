/** @file
 * Far transfers: JMP, CALL, RET to another code segment.
 */
#ifndef EMULATOR_OP_FAR_H
#define EMULATOR_OP_FAR_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_far_jmp);
OPERATION(op_far_call);
OPERATION(op_far_ret);

/** Where a far transfer goes. */
struct far_target {
	u64 offset;
	struct segment_register cs;
};

/**
 * What CS would be for a far pointer, and whether the offset lies in it.
 *
 * @param selector   as the instruction has it
 * @param is_return  RET
 * @param to         offset is set; cs is filled
 * @return EMUL_DONE, EMUL_FAULT, EMUL_UNHANDLEABLE as segment_code()
 */
enum emul_result __must_check op_far_find(struct emulator *e, u16 selector,
					  bool is_return,
					  struct far_target *to);

/** Go there.  The last thing that an instruction does. */
void op_far_go(struct emulator *e, const struct far_target *to);

#endif
