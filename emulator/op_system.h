/** @file
 * Instructions that concern the processor as a whole.
 */
#ifndef EMULATOR_OP_SYSTEM_H
#define EMULATOR_OP_SYSTEM_H

#include "emulator/operations.h"

/** Each is the operation of its name (operations.h). */
OPERATION(op_system_hlt);
OPERATION(op_system_vmcall);
OPERATION(op_system_nothing);
OPERATION(op_system_invlpg);
OPERATION(op_system_rdtsc);
OPERATION(op_system_rdmsr);
OPERATION(op_system_wrmsr);
OPERATION(op_system_cpuid);

#endif
