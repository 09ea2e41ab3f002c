/** @file
 * Multiplication and division.
 */
#ifndef EMULATOR_OP_MULDIV_H
#define EMULATOR_OP_MULDIV_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_muldiv_mul);
OPERATION(op_muldiv_imul);
OPERATION(op_muldiv_imul_reg);
OPERATION(op_muldiv_div);
OPERATION(op_muldiv_idiv);

#endif
