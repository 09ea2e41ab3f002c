/** @file
 * The FPU and SSE registers, all at once.
 *
 *	fpu_make(&mine, 1);
 *	fpu_load(&mine);
 *	...				exits, faults, whatever
 *	CHECK_TRUE(fpu_holds(&mine), "...");
 *
 * Nothing else in a guest program uses these registers: the compiler is told
 * not to.
 */
#ifndef GUEST_TESTS_LIB_FPU_H
#define GUEST_TESTS_LIB_FPU_H

#include "bus/types.h"

/* At reset, or after FNINIT - SDM 3A table 9-1, SDM 1 8.1.5, 10.2.3 */
#define FPU_FCW_INIT 0x037f
#define FPU_MXCSR_INIT 0x1f80

/** What FXSAVE64 writes - SDM 1 table 10-2. */
struct fpu {
	u16 control, status;
	u8 tags; /* a bit for each register in use */
	u8 unused;
	u16 opcode;
	u64 instruction, data; /* of the last x87 instruction */
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16]; /* 10 bytes each */
	u8 xmm[16][16];
	u8 reserved[96];
} __aligned(16);

/** A state that differs from that of any other seed in each register. */
void fpu_make(struct fpu *out, u8 seed);

static inline void fpu_load(const struct fpu *from)
{
	asm volatile("fxrstor64 %0" : : "m"(*from));
}

static inline void fpu_save(struct fpu *to)
{
	asm volatile("fxsave64 %0" : "=m"(*to));
}

/** Is this what the registers hold? All but where the last x87 instruction
 * was, which an emulator may not keep. */
bool fpu_holds(const struct fpu *state);

#endif
