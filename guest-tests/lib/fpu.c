/** @file
 * Making and comparing states of the FPU.
 */
#include "guest-tests/lib/fpu.h"

/** Rounding and precision of the x87, rounding of SSE: all are allowed. */
#define CONTROL(seed) (u16)(0x037f ^ (((seed) & 3) << 10))
#define MXCSR(seed) (u32)(0x1f80 ^ (((seed) & 3) << 13) ^ BIT(15))

#define TOP(status) ((status) >> 11 & 7)
#define REGISTERS 8

static void fill(u8 *at, u64 size, u8 seed)
{
	for (u64 i = 0; i < size; i++) {
		at[i] = (u8)(seed * 37 + i * 11 + 1);
	}
}

void fpu_make(struct fpu *out, u8 seed)
{
	*out = (struct fpu){
		.control = CONTROL(seed),
		.status = (u16)((seed & 7) << 11),
		.tags = 0xff,
		.mxcsr = MXCSR(seed),
	};
	for (unsigned int i = 0; i < REGISTERS; i++) {
		fill(out->st[i], 8, (u8)(seed + i));
		/* A normal number: the upper bit of its fraction is 1. */
		out->st[i][7] |= 0x80;
		out->st[i][8] = (u8)(i + 1);
		out->st[i][9] = 0x40;
	}
	for (unsigned int i = 0; i < 2 * REGISTERS; i++) {
		fill(out->xmm[i], 16, (u8)(seed + 3 * i));
	}
}

static bool same(const void *a, const void *b, u64 size)
{
	const u8 *x = a, *y = b;

	for (u64 i = 0; i < size; i++) {
		if (x[i] != y[i]) {
			return false;
		}
	}
	return true;
}

bool fpu_holds(const struct fpu *state)
{
	struct fpu now;

	fpu_save(&now);
	return now.control == state->control &&
	       TOP(now.status) == TOP(state->status) &&
	       now.tags == state->tags && now.mxcsr == state->mxcsr &&
	       same(now.st, state->st, sizeof(now.st)) &&
	       same(now.xmm, state->xmm, sizeof(now.xmm));
}
