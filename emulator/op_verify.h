/** @file
 * Questions about descriptors: LAR, LSL, VERR, VERW.
 */
#ifndef EMULATOR_OP_VERIFY_H
#define EMULATOR_OP_VERIFY_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_verify_lar);
OPERATION(op_verify_lsl);
OPERATION(op_verify_verr);
OPERATION(op_verify_verw);

#endif
