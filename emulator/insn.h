/** @file
 * One instruction, decoded.
 *
 * decode.c fills it once, in pass 1.  Completion passes use it as it is
 * (spec 3.1: no decode, nothing fetched again), so it holds no pointer: the
 * table row is a copy and operands name registers by number.
 */
#ifndef EMULATOR_INSN_H
#define EMULATOR_INSN_H

#include "emulator/emul_types.h"

/** An instruction is at most 15 bytes long (SDM 2A 2.3.11). */
#define INSN_MAX 15u

/**
 * As many bytes as the decoder could take, had it no limit: INSN_MAX prefixes,
 * opcode 3, ModRM, SIB, displacement 4, two immediates that are read as 8 each.
 */
#define INSN_BUFFER (INSN_MAX + 3 + 1 + 1 + 4 + 8 + 8)

/** The opcode maps: one byte, and what follows 0F, and 0F 38. */
enum opcode_map {
	MAP_ONE_BYTE,
	MAP_0F,
	MAP_0F38,
	MAP_COUNT,
};

/** A row of a map: what to do, and its operands in SDM operand codes. */
struct opcode {
	u8 op;	  /* enum op */
	u8 dst;	  /* enum operand_code */
	u8 src;	  /* the same */
	u8 third; /* the same, of an immediate or a register the op knows */
	u32 marks; /* enum opcode_mark */
};

enum operand_kind {
	OPERAND_NONE,
	OPERAND_REGISTER,
	OPERAND_MEMORY,
	OPERAND_IMMEDIATE,
	OPERAND_XMM,	/* for OP_OWN operations only, as the next one */
	OPERAND_SPECIAL, /* a segment, control or debug register: ModRM's reg */
};

/** What an operand's value is computed from before the instruction runs. */
enum operand_from {
	FROM_DECODER, /* nothing: it is known from the bytes */
	FROM_MODRM,   /* the effective address */
	FROM_OFFSET,  /* nothing, but its segment's base is to be added */
	FROM_STACK,   /* rSP */
	FROM_BITS,    /* the effective address and a bit offset behind it */
	FROM_TABLE,   /* rBX and AL */
};

/** Where an operand is; which bytes of what. */
struct operand {
	u8 kind;    /* enum operand_kind */
	u8 size;    /* bytes: 1, 2, 4, 8 or 16 */
	u8 reg;	    /* OPERAND_REGISTER: 0 (RAX) to 15 (R15); X, Y: pointer */
	u8 shift;   /* 8 for AH, CH, DH, BH, else 0 */
	u8 segment; /* OPERAND_MEMORY: enum emul_segment */
	u8 from;    /* enum operand_from */
	bool flat;  /* OPERAND_MEMORY: its segment has base 0 and no limit */
	u64 value; /* OPERAND_MEMORY: offset in the segment; or the immediate */
	struct mem_access at; /* OPERAND_MEMORY: the access that it makes */
};

/** The register number of "there is none" in a memory operand. */
#define REG_NONE 0xff

struct insn {
	u8 bytes[INSN_BUFFER]; /* as fetched; the first INSN_MAX count */

	/* What decode_reset() sets stands together: it takes few stores. */
	u8 mode;   /* enum emul_mode that all fields were decoded in, from
		    * bytes[0..14]; 0: they are not to be used */
	u8 length; /* how many bytes are decoded: the instruction's length */
	/* prefixes */
	u8 rex; /* 0 or 40h to 4fh */
	u8 rep; /* 0, f2h or f3h: the last one counts */
	bool lock;
	bool operand_size_prefix; /* 66h */
	bool segment_prefix;	  /* segment is what it says */
	u8 segment; /* enum emul_segment of the ModRM or moffs operand */
	bool flat;  /* it has base 0 and no limit */
	u8 map;	    /* enum opcode_map */
	/* ModRM and SIB, with the REX bits already in */
	u8 mod;	  /* 3 if there is no ModRM byte */
	u8 base;  /* register number or REG_NONE */
	u8 index; /* register number or REG_NONE */
	u8 scale; /* index is shifted left by this */
	bool rip_relative;
	bool base_only; /* a base without a SIB byte: nothing else is added */
	u8 operand_size; /* bytes: 2, 4, 8 */
	u8 address_size; /* bytes: 2, 4, 8 */
	u64 address_mask; /* what an address of that size keeps */
	s64 displacement; /* sign-extended */

	u8 fetched; /* how many of bytes[] are there */
	u8 reg;
	u8 rm;
	u8 opcode;
	struct opcode row;
	u16 traits; /* enum op_trait: operations[row.op].traits */

	u64 immediate;	  /* sign-extended to 64 bits */
	u64 immediate2;	  /* the second one: ENTER, far pointers; likewise */

	struct operand dst;
	struct operand src;
	bool pointed; /* string: they are where this iteration has them */
};

#endif
