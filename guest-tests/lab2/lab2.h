/** @file
 * What the tests of lab 2 share: pages whose loads tell which page they are.
 *
 * Two pattern devices answer with a function of the guest physical address, one
 * through the VMM, one in the core, and a page of memory with a word of its
 * own.  So each load says by itself where it has been.
 */
#ifndef GUEST_TESTS_LAB2_LAB2_H
#define GUEST_TESTS_LAB2_LAB2_H

#include "guest-tests/lab2/space.h"
#include "guest-tests/lib/test.h"

/** Two pages of devices. */
#define PAGE_A DEVICE_PATTERN_GPA
#define PAGE_B DEVICE_CORE_PATTERN_GPA

/** Where tests map them in address spaces of their own. */
#define GVA_X SPACE_GVA
#define GVA_Y (SPACE_GVA + PAGE_SIZE)

/** What lab2_memory() holds in each of its words. */
#define MEMORY_WORD 0x3e3e3e3e

/** What a load of 4 bytes from PAGE_A or PAGE_B gives. */
static inline u32 lab2_pattern(u64 address)
{
	u32 value = 0;

	for (int i = 3; i >= 0; i--) {
		value = value << 8 | hypercall_pattern(address + (u64)i);
	}
	return value;
}

/** @return a page of memory, each word of which is MEMORY_WORD */
static inline gpa_t lab2_memory(void)
{
	static u32 page[1024] __aligned(4096);

	for (size_t i = 0; i < ARRAY_SIZE(page); i++) {
		page[i] = MEMORY_WORD;
	}
	return gpa((u64)page);
}

/** @return what a whole test expects of a count that only shadow paging has */
static inline u64 lab2_in_shadow(u64 count)
{
	return cache_is_shadow() ? count : 0;
}

#endif
