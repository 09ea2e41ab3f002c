/** @file
 * SSE moves.
 */
#ifndef EMULATOR_OP_SSE_H
#define EMULATOR_OP_SSE_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_sse_move);
OPERATION(op_sse_aligned);
OPERATION(op_sse_scalar);
OPERATION(op_sse_low);
OPERATION(op_sse_high);

#endif
