/** @file
 * The other emulator: the processor that runs the tests.
 *
 * An instruction is put behind a prologue that loads the registers and the
 * flags and before an epilogue that stores them, and called: in 64-bit code,
 * in 32-bit code, or in 16-bit code.  It stands at a fixed address and finds
 * its memory at a fixed address, so that the same bytes mean the same in the
 * emulator's little guest.  A jump may end at NATIVE_LANDING, and a fault is
 * noted: its vector and error code are results like any other.
 */
#ifndef EMULATOR_TEST_NATIVE_H
#define EMULATOR_TEST_NATIVE_H

#include "bus/types.h"

/** Where the instruction stands; 16-bit code has its segment's base there. */
#define NATIVE_CODE	 0x30000800ull
#define NATIVE_CODE_BASE 0x30000000ull

/** Where it may jump. */
#define NATIVE_LANDING (NATIVE_CODE + 0x60)

/** Two pages of memory for it; the base of data segments in 16-bit code. */
#define NATIVE_DATA 0x10000000ull

/** No exception. */
#define NATIVE_NO_FAULT (-1)

/** What an instruction finds, and what it leaves behind. */
struct native_state {
	u64 gpr[16]; /* RAX first; RSP is loaded like any other; 32 bits each
		      * and eight of them outside 64-bit mode */
	u64 rflags;  /* status flags, DF and what else CPL 3 may set */
	u64 xmm[16][2];
	u8 bytes[16];
	unsigned int length;
	unsigned int mode; /* enum emul_mode; 0 is MODE_64 */

	/* results */
	bool landed;	/* it went to NATIVE_LANDING */
	int vector;	/* of an exception, or NATIVE_NO_FAULT */
	u32 error_code; /* of a vector that has one */
};

/**
 * Begin a test in that mode: signals are taken over, which cmocka has taken
 * back since the last one.  @return whether this machine runs such code
 */
bool native_begin(unsigned int mode);

/** Execute state->bytes on the processor, on the memory at NATIVE_DATA. */
void native_run(struct native_state *state);

/** The selector in a segment register, by its number, in code of that mode. */
u16 native_selector(unsigned int mode, unsigned int which);

/** The memory at NATIVE_DATA, PAGE_SIZE * 2 bytes. */
u8 *native_data(void);

#endif
