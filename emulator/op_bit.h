/** @file
 * Bits: one of them, the first or last, how many.
 */
#ifndef EMULATOR_OP_BIT_H
#define EMULATOR_OP_BIT_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_bit_bt);
OPERATION(op_bit_bts);
OPERATION(op_bit_btr);
OPERATION(op_bit_btc);
OPERATION(op_bit_bsf);
OPERATION(op_bit_bsr);
OPERATION(op_bit_tzcnt);
OPERATION(op_bit_lzcnt);
OPERATION(op_bit_popcnt);

#endif
