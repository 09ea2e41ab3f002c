/** @file
 * Software interrupts.
 */
#ifndef EMULATOR_OP_INTERRUPT_H
#define EMULATOR_OP_INTERRUPT_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_interrupt_int);
OPERATION(op_interrupt_int3);
OPERATION(op_interrupt_into);

#endif
