/** @file
 * Moves to and from segment registers.
 */
#ifndef EMULATOR_OP_SEGMENT_H
#define EMULATOR_OP_SEGMENT_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_segment_get);
OPERATION(op_segment_set);
OPERATION(op_segment_push);
OPERATION(op_segment_pop);
OPERATION(op_segment_load_far);

#endif
