/** @file
 * Flags, to and from the stack and AH, and one by one.
 */
#ifndef EMULATOR_OP_FLAGS_H
#define EMULATOR_OP_FLAGS_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_flags_pushf);
OPERATION(op_flags_popf);
OPERATION(op_flags_lahf);
OPERATION(op_flags_sahf);
OPERATION(op_flags_clc);
OPERATION(op_flags_stc);
OPERATION(op_flags_cmc);
OPERATION(op_flags_cld);
OPERATION(op_flags_std);
OPERATION(op_flags_cli);
OPERATION(op_flags_sti);

#endif
