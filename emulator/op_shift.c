/** @file
 * Shifts and rotations.
 *
 * The count is cut to 5 bits, or 6 for 64-bit operands; a count of 0 changes
 * no flag.  CF is the last bit that was pushed out.  OF is defined for a count
 * of 1 only (it says whether the sign has changed); for others we apply the
 * same formula.  Beyond the operand's width, which 8 and 16 bits allow, SHL
 * and SHR push out zeroes.
 *
 *	          in at the empty end          flags
 *	SHL, SHR  0                            all; AF undefined
 *	SAR       the sign                     all; AF undefined
 *	ROL, ROR  what goes out                CF, OF
 *	RCL, RCR  CF, and what goes out to CF  CF, OF
 *	SHLD, RD  the source's bits            all; AF undefined
 *
 * alu->dst has no bits above its size when these begin, so what is shifted down
 * needs no mask.  No shift in C is by the value's own width, which would be
 * undefined there: a count of 0 has returned before.
 */
#include "emulator/op_shift.h"

#include "emulator/context.h"

/** The count as the processor takes it. */
static unsigned int count_of(const struct alu *alu, u64 count)
{
	return count & (alu->size == 8 ? 63 : 31);
}

static unsigned int bits_of(const struct alu *alu)
{
	return 8 * alu->size;
}

/** The sign of a value in the operand's size. */
static u64 top(const struct alu *alu, u64 value)
{
	return value >> (bits_of(alu) - 1) & 1;
}

/** A rotation's flags: CF and OF, no others. */
static enum emul_result rotated(struct alu *alu, u64 carry, u64 overflow)
{
	alu->flags &= ~(RFLAGS_CF | RFLAGS_OF);
	alu->flags |= carry | (overflow ? RFLAGS_OF : 0);
	return EMUL_DONE;
}

/** A shift's flags: all of them, those of the result among them. */
static enum emul_result shifted(struct alu *alu, u64 carry, u64 overflow)
{
	alu->dst = flags_logic(alu, alu->dst);
	return rotated(alu, carry, overflow);
}

/** Whether the two highest bits differ: the sign before and after one step. */
static u64 tops_differ(const struct alu *alu)
{
	return top(alu, alu->dst) ^ top(alu, alu->dst << 1);
}

/** A rotation by n to the left, n less than the operand's width. */
static void rotate(struct alu *alu, unsigned int n)
{
	u64 value = alu->dst;

	if (n) {
		alu->dst = value << n | value >> (bits_of(alu) - n);
		alu->dst &= context_mask(alu->size);
	}
}

enum emul_result op_shift_rol(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_of(alu, alu->src);
	u64 carry;

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	rotate(alu, count % bits_of(alu));
	carry = alu->dst & 1;
	return rotated(alu, carry, top(alu, alu->dst) ^ carry);
}

/* To the right by n is to the left by the width minus n. */
enum emul_result op_shift_ror(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_of(alu, alu->src);

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	rotate(alu, -count % bits_of(alu));
	return rotated(alu, top(alu, alu->dst), tops_differ(alu));
}

/** Through CF the operand has one bit more, and the count wraps there. */
static unsigned int count_with_carry(const struct alu *alu)
{
	return count_of(alu, alu->src) % (bits_of(alu) + 1);
}

/*
 * One bit after the other: CF stands between what goes out and what comes in,
 * and nobody's speed hangs on it.
 */
enum emul_result op_shift_rcl(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_with_carry(alu);
	u64 carry = alu->flags & RFLAGS_CF, out;

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	for (; count; count--, carry = out) {
		out = top(alu, alu->dst);
		alu->dst = alu->dst << 1 | carry;
	}
	return rotated(alu, carry, top(alu, alu->dst) ^ carry);
}

enum emul_result op_shift_rcr(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_with_carry(alu);
	u64 carry = alu->flags & RFLAGS_CF, out;

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	for (; count; count--, carry = out) {
		out = alu->dst & 1;
		alu->dst = alu->dst >> 1 | carry << (bits_of(alu) - 1);
	}
	return rotated(alu, carry, tops_differ(alu));
}

enum emul_result op_shift_shl(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_of(alu, alu->src), bits = bits_of(alu);
	u64 carry;

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	carry = count <= bits ? alu->dst >> (bits - count) & 1 : 0;
	alu->dst <<= count;
	return shifted(alu, carry, top(alu, alu->dst) ^ carry);
}

enum emul_result op_shift_shr(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_of(alu, alu->src);
	u64 carry;

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	carry = alu->dst >> (count - 1) & 1;
	alu->dst >>= count;
	return shifted(alu, carry, tops_differ(alu));
}

/* OF is always 0: the sign that comes in is the one that was there. */
enum emul_result op_shift_sar(struct emulator *e, struct alu *alu)
{
	unsigned int count = count_of(alu, alu->src);
	s64 value = (s64)context_sign_extend(alu->dst, alu->size);

	(void)e;
	if (!count) {
		return EMUL_DONE;
	}
	alu->dst = (u64)(value >> count);
	return shifted(alu, value >> (count - 1) & 1, 0);
}

/** SHLD, SHRD: the count is the immediate or CL. */
static unsigned int double_count(const struct emulator *e,
				 const struct alu *alu)
{
	u64 count = e->insn.immediate;

	if (e->insn.row.third == CL) {
		count = context_register(e, REG_RCX);
	}
	return count_of(alu, count);
}

/**
 * Destination and source side by side in 16 bits: a count beyond 16, which is
 * undefined, meets the destination once more.
 */
static u64 three_words(const struct alu *alu)
{
	return alu->dst << 32 | alu->src << 16 | alu->dst;
}

/*
 * Bits of the source come in at the destination's end, as if the two were one
 * value of twice the size; OF says whether the sign has changed.
 */
enum emul_result op_shift_shld(struct emulator *e, struct alu *alu)
{
	unsigned int count = double_count(e, alu), bits = bits_of(alu);
	u64 before = alu->dst, carry;

	if (!count) {
		return EMUL_DONE;
	}
	if (alu->size == 2) {
		carry = three_words(alu) >> (48 - count) & 1;
		alu->dst = three_words(alu) << count >> 32;
	} else {
		carry = before >> (bits - count) & 1;
		alu->dst = before << count | alu->src >> (bits - count);
	}
	return shifted(alu, carry, top(alu, alu->dst ^ before));
}

enum emul_result op_shift_shrd(struct emulator *e, struct alu *alu)
{
	unsigned int count = double_count(e, alu), bits = bits_of(alu);
	u64 before = alu->dst, carry;

	if (!count) {
		return EMUL_DONE;
	}
	if (alu->size == 2) {
		carry = three_words(alu) >> (count - 1) & 1;
		alu->dst = three_words(alu) >> count;
	} else {
		carry = before >> (count - 1) & 1;
		alu->dst = before >> count | alu->src << (bits - count);
	}
	return shifted(alu, carry, top(alu, alu->dst ^ before));
}
