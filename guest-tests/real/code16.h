/** @file
 * The pieces of 16-bit code in code16.S, each from its name to the next.
 */
#ifndef GUEST_TESTS_REAL_CODE16_H
#define GUEST_TESTS_REAL_CODE16_H

#include "bus/types.h"

/** EAX = 5 + EBX, and back. */
extern const u8 code16_add[], code16_add_end[];

#endif
