/** @file
 * What the tests of lab 3 share: two places for devices, and flags.
 */
#ifndef GUEST_TESTS_LAB3_LAB3_H
#define GUEST_TESTS_LAB3_LAB3_H

#include "guest-tests/lib/test.h"

/** Two pages in which a test may put a device each. */
#define HERE DEVICE_FREE_GPA
#define THERE (DEVICE_FREE_GPA + 0x10000)

/* RFLAGS - SDM 1 3.4.3 */
#define FLAG_CF BIT(0)
#define FLAG_ZF BIT(6)
#define FLAG_SF BIT(7)
#define FLAG_OF BIT(11)
#define FLAG_RF BIT(16)

/* Registers by their numbers, in struct hypercall_io_state. */
#define RAX 0
#define RCX 1
#define RSP 4
#define RSI 6
#define RDI 7

#endif
