/** @file
 * Where to go on, near; and what conditions decide.
 */
#ifndef EMULATOR_OP_FLOW_H
#define EMULATOR_OP_FLOW_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_flow_jmp);
OPERATION(op_flow_jcc);
OPERATION(op_flow_loopne);
OPERATION(op_flow_loope);
OPERATION(op_flow_loop);
OPERATION(op_flow_jcxz);
OPERATION(op_flow_call);
OPERATION(op_flow_ret);
OPERATION(op_flow_setcc);
OPERATION(op_flow_cmovcc);
OPERATION(op_flow_nop);
OPERATION(op_flow_ud);
OPERATION(op_flow_bound);

/**
 * Go on at another offset in CS when the instruction retires.
 *
 * @param e       the emulator
 * @param target  cut to the operand size here
 * @return EMUL_DONE, or EMUL_FAULT: #GP(0), beyond CS' limit or not canonical
 */
enum emul_result __must_check op_flow_go(struct emulator *e, u64 target);

#endif
