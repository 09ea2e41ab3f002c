/** @file
 * Decimal arithmetic: DAA, DAS, AAA, AAS, AAM, AAD.
 *
 * Two decimal digits in AL (packed), or one each in AH and AL (unpacked),
 * adjusted after an addition or subtraction, before a division or after a
 * multiplication.  64-bit mode has none of it.
 *
 * The processor adds in hexadecimal: 08h + 05h is 0Dh.  Where a digit went over
 * 9, six more make it what it should be, with the carry in the right place:
 * 0Dh + 06h is 13h.  AF and CF say that a digit went over 15, which its bits do
 * not show any more.
 */
#include "emulator/op_decimal.h"

#include "emulator/context.h"

static u8 al_of(const struct emulator *e)
{
	return (u8)context_register(e, REG_RAX);
}

static u8 ah_of(const struct emulator *e)
{
	return (u8)(context_register(e, REG_RAX) >> 8);
}

/** The flags of AL as a result, with these for CF and AF. */
static enum emul_result set_flags(struct emulator *e, struct alu *alu,
				  u64 carries)
{
	alu->size = 1;
	flags_logic(alu, al_of(e));
	alu->flags |= carries;
	return EMUL_DONE;
}

/** DAA, DAS: which digits went over 9; 6 is to be added or taken for each. */
static u64 packed_carries(const struct emulator *e, u64 flags)
{
	u64 carries = flags & (RFLAGS_CF | RFLAGS_AF);

	if ((al_of(e) & 0xf) > 9) {
		carries |= RFLAGS_AF;
	}
	if (al_of(e) > 0x99) {
		carries |= RFLAGS_CF;
	}
	return carries;
}

/** Six for the low digit, sixty for the high one, in hexadecimal. */
static u8 packed_adjustment(u64 carries)
{
	return (carries & RFLAGS_AF ? 0x06 : 0) |
	       (carries & RFLAGS_CF ? 0x60 : 0);
}

enum emul_result op_decimal_daa(struct emulator *e, struct alu *alu)
{
	u64 carries = packed_carries(e, alu->flags);
	u8 al = al_of(e) + packed_adjustment(carries);

	context_merge_register(e, REG_RAX, al, 1);
	return set_flags(e, alu, carries);
}

/** Taking 6 from a low digit may borrow from the high one: CF as well. */
enum emul_result op_decimal_das(struct emulator *e, struct alu *alu)
{
	u64 carries = packed_carries(e, alu->flags);
	u8 al = al_of(e) - packed_adjustment(carries);

	if ((carries & RFLAGS_AF) && al_of(e) < 6) {
		carries |= RFLAGS_CF;
	}
	context_merge_register(e, REG_RAX, al, 1);
	return set_flags(e, alu, carries);
}

/**
 * AAA, AAS: by is 106h or its negative, added to AX if AL went over 9: six for
 * the digit in AL, one for that in AH.
 */
static enum emul_result adjust_unpacked(struct emulator *e, struct alu *alu,
					int by)
{
	u16 ax = (u16)context_register(e, REG_RAX);
	bool over = (ax & 0xf) > 9 || (alu->flags & RFLAGS_AF);
	u64 carries = over ? RFLAGS_CF | RFLAGS_AF : 0;

	ax = (ax + (over ? by : 0)) & 0xff0f;
	context_merge_register(e, REG_RAX, ax, 2);
	alu->flags = (alu->flags & ~(RFLAGS_CF | RFLAGS_AF)) | carries;
	return EMUL_DONE;
}

enum emul_result op_decimal_aaa(struct emulator *e, struct alu *alu)
{
	return adjust_unpacked(e, alu, 0x106);
}

enum emul_result op_decimal_aas(struct emulator *e, struct alu *alu)
{
	return adjust_unpacked(e, alu, -0x106);
}

/** AL is divided by the base, which is 10 in all programs. */
enum emul_result op_decimal_aam(struct emulator *e, struct alu *alu)
{
	u8 base = (u8)alu->src, al = al_of(e);

	if (!base) {
		return context_fault(e, VECTOR_DE);
	}
	context_merge_register(e, REG_RAX, al % base | al / base << 8, 2);
	return set_flags(e, alu, 0);
}

/* Two digits, AH and AL, become a number: AH * base + AL; AH is 0 then. */
enum emul_result op_decimal_aad(struct emulator *e, struct alu *alu)
{
	u8 al = al_of(e) + ah_of(e) * (u8)alu->src;

	context_merge_register(e, REG_RAX, al, 2);
	return set_flags(e, alu, 0);
}
