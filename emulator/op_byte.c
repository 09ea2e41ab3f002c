/** @file
 * Bytes: BSWAP, MOVBE, CRC32.
 *
 * MOVBE is a move whose value is turned round on the way, made for registers
 * and packets that are big-endian; so it is one of the few instructions beyond
 * plain moves which compilers do apply to a device.  CRC32 is computed bit by
 * bit: its source has at most 64, and a table would be longer than all else
 * here.
 */
#include "emulator/op_byte.h"

#include "emulator/context.h"

/** The low size bytes of value, last one first. */
static u64 reversed(u64 value, unsigned int size)
{
	return __builtin_bswap64(value) >> (64 - 8 * size);
}

/** 16 bits are undefined in the SDM; processors leave 0. */
enum emul_result op_byte_bswap(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = alu->size == 2 ? 0 : reversed(alu->dst, alu->size);
	return EMUL_DONE;
}

enum emul_result op_byte_movbe(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->dst = reversed(alu->src, alu->size);
	return EMUL_DONE;
}

/** The polynomial 11EDC6F41h with its bits in reverse order (SDM 2A CRC32). */
#define CRC32C 0x82f63b78u

/** The destination is the checksum so far; the source goes through it. */
enum emul_result op_byte_crc32(struct emulator *e, struct alu *alu)
{
	unsigned int bits = 8 * e->insn.src.size;
	u64 left = alu->src;
	u32 sum = alu->dst;

	for (; bits; bits--, left >>= 1) {
		sum = (sum >> 1) ^ ((sum ^ left) & 1 ? CRC32C : 0);
	}
	alu->dst = sum;
	return EMUL_DONE;
}
