/** @file
 * What a kernel may ask of whoever runs its machine.
 */
#ifndef GUEST_TESTS_KERNEL_QUESTIONS_H
#define GUEST_TESTS_KERNEL_QUESTIONS_H

#include "guest-tests/kernel/chips.h"

/** The memory map as the loader has told it. */
struct questions_map {
	u32 length;	  /* bytes */
	const u8 *entries; /* multiboot's: size, base, length, type */
};

/**
 * Make a hypercall that nobody knows, and read fw_cfg: what it says of memory
 * must be what the loader has said.  Tell whether the answers are right.
 */
void questions_ask(const struct chips_console *console,
		   const struct questions_map *map);

#endif
