/** @file
 * The same instruction on memory and on a device: what both runs share.
 *
 *	form     a row of the emulator's tables with its prefixes, registers
 *		 and immediates chosen: what the instruction is
 *	place    where its memory is: a page of RAM or a page without any,
 *		 behind which a mirror stands
 *	state    registers, flags, XMM registers before and after
 *
 * A form becomes bytes only with a place, since addresses are in the bytes
 * (moffs, RIP-relative) and in registers (base, index, rSI, rSP ...).
 */
#ifndef GUEST_TESTS_DIFF_DIFF_H
#define GUEST_TESTS_DIFF_DIFF_H

#include "bus/types.h"

/** How a row names its memory. */
enum memory {
	MEMORY_MODRM,
	MEMORY_OFFSET, /* moffs */
	MEMORY_RSI,
	MEMORY_RDI,
	MEMORY_BOTH, /* rSI and rDI */
	MEMORY_RBP,  /* LEAVE */
	MEMORY_RBX,  /* XLAT */
	MEMORY_STACK,
};

/** Where the instruction goes on. */
enum flow {
	FLOW_NEXT,
	FLOW_TO_OPERAND, /* its memory holds the address: JMP m, CALL m */
	FLOW_RELATIVE,	 /* its immediate is the way: CALL */
	FLOW_RETURN,	 /* the stack holds the address: RET */
};

enum immediate {
	IMMEDIATE_0,
	IMMEDIATE_1,
	IMMEDIATE_2,
	IMMEDIATE_3,
	IMMEDIATE_Z, /* 2 or 4 bytes by the operand size */
	IMMEDIATE_V, /* 2, 4 or 8 */
};

#define ROW_ALONE    BIT(0) /* 66h would make it another row */
#define ROW_LOCKABLE BIT(1)
#define ROW_BITS     BIT(2) /* its register is a bit offset */
#define ROW_SSE	     BIT(3) /* its register may be an XMM register */
#define ROW_F64	     BIT(4) /* 66h means nothing, or not to all processors */
#define ROW_DIVIDES  BIT(5) /* #DE is possible */
#define ROW_ALIGNED  BIT(6) /* memory must be aligned to 16 bytes */
#define ROW_STACK    BIT(7) /* the stack as well as a memory operand */
#define ROW_SEGMENT  BIT(8) /* ModRM's reg is a segment register */
#define ROW_PAIR     BIT(9) /* with REX.W it is not supported */

/** A row of the emulator's tables (emulator/test/print_rows.c). */
struct row {
	u8 map; /* 0: one byte, 1: 0F, 2: 0F 38 */
	u8 opcode;
	u8 mandatory; /* prefix, or 0 */
	s8 member;    /* of a group, or -1 */
	u8 memory;    /* enum memory */
	u8 flow;      /* enum flow */
	u8 immediate; /* enum immediate */
	u16 undefined; /* flags that may differ */
	u32 marks;     /* ROW_* */
};

extern const struct row rows_list[];
extern const unsigned int rows_count;

/** What an instruction finds and leaves; run_once.S knows the layout. */
struct state {
	u64 gpr[16]; /* RAX first */
	u64 rflags;
	u64 xmm[16][2] __aligned(16);
};

/** The bytes that an instruction may touch, from the place's beginning. */
#define WINDOW_BYTES 512

/** The instruction, without addresses. */
struct form {
	const struct row *row;
	u8 prefixes[4];
	u8 prefix_count;
	u8 rex;
	u8 modrm, sib;
	u8 base, index;	  /* register numbers, 16: none */
	u8 address_size;  /* 8, or 4 with 67h */
	u16 offset;	  /* of its memory in the window */
	s32 displacement; /* what the bytes hold */
	u64 immediate;
	bool stack_there; /* rSP points to the place as well */
	bool source_there, destination_there; /* MEMORY_BOTH */
};

/** Where it runs: its memory, the stack that is always memory, the code. */
struct place {
	u64 memory;
	u64 other; /* RAM for the second operand or the stack */
	u8 *code;
};

/** Choose a form and a state at random. @param seed the case */
void form_choose(u64 seed, struct form *form, struct state *state);

/**
 * Write the instruction for a place, and its registers.
 * @return its length
 */
unsigned int place_form(const struct form *form, const struct place *place,
			struct state *state);

/** Random numbers: xorshift. */
struct random {
	u64 x;
};

/** The next 64 bits; never 0 in a row. */
u64 random_next(struct random *random);

/** A number below n. */
u64 random_below(struct random *random, u64 n);

/** Often an edge, else anything. */
u64 random_value(struct random *random);

/**
 * Execute the bytes at code, which jump to run_once_end behind themselves.
 * @param state before, and after it
 */
void run_once(struct state *state, const void *code);
extern char run_once_end[];

#endif
