/** @file
 * Decimal arithmetic, outside 64-bit mode.
 */
#ifndef EMULATOR_OP_DECIMAL_H
#define EMULATOR_OP_DECIMAL_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_decimal_daa);
OPERATION(op_decimal_das);
OPERATION(op_decimal_aaa);
OPERATION(op_decimal_aas);
OPERATION(op_decimal_aam);
OPERATION(op_decimal_aad);

#endif
