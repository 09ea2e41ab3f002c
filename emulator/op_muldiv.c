/** @file
 * Multiplication and division.
 *
 * With one operand both factors' product is twice as wide: AX, or rDX:rAX.
 * Division goes the other way and ends in #DE if the quotient does not fit,
 * which includes division by 0.  128 bits are divided bit by bit, as on paper;
 * the compiler's own way would be a library's function.
 *
 * MUL and IMUL say in CF and OF whether the product needs its upper half; the
 * other flags are undefined and stay as they were, as after division.
 *
 *	bytes      factor, quotient   remainder   product, dividend
 *	1          AL                 AH          AX
 *	2, 4, 8    rAX                rDX         rDX:rAX
 */
#include "emulator/op_muldiv.h"

#include "emulator/context.h"

typedef unsigned __int128 u128;

/** rDX:rAX, or AX for 8 bits. */
static u128 wide_accumulator(const struct emulator *e, unsigned int size)
{
	u64 low = context_register(e, REG_RAX);
	u64 high = context_register(e, REG_RDX);

	if (size == 1) {
		return low & 0xffff;
	}
	low &= context_mask(size);
	return (u128)(high & context_mask(size)) << (8 * size) | low;
}

/** Both halves of a product; or a quotient as low and its remainder as high. */
static void set_wide_accumulator(struct emulator *e, u64 low, u64 high,
				 unsigned int size)
{
	if (size == 1) {
		low = (low & 0xff) | (high & 0xff) << 8;
		context_merge_register(e, REG_RAX, low, 2);
		return;
	}
	context_merge_register(e, REG_RAX, low, size);
	context_merge_register(e, REG_RDX, high, size);
}

static void set_overflow(struct alu *alu, bool overflow)
{
	alu->flags &= ~(RFLAGS_CF | RFLAGS_OF);
	alu->flags |= overflow ? RFLAGS_CF | RFLAGS_OF : 0;
}

/* The product is in full in 128 bits, whatever the size: nothing is lost. */
enum emul_result op_muldiv_mul(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.src.size;
	u64 factor = context_register(e, REG_RAX) & context_mask(size);
	u128 product = (u128)factor * alu->src;
	u64 high = (u64)(product >> (8 * size));

	set_wide_accumulator(e, (u64)product, high, size);
	set_overflow(alu, high != 0);
	return EMUL_DONE;
}

/** The signed product of two values in size bytes. */
static u128 signed_product(u64 a, u64 b, unsigned int size)
{
	return (u128)((__int128)(s64)context_sign_extend(a, size) *
		      (s64)context_sign_extend(b, size));
}

/** Whether a signed product is more than its lower half, sign-extended. */
static bool needs_upper_half(u128 product, unsigned int size)
{
	s64 low = (s64)context_sign_extend((u64)product, size);

	return (u128)(__int128)low != product;
}

enum emul_result op_muldiv_imul(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.src.size;
	u64 factor = context_register(e, REG_RAX);
	u128 product = signed_product(factor, alu->src, size);

	set_wide_accumulator(e, (u64)product, (u64)(product >> (8 * size)),
			     size);
	set_overflow(alu, needs_upper_half(product, size));
	return EMUL_DONE;
}

/** Two operands, or three: then the destination is not a factor. */
enum emul_result op_muldiv_imul_reg(struct emulator *e, struct alu *alu)
{
	u64 factor = e->insn.row.third == None ? alu->dst : e->insn.immediate;
	u128 product = signed_product(factor, alu->src, alu->size);

	alu->dst = (u64)product;
	set_overflow(alu, needs_upper_half(product, alu->size));
	return EMUL_DONE;
}

/** A dividend, and what division makes of it. */
struct division {
	u128 dividend;
	u64 quotient;
	u64 remainder;
};

/**
 * Divide, unless the quotient would need more than 64 bits.
 *
 * rest is what the digits so far have left, always less than the divisor; each
 * step brings down the next bit of the dividend and asks whether the divisor
 * goes into it once.  The quotient grows in `left` from below while the
 * dividend leaves it at the top.  carry is the 65th bit of rest.
 */
static bool divide(struct division *d, u64 divisor)
{
	u64 rest = (u64)(d->dividend >> 64), left = (u64)d->dividend;
	unsigned int i;

	if (rest >= divisor) {
		return false;
	}
	for (i = 0; i < 64; i++) {
		bool carry = rest >> 63;

		rest = rest << 1 | left >> 63;
		left <<= 1;
		if (carry || rest >= divisor) {
			rest -= divisor;
			left |= 1;
		}
	}
	d->quotient = left;
	d->remainder = rest;
	return true;
}

/* #DE is a fault: RIP is at the division, rAX and rDX are as they were. */
enum emul_result op_muldiv_div(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.src.size;
	struct division d = { .dividend = wide_accumulator(e, size) };

	if (!divide(&d, alu->src) || d.quotient > context_mask(size)) {
		return context_fault(e, VECTOR_DE);
	}
	set_wide_accumulator(e, d.quotient, d.remainder, size);
	return EMUL_DONE;
}

/**
 * Divide the absolute values; the remainder has the dividend's sign.
 *
 * The quotient may be -2^(n-1) but not +2^(n-1), hence `most`.  `unused` are
 * the bits of 128 above the dividend; up and down again they become its sign.
 */
enum emul_result op_muldiv_idiv(struct emulator *e, struct alu *alu)
{
	unsigned int size = e->insn.src.size, unused = 128 - 16 * size;
	s64 divisor = (s64)context_sign_extend(alu->src, size);
	__int128 value = (__int128)(wide_accumulator(e, size) << unused) >>
			 unused;
	struct division d = { .dividend = value < 0 ? -(u128)value
						    : (u128)value };
	bool negative = (value < 0) != (divisor < 0);
	u64 most = (context_mask(size) >> 1) + negative;

	if (!divide(&d, divisor < 0 ? -(u64)divisor : (u64)divisor) ||
	    d.quotient > most) {
		return context_fault(e, VECTOR_DE);
	}
	set_wide_accumulator(e, negative ? -d.quotient : d.quotient,
			     value < 0 ? -d.remainder : d.remainder, size);
	return EMUL_DONE;
}
