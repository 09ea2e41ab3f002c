/** @file
 * Segments: an address in one, loading one, descriptors.
 */
#ifndef EMULATOR_SEGMENT_H
#define EMULATOR_SEGMENT_H

#include "emulator/context.h"
#include "emulator/system.h"

/** A descriptor, and where it stands. */
struct descriptor {
	u16 selector; /* that it was found by */
	gva_t at;
	u64 low;
	u64 high; /* bits 63:32 of the base, of a system segment in IA-32e */
	/* what a register gets from it, then with the accessed bit */
	struct segment_register segment;
};

/** What an instruction looks at: CR0.PE and not virtual-8086 mode. */
bool segment_protected(struct emulator *e);

/** Whether EFER.LMA is set: IA-32e mode, 64-bit or compatibility. */
bool segment_long_mode(struct emulator *e);

/**
 * memory_linear() where it is not trivial: FS and GS, and every segment outside
 * 64-bit mode, where limit and type are checked (SDM 3A 5.3, 5.5).
 *
 * @return EMUL_DONE, or EMUL_FAULT with #GP(0), or #SS(0) for the stack
 */
enum emul_result __must_check segment_linear(struct emulator *e,
					     enum emul_segment segment,
					     u64 offset,
					     struct mem_access *access);

/** Does [offset, offset + size) lie inside (SDM 3A 5.3)? */
bool segment_holds(const struct segment_register *segment, u64 offset,
		   unsigned int size);

/**
 * May code go on at this offset: canonical in 64-bit code, else inside the
 * limit (SDM 2A JMP)?
 */
bool segment_code_holds(struct emulator *e, const struct segment_register *cs,
			u64 offset);

/** A fault whose error code is a selector; its RPL is cut off. */
enum emul_result __must_check segment_fault(struct emulator *e, u8 vector,
					    u16 selector);

/**
 * Read the descriptor that a selector names.
 *
 * @param selector  not null
 * @param wide      a system descriptor of 16 bytes in IA-32e mode
 * @param out       is filled
 * @return EMUL_DONE; #GP(selector) outside its table's limit; #PF;
 *         EMUL_UNHANDLEABLE when the table is not in RAM
 */
enum emul_result __must_check segment_find(struct emulator *e, u16 selector,
					   bool wide, struct descriptor *out);

/**
 * Set bits of a descriptor's type in memory: accessed, or a TSS's busy bit.
 *
 * @return EMUL_DONE, or as segment_find()
 */
enum emul_result __must_check segment_mark(struct emulator *e,
					   const struct descriptor *of,
					   u8 type);

/**
 * Load ES, SS, DS, FS or GS, with all checks of SDM 2B MOV.  Takes effect
 * at once.
 *
 * @return EMUL_DONE; #GP, #NP or #SS with the selector; as segment_find()
 */
enum emul_result __must_check segment_load(struct emulator *e,
					   enum emul_segment which,
					   u16 selector);

/**
 * Find a stack for a privilege level (SDM 2A INT n, IRET).
 *
 * @param vector  what most of its faults are: #TS where a TSS names it, else
 *                #GP
 * @param stack   selector is set, whose RPL must be the level; the rest is
 *                filled: its segment is SS as it will be
 * @return EMUL_DONE; vector or, if it is absent, #SS; as segment_find()
 */
enum emul_result __must_check segment_stack(struct emulator *e,
					    unsigned int level, u8 vector,
					    struct descriptor *stack);

/**
 * Check that code may be reached by a far JMP or CALL of the same privilege
 * level, or by a RET or IRET of the same or an outer one.  Nothing changes.
 *
 * @param selector   the far pointer's
 * @param is_return  RET, IRET: its RPL is the level to return to
 * @param out        its segment is CS as it will be, the RPL the level there
 * @return EMUL_DONE; #GP, #NP; as segment_find()
 */
enum emul_result __must_check segment_code(struct emulator *e, u16 selector,
					   bool is_return,
					   struct descriptor *out);

#endif
