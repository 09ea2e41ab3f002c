/** @file
 * Far JMP and CALL through a call gate.
 */
#ifndef EMULATOR_CALL_GATE_H
#define EMULATOR_CALL_GATE_H

#include "emulator/context.h"

/**
 * Go through the gate (SDM 2A JMP, CALL; 3A 5.8.4).
 *
 * @param selector  of a system segment
 * @return EMUL_DONE; EMUL_FAULT: #GP, #NP, #SS, #TS, #PF; EMUL_UNHANDLEABLE for
 *         a task
 */
enum emul_result __must_check call_gate_jmp(struct emulator *e, u16 selector);
enum emul_result __must_check call_gate_call(struct emulator *e, u16 selector);

#endif
