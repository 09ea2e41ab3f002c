/** @file
 * From bytes to struct insn: stage after stage, each with its grammar.
 */
#ifndef EMULATOR_DECODE_H
#define EMULATOR_DECODE_H

#include "emulator/emulator.h"

/**
 * Fetch and decode the instruction at e->rip into e->insn.  Sets insn.mode if
 * the same bytes need not be decoded again.
 *
 * @return EMUL_DONE; EMUL_FAULT: #PF on the fetch, #GP(0) for more than 15
 *         bytes, #UD for an encoding that is none; EMUL_UNHANDLEABLE: no row
 *         for the opcode, or code that is not in RAM; EMUL_RETRY
 */
enum emul_result __must_check decode_run(struct emulator *e);

#endif
