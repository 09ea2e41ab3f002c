/** @file
 * The stack's own instructions.
 */
#ifndef EMULATOR_OP_STACK_H
#define EMULATOR_OP_STACK_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_stack_push);
OPERATION(op_stack_pop);
OPERATION(op_stack_pusha);
OPERATION(op_stack_popa);
OPERATION(op_stack_enter);
OPERATION(op_stack_leave);

#endif
