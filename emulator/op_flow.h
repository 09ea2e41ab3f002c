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

#endif
