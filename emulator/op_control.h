/** @file
 * Control and debug registers.
 */
#ifndef EMULATOR_OP_CONTROL_H
#define EMULATOR_OP_CONTROL_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_control_get_cr);
OPERATION(op_control_set_cr);
OPERATION(op_control_get_dr);
OPERATION(op_control_set_dr);
OPERATION(op_control_smsw);
OPERATION(op_control_lmsw);
OPERATION(op_control_clts);

#endif
