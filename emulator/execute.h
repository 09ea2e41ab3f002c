/** @file
 * One operation: read, read, compute, write, flags.
 */
#ifndef EMULATOR_EXECUTE_H
#define EMULATOR_EXECUTE_H

#include "emulator/emulator.h"

/**
 * Carry the decoded instruction out once, on e->insn's operands.
 *
 * Registers and flags go to the pass' own copies (e->out, e->new_rflags);
 * memory and devices are touched for real, so every operand is read before
 * anything is written.
 *
 * @return EMUL_DONE, or what reading or writing an operand returned
 */
enum emul_result __must_check execute_run(struct emulator *e);

#endif
