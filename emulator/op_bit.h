/** @file
 * Bits: searching and counting them.
 */
#ifndef EMULATOR_OP_BIT_H
#define EMULATOR_OP_BIT_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_bit_bsf);
OPERATION(op_bit_bsr);
OPERATION(op_bit_tzcnt);
OPERATION(op_bit_lzcnt);
OPERATION(op_bit_popcnt);

#endif
