/** @file
 * Shifts and rotations.
 */
#ifndef EMULATOR_OP_SHIFT_H
#define EMULATOR_OP_SHIFT_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_shift_rol);
OPERATION(op_shift_ror);
OPERATION(op_shift_rcl);
OPERATION(op_shift_rcr);
OPERATION(op_shift_shl);
OPERATION(op_shift_shr);
OPERATION(op_shift_sar);
OPERATION(op_shift_shld);
OPERATION(op_shift_shrd);

#endif
