/** @file
 * A small world in 32-bit protected mode without paging, below 1 MiB: tables,
 * handlers, stacks of each level, and a sequence of instructions.
 *
 *	0x0000 GDT		0x3000 frame to begin with
 *	0x1000 IDT		0x3100 the sequence
 *	0x1800 TSS		0x4000 stack of level 0
 *	0x2000 vectors		0x5000 stack of the sequence
 *	0x2800 handlers		0x6000 data, stack of level 1
 *
 * All segments have the arena as their base, so these are offsets in them.
 */
#ifndef GUEST_TESTS_GATES_ARENA_H
#define GUEST_TESTS_GATES_ARENA_H

#include "bus/types.h"

/** Where it is, and what of it is compared. */
#define ARENA 0x40000u
#define ARENA_BYTES 0x7000u

#define ARENA_GDT 0x0000u
#define ARENA_IDT 0x1000u
#define ARENA_TSS 0x1800u
#define ARENA_VECTORS 0x2000u
#define ARENA_HANDLERS 0x2800u
#define ARENA_FRAME 0x3000u
#define ARENA_SEQUENCE 0x3100u
#define ARENA_STACK_0 0x4f00u /* tops */
#define ARENA_STACK 0x5800u
#define ARENA_STACK_1 0x6e00u
#define ARENA_DATA 0x6000u

/** Descriptors that do not change from case to case. */
enum arena_selector {
	CODE_0 = 0x08,
	DATA_0 = 0x10,
	CODE_3 = 0x18,
	DATA_3 = 0x20,
	CONFORMING = 0x28,
	CODE_1 = 0x30,
	DATA_1 = 0x38,
	ABSENT_CODE = 0x40,
	ABSENT_DATA = 0x48,
	SHORT_CODE = 0x50, /* its limit is before everything */
	SHORT_DATA = 0x58, /* of level 1 */
	READ_ONLY = 0x60,
	EXECUTE_ONLY = 0x68,
	CALL_GATES = 0x70, /* four of them, at random */
	TSS = 0x90,
	GDT_BYTES = 0x98,
};

/** Vectors: exceptions end a sequence, these do not ... */
#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_OF 4
/* ... and those of INT n have gates at random. */
#define VECTOR_GATES 0x30
#define GATES 16
#define VECTOR_END 0x2f

/** Where the sequence begins. */
struct arena_start {
	u32 gpr[8]; /* as POPA takes them: EDI first */
	u32 eflags;
	unsigned int level; /* 0 or 3 */
};

/** Random numbers (real/random.h). */
u64 arena_random(u64 *state);
u32 arena_below(u64 *state, u32 n);

/**
 * Make all of it but the sequence, for one case.
 * @param random its gates, and the stack of level 1
 * @param number the hypercall that ends it
 */
void arena_make(u64 *random, const struct arena_start *start, u32 number);

/** Is this a processor of QEMU's? */
bool arena_is_qemu(void);

/** The selector, or another one where QEMU is wrong about it. */
u16 arena_selector(u16 selector);

/** Bytes of the arena. */
static inline u8 *arena_at(u32 offset)
{
	return (u8 *)(u64)(ARENA + offset);
}

#endif
