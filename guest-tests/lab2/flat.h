/** @file
 * One load with paging switched off.
 *
 * A 64-bit program cannot just clear CR0.PG: it goes through a 32-bit code
 * segment (flat.S), and is back when the function returns.
 */
#ifndef GUEST_TESTS_LAB2_FLAT_H
#define GUEST_TESTS_LAB2_FLAT_H

#include "bus/types.h"

/**
 * Paging off, load 4 bytes, MOV to CR3 if there is a value for it, paging on.
 * @param address physical, below 4 GiB
 * @param cr3 0: CR3 is not loaded
 */
u32 flat_read4_then_cr3(u64 address, u64 cr3);

/** Paging off, load 4 bytes, paging on. */
static inline u32 flat_read4(u64 address)
{
	return flat_read4_then_cr3(address, 0);
}

#endif
