/** @file
 * The status flags, in plain C.
 *
 * Each is a formula over the operands' and the result's bits (SDM 1 3.4.3.1),
 * so that no flag of the machine that runs this is looked at and the very
 * same code is checked against the processor by a host test: all inputs at 8
 * bits, random ones and edges at the other widths.
 *
 *	carry out of bit i of a + b = r:   (a & b) | ((a | b) & ~r), bit i
 *	borrow into bit i of a - b = r:    (~a & b) | ((~a | b) & r), bit i
 *	CF: carry or borrow at the top bit    AF: the same at bit 3
 *	OF: the operands' signs and the result's cannot all be right
 *	PF: the result's low byte has an even number of ones
 *
 * The logical operations clear CF and OF and leave AF undefined in the SDM;
 * every processor clears it, and so does this.
 */
#include "emulator/flags.h"

#define CF BIT(0)
#define PF BIT(2)
#define AF BIT(4)
#define ZF BIT(6)
#define SF BIT(7)
#define OF BIT(11)

/** ZF, SF and PF of a result in size bytes. */
static u64 of_result(u64 result, unsigned int size)
{
	/* Fold the low byte to four bits; 0x9669 marks the even ones. */
	unsigned int fold = (result ^ result >> 4) & 0xf;
	u64 flags = (0x9669u >> fold & 1) << 2;

	flags |= result ? 0 : ZF;
	return flags | (result >> (8 * size - 1) << 7 & SF);
}

/** CF, AF and OF, from the top bit of carries and overflow and from bit 3. */
static u64 of_carries(u64 carries, u64 overflow, unsigned int size)
{
	unsigned int top = 8 * size - 1;

	return (carries >> top & 1) | (carries >> 3 & 1) << 4 |
	       (overflow >> top & 1) << 11;
}

/** What arithmetic does not set, IF or DF for example, stays. */
static void set(struct alu *alu, u64 flags)
{
	alu->flags = (alu->flags & ~FLAGS_STATUS) | flags;
}

static u64 size_mask(unsigned int size)
{
	return ~0ull >> (64 - 8 * size);
}

u64 flags_add(struct alu *alu, bool with_carry)
{
	u64 a = alu->dst, b = alu->src;
	u64 sum = a + b + (with_carry ? alu->flags & CF : 0);
	u64 carries = (a & b) | ((a | b) & ~sum);
	u64 result = sum & size_mask(alu->size);

	set(alu, of_result(result, alu->size) |
			 of_carries(carries, (a ^ sum) & (b ^ sum), alu->size));
	return result;
}

/*
 * The operands' signs differ and the result's is not that of the first: it has
 * overflowed.  An addition does when both have one sign and the sum the other.
 */
u64 flags_subtract(struct alu *alu, bool with_borrow)
{
	u64 a = alu->dst, b = alu->src;
	u64 difference = a - b - (with_borrow ? alu->flags & CF : 0);
	u64 borrows = (~a & b) | ((~a | b) & difference);
	u64 result = difference & size_mask(alu->size);

	set(alu,
	    of_result(result, alu->size) |
		    of_carries(borrows, (a ^ b) & (a ^ difference), alu->size));
	return result;
}

u64 flags_logic(struct alu *alu, u64 result)
{
	result &= size_mask(alu->size);
	set(alu, of_result(result, alu->size));
	return result;
}

/* INC and DEC are an addition and a subtraction of 1 that spare CF. */
u64 flags_increment(struct alu *alu)
{
	u64 carry = alu->flags & CF;
	u64 result;

	alu->src = 1;
	result = flags_add(alu, false);
	alu->flags = (alu->flags & ~CF) | carry;
	return result;
}

u64 flags_decrement(struct alu *alu)
{
	u64 carry = alu->flags & CF;
	u64 result;

	alu->src = 1;
	result = flags_subtract(alu, false);
	alu->flags = (alu->flags & ~CF) | carry;
	return result;
}

u64 flags_negate(struct alu *alu)
{
	alu->src = alu->dst;
	alu->dst = 0;
	return flags_subtract(alu, false);
}
