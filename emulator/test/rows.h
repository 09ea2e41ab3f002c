/** @file
 * Every row of the opcode tables, made into instructions.
 *
 * A row says with its operand codes what belongs to it; from that the bytes
 * are made, with prefixes and ModRM as the caller chooses, and registers and
 * memory are filled so that the instruction finds what it needs: a pointer in
 * the register that it points with, a target where it jumps.  Then the
 * processor and the emulator execute the same bytes on the same state, and
 * whatever they leave behind must be equal.
 */
#ifndef EMULATOR_TEST_ROWS_H
#define EMULATOR_TEST_ROWS_H

#include "emulator/opcodes.h"
#include "emulator/test/harness.h"
#include "emulator/test/native.h"

/** RAM pages 1 and 2 are the guest's NATIVE_DATA. */
#define ROWS_DATA_PAGE 1

/** Flags that no instruction but POPF and IRET changes. */
#define ROWS_KEPT (RFLAGS_NT | RFLAGS_AC | RFLAGS_VIF | RFLAGS_VIP)

/** One way to encode a row. */
struct form {
	u8 map, opcode;
	u8 mandatory; /* prefix, or 0 */
	int member;   /* of a group, or -1 */
	bool alone;   /* 66h would make it another row */
	struct opcode row;
	u8 prefixes[4];
	unsigned int prefix_count;
	u8 modrm, sib; /* sib is used when modrm asks for one */
	u64 immediate;
};

/** A comparison of all rows in one mode. */
struct rows {
	struct world *w;
	unsigned int mode; /* enum emul_mode */
	u64 kept; /* flags that the emulator has besides and must not change */
	unsigned long long compared;
};

/** Begin in that mode: the world has code and data where native.h has. */
struct rows rows_begin(unsigned int mode);

/** Call run for each row that is an instruction in the mode. */
void rows_for_each(struct rows *r, void (*run)(struct rows *, struct form *));

/** The same for one opcode of a map. */
void rows_expand(struct rows *r, struct form f,
		 void (*run)(struct rows *, struct form *));

/** Whether the form has a ModRM byte, a prefix. */
bool rows_has_modrm(const struct form *f);
bool rows_has_prefix(const struct form *f, u8 prefix);

/** A ModRM byte with the member of the form's group in it. */
u8 rows_with_member(const struct form *f, u8 modrm);

/** The form with values a and b in registers and memory, from flags 0, ~0. */
void rows_run_values(struct rows *r, struct form *f, u64 a, u64 b);

/** The same with all pairs of edge values, and some random ones. */
void rows_run_edges(struct rows *r, struct form *f);

/** An address of code, as an offset in the mode's code segment. */
u64 rows_code_at(const struct rows *r, u64 address);

/** Run both on a state and compare everything; undefined: flags left out. */
void rows_compare(struct rows *r, const struct native_state *input,
		  u64 undefined);

#endif
