/** @file
 * The registers of descriptor tables, LDTR and TR.
 */
#ifndef EMULATOR_OP_TABLE_H
#define EMULATOR_OP_TABLE_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_table_sgdt);
OPERATION(op_table_sidt);
OPERATION(op_table_lgdt);
OPERATION(op_table_lidt);
OPERATION(op_table_sldt);
OPERATION(op_table_str);
OPERATION(op_table_lldt);
OPERATION(op_table_ltr);

#endif
