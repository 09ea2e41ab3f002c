/** @file
 * A guest in 32-bit protected mode with two privilege levels, for tests of
 * gates: GDT, IDT, TSS, a stack in use and one of level 0.
 */
#ifndef EMULATOR_TEST_GATES_H
#define EMULATOR_TEST_GATES_H

#include "emulator/test/harness.h"

#define GDT_PAGE   RAM(3)
#define IDT_PAGE   RAM(4)
#define TSS_PAGE   RAM(5)
#define STACK_PAGE RAM(6) /* the one in use */
#define INNER_PAGE RAM(7) /* of level 0 */
#define TABLES	   0x600000ull /* GDT, IDT and TSS, a page each */
#define STACK	   0x8000ull
#define STACK_TOP  (STACK + 0x800)
#define INNER	   0x9000ull
#define INNER_TOP  (INNER + 0x800)

/* The GDT. */
enum selector {
	CODE_0 = 0x08,
	DATA_0 = 0x10,
	CODE_3 = 0x18,
	DATA_3 = 0x20,
	CONFORMING = 0x28,
	ABSENT_CODE = 0x30,
	SHORT_CODE = 0x38,
	ABSENT_DATA = 0x40,
	SMALL_DATA = 0x48,
	CALL_GATE = 0x50,
	CODE_64 = 0x60,
	TSS = 0x70,
};

#define HANDLER 0x401234u
#define VECTOR	0x30

#define INTERRUPT_32 0x8eu
#define TRAP_32	     0x8fu
#define INTERRUPT_16 0x86u
#define TASK	     0x85u
#define CALL_32	     0x8cu
#define CALL_16	     0x84u
#define DPL_3	     0x60u

/** A gate's eight bytes. */
u64 gates_make(u32 offset, u16 selector, u8 rights);

/** Put a gate to HANDLER into the IDT. */
void gates_set(struct world *w, u8 vector, u16 selector, u8 rights);

/** Give a segment register another selector and DPL. */
void gates_segment(struct world *w, enum emul_segment which, u16 selector,
		   unsigned int dpl);

/**
 * The world: 32-bit code at CODE_AT, INT VECTOR, with a gate to level 0.
 * @param cpl 0 or 3
 */
struct world *gates_world(unsigned int cpl);

/** Check the exception of an instruction, which has changed nothing. */
void gates_expect(const struct world *w, u8 vector, u32 error_code);

/** Value n from the top of the stack on a page, of `size` bytes each. */
u64 gates_value(struct world *w, u64 page, unsigned int n, unsigned int size);

#endif
