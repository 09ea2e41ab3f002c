/** @file
 * The x87 instructions that a kernel needs before it pages.
 */
#ifndef EMULATOR_OP_X87_H
#define EMULATOR_OP_X87_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_x87_control);
OPERATION(op_x87_load_cw);
OPERATION(op_x87_store_cw);
OPERATION(op_x87_store_sw);
OPERATION(op_x87_store_sw_ax);
OPERATION(op_x87_wait);

#endif
