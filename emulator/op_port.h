/** @file
 * IN, OUT, INS, OUTS.
 */
#ifndef EMULATOR_OP_PORT_H
#define EMULATOR_OP_PORT_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_port_in);
OPERATION(op_port_out);
OPERATION(op_port_ins);
OPERATION(op_port_outs);

#endif
