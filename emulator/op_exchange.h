/** @file
 * Exchanges: what the destination held goes somewhere else.
 */
#ifndef EMULATOR_OP_EXCHANGE_H
#define EMULATOR_OP_EXCHANGE_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_exchange_xchg);
OPERATION(op_exchange_xchg_nop);
OPERATION(op_exchange_xadd);
OPERATION(op_exchange_cmpxchg);
OPERATION(op_exchange_cmpxchg8b);

#endif
