/** @file
 * Gates: descriptors that lead to code, in the IDT, the GDT and the LDT.
 */
#ifndef EMULATOR_GATE_H
#define EMULATOR_GATE_H

#include "emulator/segment.h"

/** Types of gates, with the S bit that they do not have (SDM 3A table 3-2). */
enum gate_type {
	GATE_CALL_16 = 4,
	GATE_TASK = 5,
	GATE_INTERRUPT_16 = 6,
	GATE_TRAP_16 = 7,
	GATE_CALL = 12,
	GATE_INTERRUPT = 14,
	GATE_TRAP = 15,
};

/** A gate (SDM 3A 5.8.3, 6.11, 6.14.1). */
struct gate {
	u64 offset;
	u32 rights;   /* type, DPL, P; laid out as a segment's */
	u16 selector; /* of the code */
	u8 extra;     /* call: parameters; interrupt in IA-32e mode: IST */
	u8 size;      /* bytes of a value on the stack: 2, 4 or 8 */
};

/** Where a gate leads. */
struct gate_target {
	struct descriptor code; /* its segment is CS as it will be */
	unsigned int level;	/* the CPL there */
	bool inner;		/* it is not the one of now */
};

/** The type of a gate or system segment; with the S bit, of another one. */
static inline unsigned int gate_type(const struct gate *gate)
{
	return gate->rights & (RIGHTS_TYPE | RIGHTS_S);
}

/**
 * Take a gate's descriptor apart.
 *
 * @param low   its first eight bytes
 * @param high  the others, that one has in IA-32e mode; else 0
 * @param wide  IA-32e mode
 */
void gate_decode(u64 low, u64 high, bool wide, struct gate *out);

/**
 * Find the code that a gate leads to (SDM 2A INT n, CALL).  Nothing changes.
 *
 * @return EMUL_DONE; #GP(0), #GP or #NP with the selector in the gate;
 *         as segment_find()
 */
enum emul_result __must_check gate_find(struct emulator *e,
					const struct gate *gate,
					struct gate_target *out);

#endif
