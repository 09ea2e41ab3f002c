/** @file
 * The pieces of 16-bit code in code16.S, each from its name to name_end.
 *
 * EAX is EBP when a piece has come back.
 */
#ifndef GUEST_TESTS_REAL_CODE16_H
#define GUEST_TESTS_REAL_CODE16_H

#include "bus/types.h"
#include "guest-tests/lib/real.h"

/* EBP = EBX + 5 */
extern const u8 code16_add[], code16_add_end[];
/* nothing */
extern const u8 code16_back[], code16_back_end[];
/* EBP = the 4 bytes at ESI, EBX + 1 */
extern const u8 code16_load[], code16_load_end[];
/* EBX to ESI, and no more */
extern const u8 code16_store[], code16_store_end[];
/* until the 4 bytes at ESI are EBX; EDX + 1 each */
extern const u8 code16_read_again[], code16_read_again_end[];
/* changes the next instruction: EBX + 1 */
extern const u8 code16_modify[], code16_modify_end[];
/* ECX bytes from ESI to EDI */
extern const u8 code16_pops[], code16_pops_end[];
/* TF over 6 instructions; traps counted in EDX */
extern const u8 code16_step[], code16_step_end[];
/* ... of which one is MOV SS */
extern const u8 code16_step_stack[], code16_step_stack_end[];
/* INT 21h: EBX = 77h, CF set in its FLAGS */
extern const u8 code16_call_21[], code16_call_21_end[];
/* by EBX; vector 0 counts in EDX and steps over it */
extern const u8 code16_divide[], code16_divide_end[];
/* until an interrupt has counted in EDX; ECX + 1 each */
extern const u8 code16_spin[], code16_spin_end[];
/* HLT until an interrupt has counted in EDX */
extern const u8 code16_sleep[], code16_sleep_end[];
/* UD2; vector 6 counts in EDX */
extern const u8 code16_undefined[], code16_undefined_end[];
/* RDMSR of ECX; vector 13 counts in EDX */
extern const u8 code16_no_msr[], code16_no_msr_end[];
/* an instruction that the emulator has not */
extern const u8 code16_unknown[], code16_unknown_end[];
/* DS:DI struct hypercall_bus_meeting, ESI the device, ECX rounds */
extern const u8 code16_rounds[], code16_rounds_end[];
/* big real mode by itself, DX its data; then load */
extern const u8 code16_valid[], code16_valid_end[];

/** Give its registers to a piece, and its code to CS. */
#define CODE16_PREPARE(r, name) real_prepare(r, name, name##_end)

#endif
