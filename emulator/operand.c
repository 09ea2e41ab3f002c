/** @file
 * Operands: from an operand code to a place, and from the place to a value.
 *
 * A place is a register, some memory, or the instruction itself.  The
 * effective address of memory is base + index * scale + displacement, where
 * RIP-relative addresses count from the *next* instruction (SDM 2A 2.2.1.6),
 * which is why places are found only when the last byte has been decoded.
 * Addresses are made from registers later, when the instruction is about to
 * run, so that an instruction met again need not be decoded again.
 * The sum is cut to the address size; the segment's base comes on top when
 * memory.c makes the linear address.
 *
 * Byte registers 4 to 7 are AH, CH, DH and BH, unless there is a REX prefix:
 * then they are SPL, BPL, SIL, DIL (SDM 1 3.4.1.1).
 */
#include "emulator/operand.h"

#include "emulator/operations.h"
#include "emulator/stack.h"

/**
 * base + index * scale + displacement, in the address size.
 *
 * It is computed before the first pass, from the vCPU's own registers, and
 * stays for all passes: in XADD or POP the instruction changes a register that
 * its address is made of, and pass 2 must find the address of pass 1.
 *
 * The sum may wrap, and the mask cuts it: with 16-bit addresses BX + SI beyond
 * FFFFh begins at 0 again.  A base and a displacement is what compilers make of
 * nearly all accesses to a device register; hence the short way for it.
 */
static u64 effective_address(const struct emulator *e)
{
	const struct insn *insn = &e->insn;
	u64 address = (u64)insn->displacement;

	if (likely(insn->base_only)) {
		return (address + e->gpr[insn->base]) & insn->address_mask;
	}
	if (insn->base != REG_NONE) {
		address += e->gpr[insn->base];
	}
	if (insn->index != REG_NONE) {
		address += e->gpr[insn->index] << insn->scale;
	}
	if (insn->rip_relative) {
		address += e->rip + insn->length;
	}
	return address & insn->address_mask;
}

/** Where an operand code says that the operand is. */
enum place {
	NOWHERE,
	IN_RM,		/* E */
	IN_REG,		/* G */
	IN_OPCODE,	/* Z: the low three bits, widened by REX.B */
	IN_FIXED,	/* the register that the table says */
	IN_IMMEDIATE,	/* I, J */
	AT_SOURCE,	/* X */
	AT_DESTINATION, /* Y: always in ES */
	/* seldom: place_rest() */
	IN_ADDRESS, /* M: the effective address itself */
	IN_RM_WORD, /* E, but memory has 2 bytes */
	IN_RM_XMM,  /* W */
	IN_REG_XMM, /* V */
	IN_SPECIAL, /* S, C, D */
	IS_ONE,
	AT_OFFSET, /* O */
	AT_TABLE,  /* rBX + AL */
	ON_STACK,
};

/** What an operand code means. */
struct code {
	u8 place;    /* enum place */
	u8 sizes[3]; /* bytes, with an operand size of 2, 4, 8 */
	u8 reg;	     /* IN_FIXED */
} __aligned(8); /* an index is a shift */

/* A row leaves out its last column where it is empty: it is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/*
 * The letters of the SDM for them; s, a and p stand in the table itself.
 *
 * A column for each operand size; sizes[operand_size >> 2] makes 0, 1, 2 of 2,
 * 4, 8.  So [Gv] = { IN_REG, V } reads: the register that ModRM's reg names, 2,
 * 4 or 8 bytes of it; and z differs from v only in that it stops at four, since
 * there are no immediates of 8 bytes but in one MOV.
 */
#define B  { 1, 1, 1 }
#define W  { 2, 2, 2 }
#define D  { 4, 4, 4 }
#define Q  { 8, 8, 8 }
#define DQ { 16, 16, 16 }
#define V  { 2, 4, 8 }
#define Y  { 4, 4, 8 }
#define Z  { 2, 4, 4 }

static const struct code codes[OPERAND_CODE_COUNT] = {
	[None] = { NOWHERE, V },
	[Eb] = { IN_RM, B },
	[Ew] = { IN_RM, W },
	[Ed] = { IN_RM, Z },
	[Ev] = { IN_RM, V },
	[Ey] = { IN_RM, Y },
	[Es] = { IN_RM_WORD, V },
	[Ry] = { IN_RM, Y },
	[Gb] = { IN_REG, B },
	[Gw] = { IN_REG, W },
	[Gv] = { IN_REG, V },
	[Gy] = { IN_REG, Y },
	[M] = { IN_ADDRESS, V },
	[Ma] = { IN_RM, { 4, 8, 16 } },
	[Mp] = { IN_RM, { 4, 6, 10 } },
	[Ms] = { IN_RM, { 6, 6, 10 } },
	[Mv] = { IN_RM, V },
	[My] = { IN_RM, Y },
	[Mq] = { IN_RM, Q },
	[Mdq] = { IN_RM, DQ },
	[Mpair] = { IN_RM, { 8, 8, 16 } },
	[ModRM] = { NOWHERE, V },
	[Sw] = { IN_SPECIAL, W },
	[Cy] = { IN_SPECIAL, V },
	[Dy] = { IN_SPECIAL, V },
	[Wd] = { IN_RM_XMM, D },
	[Wq] = { IN_RM_XMM, Q },
	[Wdq] = { IN_RM_XMM, DQ },
	[Vdq] = { IN_REG_XMM, DQ },
	[Ib] = { IN_IMMEDIATE, V },
	[Iw] = { IN_IMMEDIATE, V },
	[Iz] = { IN_IMMEDIATE, V },
	[Iv] = { IN_IMMEDIATE, V },
	[Jb] = { IN_IMMEDIATE, V },
	[Jz] = { IN_IMMEDIATE, V },
	[Ob] = { AT_OFFSET, B },
	[Ov] = { AT_OFFSET, V },
	[Zb] = { IN_OPCODE, B },
	[Zv] = { IN_OPCODE, V },
	[AL] = { IN_FIXED, B, REG_RAX },
	[eAX] = { IN_FIXED, Z, REG_RAX },
	[rAX] = { IN_FIXED, V, REG_RAX },
	[CL] = { IN_FIXED, B, REG_RCX },
	[DX] = { IN_FIXED, W, REG_RDX },
	[One] = { IS_ONE, B },
	[Table] = { AT_TABLE, B },
	[Xb] = { AT_SOURCE, B },
	[Xv] = { AT_SOURCE, V },
	[Xz] = { AT_SOURCE, Z },
	[Yb] = { AT_DESTINATION, B },
	[Yv] = { AT_DESTINATION, V },
	[Yz] = { AT_DESTINATION, Z },
	[Stack] = { ON_STACK, V },
};

/**
 * Without REX, the byte registers 4 to 7 are the second bytes of the first four
 * registers; reg and shift say so, and who reads or writes needs no table.
 */
static inline void place_register(const struct insn *insn,
				  struct operand *operand, unsigned int reg)
{
	operand->kind = OPERAND_REGISTER;
	operand->shift = 0;
	if (operand->size == 1 && reg >= 4 && reg < 8 && !insn->rex) {
		reg -= 4;
		operand->shift = 8;
	}
	operand->reg = reg;
}

/** Memory in the instruction's segment; `from` says where in it. */
static inline void place_memory(const struct insn *insn,
				struct operand *operand, enum operand_from from)
{
	operand->kind = OPERAND_MEMORY;
	operand->segment = insn->segment;
	operand->flat = insn->flat;
	operand->from = from;
	operand->at.size = operand->size;
}

/**
 * Memory in a segment that no prefix replaces: ES, SS.  A prefix that stands
 * there all the same is for the other operand, as in FS: MOVS, whose source is
 * in FS and whose destination stays in ES.
 */
static inline void place_fixed(const struct emulator *e,
			       struct operand *operand,
			       enum emul_segment segment,
			       enum operand_from from)
{
	place_memory(&e->insn, operand, from);
	operand->segment = segment;
	operand->flat = e->mode == MODE_64;
}

static inline void place_value(struct operand *operand, u64 value)
{
	operand->kind = OPERAND_IMMEDIATE;
	operand->value = value;
}

/** Registers that are no general ones. */
static inline void place_other(struct operand *operand, enum operand_kind kind,
			       unsigned int reg)
{
	operand->kind = kind;
	operand->reg = reg;
}

/** Memory that ModRM has nothing to do with, or nothing at all. */
static void place_elsewhere(const struct emulator *e, struct operand *operand,
			    u8 where)
{
	const struct insn *insn = &e->insn;

	switch (where) {
	case AT_TABLE:
		place_memory(insn, operand, FROM_TABLE);
		break;
	case AT_OFFSET:
		place_memory(insn, operand, FROM_OFFSET);
		operand->value = insn->immediate & insn->address_mask;
		break;
	case ON_STACK:
		place_fixed(e, operand, SEGMENT_SS, FROM_STACK);
		break;
	default:
		operand->kind = OPERAND_NONE;
		operand->value = 0;
		break;
	}
}

/** ModRM's mod and r/m: memory, or a register of that kind. */
static inline void place_rm(const struct insn *insn, struct operand *operand,
			    enum operand_kind kind)
{
	if (insn->mod != 3) {
		place_memory(insn, operand, FROM_MODRM);
	} else if (kind == OPERAND_REGISTER) {
		place_register(insn, operand, insn->rm);
	} else {
		place_other(operand, kind, insn->rm);
	}
}

/** Registers that are seldom, values, and what lies elsewhere. */
static __noinline void place_rest(const struct emulator *e,
				  struct operand *operand,
				  enum operand_code code)
{
	const struct insn *insn = &e->insn;

	switch (codes[code].place) {
	case IN_RM_WORD:
		operand->size = insn->mod == 3 ? operand->size : 2;
		place_rm(insn, operand, OPERAND_REGISTER);
		break;
	case IN_RM_XMM:
		place_rm(insn, operand, OPERAND_XMM);
		break;
	case IN_REG_XMM:
		place_other(operand, OPERAND_XMM, insn->reg);
		break;
	case IN_SPECIAL:
		place_other(operand, OPERAND_SPECIAL,
			    code == Sw ? insn->reg & 7 : insn->reg);
		break;
	case IN_ADDRESS:
		place_value(operand, 0);
		operand->from = FROM_MODRM;
		break;
	case IS_ONE:
		place_value(operand, 1);
		break;
	default:
		place_elsewhere(e, operand, codes[code].place);
		break;
	}
}

/**
 * What nearly all operands are; the others after them.
 *
 * Strings' operands are FROM_DECODER although they are memory at rSI and rDI:
 * their place is another one in each iteration, so string.c points them.
 */
static __force_inline void place(const struct emulator *e,
				 struct operand *operand, u8 code)
{
	const struct insn *insn = &e->insn;
	const struct code *c = &codes[code];

	operand->from = FROM_DECODER;
	operand->size = c->sizes[insn->operand_size >> 2];
	switch (c->place) {
	case IN_RM:
		place_rm(insn, operand, OPERAND_REGISTER);
		break;
	case IN_REG:
		place_register(insn, operand, insn->reg);
		break;
	case IN_OPCODE:
		place_register(insn, operand,
			       (insn->opcode & 7) | (insn->rex & 1) << 3);
		break;
	case IN_FIXED:
		place_register(insn, operand, c->reg);
		break;
	case IN_IMMEDIATE:
		place_value(operand, insn->immediate);
		break;
	case AT_SOURCE:
		place_memory(insn, operand, FROM_DECODER);
		operand->reg = REG_RSI;
		break;
	case AT_DESTINATION:
		place_fixed(e, operand, SEGMENT_ES, FROM_DECODER);
		operand->reg = REG_RDI;
		break;
	default:
		place_rest(e, operand, code);
		break;
	}
}

/*
 * The last stage of the decoder: all that is known without the registers is
 * known from here on, and may be used again when the same instruction comes
 * again.  A destination that is read and written is a write from the start, so
 * that a read-only page is a #PF whose error code has W set (spec 3.5), and no
 * device is read for an instruction that cannot finish.
 */
void operand_resolve(struct emulator *e)
{
	struct insn *insn = &e->insn;

	place(e, &insn->dst, insn->row.dst);
	place(e, &insn->src, insn->row.src);
	insn->dst.at.kind =
		insn->traits & OP_WRITES_DST ? EMUL_WRITE : EMUL_READ;
	insn->src.at.kind = EMUL_READ;
	if ((insn->traits & OP_BITS) && insn->dst.kind == OPERAND_MEMORY &&
	    insn->src.kind == OPERAND_REGISTER) {
		insn->dst.from = FROM_BITS;
	}
}

/**
 * Where PUSH writes or POP reads, by the stack pointer's width: the cell below
 * rSP, or the one at it.  rSP itself moves when the operation runs.
 */
static u64 stack_offset(const struct emulator *e, const struct operand *operand)
{
	u64 offset = e->gpr[REG_RSP];

	if (operand == &e->insn.dst) {
		offset -= operand->size;
	}
	return offset & context_mask(stack_width(e));
}

/**
 * How far behind the effective address the cell is that holds the bit of BT
 * and relatives: a register counts bits from there, both ways (SDM 2A BT).
 *
 * Eight bits a byte, hence the shift, which keeps the sign; then down to a
 * multiple of the operand's size.  With 2 bytes and bit -1 that is cell -2, and
 * of its sixteen bits op_bit.c takes the low four bits of -1: the last one.
 */
static u64 bits_offset(const struct emulator *e)
{
	const struct operand *src = &e->insn.src;
	unsigned int size = src->size;
	s64 bit = (s64)context_sign_extend(e->gpr[src->reg], size);

	return (u64)(bit >> 3) & -(u64)size;
}

/** Where XLAT reads: rBX + AL. */
static u64 table_offset(const struct emulator *e)
{
	return (e->gpr[REG_RBX] + (u8)e->gpr[REG_RAX]) & e->insn.address_mask;
}

/**
 * The offset of an operand that is not simply at the effective address.  The
 * default is FROM_OFFSET, whose offset stands in the instruction: there only
 * the segment's base may have changed since it was decoded.
 */
static __noinline u64 other_offset(const struct emulator *e,
				   const struct operand *operand, u64 effective)
{
	switch (operand->from) {
	case FROM_STACK:
		return stack_offset(e, operand);
	case FROM_TABLE:
		return table_offset(e);
	case FROM_BITS:
		return (effective + bits_offset(e)) & e->insn.address_mask;
	default:
		return operand->value;
	}
}

/*
 * From here on the operand has a linear address that is checked against its
 * segment; pages, read cache and devices come when it is read or written.
 */
enum emul_result operand_locate(struct emulator *e, struct operand *operand)
{
	u64 offset = effective_address(e);

	if (unlikely(operand->from != FROM_MODRM)) {
		offset = other_offset(e, operand, offset);
	}
	operand->value = offset;
	if (unlikely(operand->kind != OPERAND_MEMORY)) {
		return EMUL_DONE; /* LEA */
	}
	return operand_linear(e, operand);
}
