/** @file
 * The opcode maps themselves, and what their rows are written with.
 *
 * For the files of the maps and opcodes.c; everybody else asks opcodes_row().
 */
#ifndef EMULATOR_OPCODES_MAPS_H
#define EMULATOR_OPCODES_MAPS_H

#include "emulator/opcodes.h"
#include "emulator/opcodes_groups.h"

/** 256 rows each, one an opcode byte. */
extern const struct opcode opcodes_one[256];
extern const struct opcode opcodes_0f[256];
extern const struct opcode opcodes_0f38[256];

/* A row leaves out its last columns where they are empty: they are 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/** ModRM's reg field, the prefixes or the mode pick the row. */
#define GROUP(name)  { OP_GROUP, GROUP_##name }
#define PREFIX(name) { OP_PREFIX, PREFIX_##name }
#define MODED(name)  { OP_MODE, MODED_##name }

/** The same row for the eight registers of Z. */
#define EIGHT_ROWS(first, ...)              \
	[(first) + 0] = { __VA_ARGS__ },    \
	[(first) + 1] = { __VA_ARGS__ },    \
	[(first) + 2] = { __VA_ARGS__ },    \
	[(first) + 3] = { __VA_ARGS__ },    \
	[(first) + 4] = { __VA_ARGS__ },    \
	[(first) + 5] = { __VA_ARGS__ },    \
	[(first) + 6] = { __VA_ARGS__ },    \
	[(first) + 7] = { __VA_ARGS__ }

/** The same row for the sixteen conditions (SDM 1 appendix B). */
#define SIXTEEN_ROWS(first, ...)         \
	EIGHT_ROWS(first, __VA_ARGS__),  \
	EIGHT_ROWS((first) + 8, __VA_ARGS__)

#endif
