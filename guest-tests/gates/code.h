/** @file
 * The code that stays as it is (code.S), each piece from its name to name_end.
 */
#ifndef GUEST_TESTS_GATES_CODE_H
#define GUEST_TESTS_GATES_CODE_H

#include "bus/types.h"

/* 16 bits, real mode: loads the arena's tables, and goes there. */
extern const u8 code_begin[], code_begin_end[];
/* 32 bits: handlers, at ARENA_HANDLERS */
extern const u8 code_handlers[], code_handlers_end[];
/* places in them */
extern const u8 code_enter[];	  /* from real mode */
extern const u8 code_common[];	  /* behind a vector's number: the end */
extern const u8 code_return[];	  /* of INT n: IRET */
extern const u8 code_return_16[]; /* the same from a gate of 16 bits */
extern const u8 code_step[];	  /* #DB: counts */
extern const u8 code_number[];	  /* the hypercall's number, four bytes */

#endif
