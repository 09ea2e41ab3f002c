/** @file
 * IRET.
 */
#ifndef EMULATOR_OP_IRET_H
#define EMULATOR_OP_IRET_H

#include "emulator/operations.h"

/** Is the operation of its name (operations.h). */
OPERATION(op_iret_iret);

#endif
