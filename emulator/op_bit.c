/** @file
 * Bits: BT and relatives, BSF, BSR, TZCNT, LZCNT, POPCNT.
 *
 * BT puts one bit into CF; BTS, BTR and BTC change it besides.  Where the
 * number of the bit is in a register and the bits are in memory, the number
 * may lie far beyond the operand: operand.c has found the cell that holds it,
 * and its low bits are looked at here.
 *
 * BSF and BSR of 0 set ZF and leave the destination as it is: the SDM calls
 * it undefined, processors do this, and programs rely on it.
 *
 * Flags that the SDM leaves undefined stay as they were.
 *
 * LOCK BTS and BTR on RAM are how kernels take bits of a bitmap; which of two
 * processors took it says CF, and memory_exchange() keeps it true.
 */
#include "emulator/op_bit.h"

#include "emulator/context.h"

/** Replace the flags of `which` by those of them that are in `flags`. */
static void set(struct alu *alu, u64 which, u64 flags)
{
	alu->flags = (alu->flags & ~which) | (flags & which);
}

/** How many bits there are below the lowest one that is set; value != 0. */
static unsigned int lowest(u64 value)
{
	return __builtin_ctzll(value);
}

/** The number of the highest bit that is set; value != 0. */
static unsigned int highest(u64 value)
{
	return 63 - __builtin_clzll(value);
}

/**
 * CF is the bit that is asked for.  Its number is taken modulo the operand's
 * width: of a register there is no more, and for memory the rest has chosen the
 * cell.
 * @return its mask
 */
static u64 test(struct alu *alu)
{
	u64 mask = BIT(alu->src & (8 * alu->size - 1));

	set(alu, RFLAGS_CF, alu->dst & mask ? RFLAGS_CF : 0);
	return mask;
}

enum emul_result op_bit_bt(struct emulator *e, struct alu *alu)
{
	(void)e;
	test(alu);
	return EMUL_DONE;
}

enum emul_result op_bit_bts(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst |= test(alu);
	return EMUL_DONE;
}

enum emul_result op_bit_btr(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst &= ~test(alu);
	return EMUL_DONE;
}

enum emul_result op_bit_btc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst ^= test(alu);
	return EMUL_DONE;
}

enum emul_result op_bit_bsf(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->discard = alu->src == 0;
	set(alu, RFLAGS_ZF, alu->discard ? RFLAGS_ZF : 0);
	alu->dst = alu->discard ? 0 : lowest(alu->src);
	return EMUL_DONE;
}

enum emul_result op_bit_bsr(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->discard = alu->src == 0;
	set(alu, RFLAGS_ZF, alu->discard ? RFLAGS_ZF : 0);
	alu->dst = alu->discard ? 0 : highest(alu->src);
	return EMUL_DONE;
}

/** The result of TZCNT and LZCNT: CF says that there was no bit set. */
static enum emul_result counted(struct alu *alu, u64 count)
{
	set(alu, RFLAGS_CF | RFLAGS_ZF,
	    (alu->src ? 0 : RFLAGS_CF) | (count ? 0 : RFLAGS_ZF));
	alu->dst = count;
	return EMUL_DONE;
}

/* Unlike BSF it has an answer for 0: the operand's width. */
enum emul_result op_bit_tzcnt(struct emulator *e, struct alu *alu)
{
	(void)e;
	return counted(alu, alu->src ? lowest(alu->src) : 8 * alu->size);
}

enum emul_result op_bit_lzcnt(struct emulator *e, struct alu *alu)
{
	unsigned int bits = 8 * alu->size;

	(void)e;
	return counted(alu, alu->src ? bits - 1 - highest(alu->src) : bits);
}

/* left & (left - 1) clears the lowest bit that is set: one step for each. */
enum emul_result op_bit_popcnt(struct emulator *e, struct alu *alu)
{
	u64 left;

	(void)e;
	alu->dst = 0;
	for (left = alu->src; left; left &= left - 1) {
		alu->dst++;
	}
	set(alu, FLAGS_STATUS, alu->src ? 0 : RFLAGS_ZF);
	return EMUL_DONE;
}
