/** @file
 * The opcode maps: what each byte means.
 *
 * A row is written the way the SDM writes it in appendix A: the operation,
 * then its operands in operand codes, the destination first.  The encoding
 * stands beside it.  decode.c asks for the row of the byte in its hand and
 * learns from the operand codes what else belongs to the instruction: a ModRM
 * byte, immediates, an absolute offset.
 *
 *	opcodes_one.c      one byte
 *	opcodes_0f.c       after 0F
 *	opcodes_0f38.c     after 0F 38
 *	opcodes_groups.c   rows that hang on ModRM, on prefixes, on the mode
 *
 * An opcode that has no row is not supported, and that is an answer as well:
 * it ends in EMUL_UNHANDLEABLE with the bytes in the message, and
 * emulator/test/unsupported.txt lists every one of them.
 *
 * Adding an instruction is adding its row and, if the operation is new, its
 * line in operations.c and its function in the op_ file of its family.
 */
#include "emulator/opcodes.h"

#include "emulator/opcodes_maps.h"

const struct opcode *const opcodes_maps[MAP_COUNT] = {
	[MAP_ONE_BYTE] = opcodes_one,
	[MAP_0F] = opcodes_0f,
	[MAP_0F38] = opcodes_0f38,
};
