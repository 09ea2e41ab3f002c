/** @file
 * Far transfers: JMP, CALL, RET to another code segment.
 */
#ifndef EMULATOR_OP_FAR_H
#define EMULATOR_OP_FAR_H

#include "emulator/operations.h"
#include "emulator/segment.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_far_jmp);
OPERATION(op_far_call);
OPERATION(op_far_ret);

/** Where a far transfer goes. */
struct far_target {
	u64 offset;
	struct descriptor code; /* its segment is CS as it will be */
};

/**
 * What CS would be for a far pointer.
 *
 * @param selector   as the instruction has it
 * @param is_return  RET, IRET
 * @param to         code is filled
 * @return EMUL_DONE, EMUL_FAULT, EMUL_UNHANDLEABLE as segment_code()
 */
enum emul_result __must_check op_far_find(struct emulator *e, u16 selector,
					  bool is_return,
					  struct far_target *to);

/** Does the offset lie in that code?  @return EMUL_DONE or #GP(0) */
enum emul_result __must_check op_far_check(struct emulator *e,
					   const struct far_target *to);

/**
 * Go there: the last thing that an instruction does.
 * @return EMUL_DONE, or, with nothing changed, as segment_mark()
 */
enum emul_result __must_check op_far_go(struct emulator *e,
					const struct far_target *to);

#endif
