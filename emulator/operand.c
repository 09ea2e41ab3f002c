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

/** base + index * scale + displacement, in the address size. */
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
	IN_RM,	   /* E */
	IN_RM_WORD, /* E, but memory has 2 bytes */
	IN_REG,	   /* G */
	IN_RM_XMM, /* W */
	IN_REG_XMM, /* V */
	IN_SPECIAL, /* S, C, D */
	IN_OPCODE, /* Z: the low three bits, widened by REX.B */
	IN_ADDRESS,   /* M: the effective address itself */
	IN_IMMEDIATE, /* I, J */
	IS_ONE,
	AT_OFFSET,    /* O */
	AT_TABLE,     /* rBX + AL */
	AT_SOURCE,      /* X */
	AT_DESTINATION, /* Y: always in ES */
	ON_STACK,
	IN_FIXED = 0x40, /* a register of this number above it */
};

/** How large an operand is, where it is not simply so many bytes at most. */
enum size {
	EXACTLY = 0x20,	    /* so many bytes, whatever the operand size */
	WIDE_OR_NOT = 0x40, /* y: 4 bytes, 8 with REX.W */
	POINTER = 0x41,	    /* p: the operand size and a selector */
	TABLE = 0x42,	    /* s: a limit and a base; OP_F64 */
	PAIR = 0x43,	    /* two of the operand size */
	PAIR_OF_Y = 0x44,   /* two of 4 bytes, of 8 with REX.W */
};

/** What an operand code means. */
struct code {
	u8 place; /* enum place */
	u8 size; /* bytes: the operation's, but at most this; or enum size */
};

static const struct code codes[OPERAND_CODE_COUNT] = {
	[None] = { NOWHERE, 8 },    [Eb] = { IN_RM, 1 },
	[Ew] = { IN_RM, 2 },	    [Ed] = { IN_RM, 4 },
	[Ev] = { IN_RM, 8 },	    [Gb] = { IN_REG, 1 },
	[Gv] = { IN_REG, 8 },	    [M] = { IN_ADDRESS, 8 },
	[Ib] = { IN_IMMEDIATE, 8 }, [Iw] = { IN_IMMEDIATE, 8 },
	[Iz] = { IN_IMMEDIATE, 8 },
	[Iv] = { IN_IMMEDIATE, 8 }, [Ob] = { AT_OFFSET, 1 },
	[Ov] = { AT_OFFSET, 8 },    [Zb] = { IN_OPCODE, 1 },
	[Zv] = { IN_OPCODE, 8 },    [AL] = { IN_FIXED + REG_RAX, 1 },
	[rAX] = { IN_FIXED + REG_RAX, 8 },	    [Xb] = { AT_SOURCE, 1 },
	[Xv] = { AT_SOURCE, 8 },   [Yb] = { AT_DESTINATION, 1 },
	[Yv] = { AT_DESTINATION, 8 },   [Stack] = { ON_STACK, 8 },
	[Es] = { IN_RM_WORD, 8 },   [Ey] = { IN_RM, WIDE_OR_NOT },
	[Gy] = { IN_REG, WIDE_OR_NOT }, [Ry] = { IN_RM, WIDE_OR_NOT },
	[Sw] = { IN_SPECIAL, 2 },   [Cy] = { IN_SPECIAL, 8 },
	[Dy] = { IN_SPECIAL, 8 },   [Mp] = { IN_RM, POINTER },
	[Ms] = { IN_RM, TABLE },    [My] = { IN_RM, WIDE_OR_NOT },
	[Mq] = { IN_RM, EXACTLY | 8 }, [Mdq] = { IN_RM, EXACTLY | 16 },
	[Wd] = { IN_RM_XMM, EXACTLY | 4 }, [Wq] = { IN_RM_XMM, EXACTLY | 8 },
	[Wdq] = { IN_RM_XMM, EXACTLY | 16 }, [Vdq] = { IN_REG_XMM, EXACTLY | 16 },
	[eAX] = { IN_FIXED + REG_RAX, 4 },      [DX] = { IN_FIXED + REG_RDX, EXACTLY | 2 },
	[Gw] = { IN_REG, 2 },       [CL] = { IN_FIXED + REG_RCX, 1 },
	[Ma] = { IN_RM, PAIR },     [Mpair] = { IN_RM, PAIR_OF_Y },
	[Mv] = { IN_RM, 8 },        [ModRM] = { NOWHERE, 8 },
	[Jb] = { IN_IMMEDIATE, 8 }, [Jz] = { IN_IMMEDIATE, 8 },
	[One] = { IS_ONE, 1 },      [Table] = { AT_TABLE, 1 },
	[Xz] = { AT_SOURCE, 4 },   [Yz] = { AT_DESTINATION, 4 },
};

static void place_register(struct operand *operand, unsigned int reg, u8 rex)
{
	operand->kind = OPERAND_REGISTER;
	operand->shift = 0;
	if (operand->size == 1 && reg >= 4 && reg < 8 && !rex) {
		reg -= 4;
		operand->shift = 8;
	}
	operand->reg = reg;
}

/** Memory; what its offset comes from is said by `from`. */
static void place_memory(struct operand *operand, u8 segment,
			 enum operand_from from)
{
	operand->kind = OPERAND_MEMORY;
	operand->segment = segment;
	operand->from = from;
	operand->at.size = operand->size;
}

static void place_value(struct operand *operand, u64 value)
{
	operand->kind = OPERAND_IMMEDIATE;
	operand->value = value;
}

/** An operand's bytes, by its code's size. */
static unsigned int size_of(const struct insn *insn, u8 size)
{
	switch (size) {
	case WIDE_OR_NOT:
		return insn->operand_size == 8 ? 8 : 4;
	case POINTER:
		return insn->operand_size + 2;
	case TABLE:
		return insn->operand_size == 8 ? 10 : 6;
	case PAIR:
		return insn->operand_size * 2;
	case PAIR_OF_Y:
		return insn->operand_size == 8 ? 16 : 8;
	default:
		break;
	}
	if (size & EXACTLY) {
		return size & ~EXACTLY;
	}
	return insn->operand_size < size ? insn->operand_size : size;
}

/** Registers that are no general ones. */
static void place_other(struct operand *operand, enum operand_kind kind,
			unsigned int reg)
{
	operand->kind = kind;
	operand->reg = reg;
}

/** ModRM's mod and r/m: memory, or a register of that kind. */
static void place_rm(const struct insn *insn, struct operand *operand,
		     enum operand_kind kind)
{
	if (insn->mod != 3) {
		place_memory(operand, insn->segment, FROM_MODRM);
	} else if (kind == OPERAND_REGISTER) {
		place_register(operand, insn->rm, insn->rex);
	} else {
		place_other(operand, kind, insn->rm);
	}
}

/** Where an operand is that is no register. */
static void place_elsewhere(const struct insn *insn, struct operand *operand,
			    u8 where)
{
	switch (where) {
	case IN_ADDRESS:
		place_value(operand, 0);
		operand->from = FROM_MODRM;
		break;
	case IN_IMMEDIATE:
		place_value(operand, insn->immediate);
		break;
	case IS_ONE:
		place_value(operand, 1);
		break;
	case AT_TABLE:
		place_memory(operand, insn->segment, FROM_TABLE);
		break;
	case AT_OFFSET:
		place_memory(operand, insn->segment, FROM_OFFSET);
		operand->value = insn->immediate & insn->address_mask;
		break;
	case AT_SOURCE:
		place_memory(operand, insn->segment, FROM_DECODER);
		operand->reg = REG_RSI;
		break;
	case AT_DESTINATION:
		place_memory(operand, SEGMENT_ES, FROM_DECODER);
		operand->reg = REG_RDI;
		break;
	case ON_STACK:
		place_memory(operand, SEGMENT_SS, FROM_STACK);
		break;
	default:
		operand->kind = OPERAND_NONE;
		operand->value = 0;
		break;
	}
}

static void place(const struct insn *insn, struct operand *operand,
		  enum operand_code code)
{
	const struct code *c = &codes[code];

	operand->from = FROM_DECODER;
	operand->size = size_of(insn, c->size);
	switch (c->place) {
	case IN_RM_WORD:
		operand->size = insn->mod == 3 ? operand->size : 2;
		/* fall through */
	case IN_RM:
		place_rm(insn, operand, OPERAND_REGISTER);
		break;
	case IN_RM_XMM:
		place_rm(insn, operand, OPERAND_XMM);
		break;
	case IN_REG:
		place_register(operand, insn->reg, insn->rex);
		break;
	case IN_REG_XMM:
		place_other(operand, OPERAND_XMM, insn->reg);
		break;
	case IN_SPECIAL:
		place_other(operand, OPERAND_SPECIAL,
			    code == Sw ? insn->reg & 7 : insn->reg);
		break;
	case IN_OPCODE:
		place_register(operand,
			       (insn->opcode & 7) | (insn->rex & 1) << 3,
			       insn->rex);
		break;
	default:
		if (c->place >= IN_FIXED) {
			place_register(operand, c->place - IN_FIXED, insn->rex);
		} else {
			place_elsewhere(insn, operand, c->place);
		}
		break;
	}
}

/** Only FS and GS have bases in 64-bit mode, and no segment a limit. */
static bool is_flat(const struct emulator *e, const struct operand *operand)
{
	return e->mode == MODE_64 && operand->segment < SEGMENT_FS;
}

void operand_resolve(struct emulator *e)
{
	struct insn *insn = &e->insn;

	place(insn, &insn->dst, insn->row.dst);
	place(insn, &insn->src, insn->row.src);
	insn->dst.at.kind =
		insn->traits & OP_WRITES_DST ? EMUL_WRITE : EMUL_READ;
	insn->src.at.kind = EMUL_READ;
	insn->dst.flat = is_flat(e, &insn->dst);
	insn->src.flat = is_flat(e, &insn->src);
	if ((insn->traits & OP_BITS) && insn->dst.kind == OPERAND_MEMORY &&
	    insn->src.kind == OPERAND_REGISTER) {
		insn->dst.from = FROM_BITS;
	}
}

/** Where PUSH writes or POP reads, by the stack pointer's width. */
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

/** The offset of an operand that is not simply at the effective address. */
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
