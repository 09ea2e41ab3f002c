/** @file
 * The decoder's stage for SIB byte and displacement.
 */
#ifndef EMULATOR_DECODE_ADDRESS_H
#define EMULATOR_DECODE_ADDRESS_H

#include "emulator/emulator.h"

/**
 * Take what follows a ModRM byte whose mod is not 3: sets base, index, scale,
 * rip_relative and displacement of e->insn.
 *
 * @return EMUL_DONE, or as cursor_need()
 */
enum emul_result __must_check decode_address_run(struct emulator *e);

#endif
