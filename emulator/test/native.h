/** @file
 * The other emulator: the processor that runs the tests.
 *
 * An instruction is put between a prologue that loads sixteen registers and
 * the flags and an epilogue that stores them, and called.  It stands at a
 * fixed address and finds its memory at a fixed address, both below 2 GiB, so
 * that the same bytes mean the same in the emulator's little guest.
 */
#ifndef EMULATOR_TEST_NATIVE_H
#define EMULATOR_TEST_NATIVE_H

#include "bus/types.h"

/** Where the instruction stands. */
#define NATIVE_CODE 0x30000800ull

/** Two pages of memory for it. */
#define NATIVE_DATA 0x10000000ull

/** What an instruction finds, and what it leaves behind. */
struct native_state {
	u64 gpr[16]; /* RAX first; RSP is loaded like any other */
	u64 rflags;  /* status flags and DF */
	u64 xmm[16][2];
	u8 bytes[16];
	unsigned int length;
};

/** Execute state->bytes on the processor, on the memory at NATIVE_DATA. */
void native_run(struct native_state *state);

/** The selector of a segment register, by its number. */
u16 native_selector(unsigned int which);

/** The memory at NATIVE_DATA, PAGE_SIZE * 2 bytes. */
u8 *native_data(void);

#endif
