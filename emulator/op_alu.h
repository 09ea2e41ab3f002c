/** @file
 * Addition, subtraction, logic: one source, one destination, status flags.
 */
#ifndef EMULATOR_OP_ALU_H
#define EMULATOR_OP_ALU_H

#include "emulator/operations.h"

/** Each is the operation of its name, an op_function (operations.h). */
OPERATION(op_alu_movsx);
OPERATION(op_alu_add);
OPERATION(op_alu_or);
OPERATION(op_alu_adc);
OPERATION(op_alu_sbb);
OPERATION(op_alu_and);
OPERATION(op_alu_sub);
OPERATION(op_alu_xor);
OPERATION(op_alu_cmp);
OPERATION(op_alu_not);
OPERATION(op_alu_neg);
OPERATION(op_alu_inc);
OPERATION(op_alu_dec);
OPERATION(op_alu_adcx);
OPERATION(op_alu_adox);
OPERATION(op_alu_cbw);
OPERATION(op_alu_cwd);
OPERATION(op_alu_arpl);

#endif
