/** @file
 * A piece: what one exit of an MMIO access carries.
 *
 * It stands apart because the exit record holds one as well, and whoever looks
 * into the record need know nothing else of the emulator.
 */
#ifndef EMULATOR_MMIO_PIECE_H
#define EMULATOR_MMIO_PIECE_H

#include "bus/types.h"

/**
 * One question to a device: at most 8 bytes of one access.
 *
 * The core's devices and the VMM are asked with the same record.  A read's
 * answer goes into data[0..len-1]; bytes beyond len are 0 in a question and
 * ignored in an answer.
 */
struct mmio_piece {
	gpa_t gpa;
	u32 len; /* 1 to 8; 3, 5, 6 and 7 occur when an access is split */
	bool is_write;
	u8 data[8];
};

#define MMIO_PIECE_MAX 8

#endif
