/** @file
 * Bytes: their order, and a checksum over them.
 */
#ifndef EMULATOR_OP_BYTE_H
#define EMULATOR_OP_BYTE_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_byte_bswap);
OPERATION(op_byte_movbe);
OPERATION(op_byte_crc32);

#endif
