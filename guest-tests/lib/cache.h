/** @file
 * The MMIO cache as a test sees it: what it knows, and what it was asked.
 *
 *	struct hypercall_cache_counts t;
 *
 *	cache_start(&t);
 *	mmio_read4(address);
 *	cache_stop(&t);
 *	CHECK_COUNT(t.fault_hits, 1, "...");
 */
#ifndef GUEST_TESTS_LIB_CACHE_H
#define GUEST_TESTS_LIB_CACHE_H

#include "hv/vmm/hypercall.h"

/** @return what the cache knows now, and all counts since the test began */
struct hypercall_cache cache_look(void);

/** Remember where all counts stand. */
void cache_start(struct hypercall_cache_counts *counts);

/** Turn them into what has been counted since. */
void cache_stop(struct hypercall_cache_counts *counts);

/** @return whether the guest runs on shadow paging, not on EPT */
bool cache_is_shadow(void);

/** A load, MOV EAX, m, that is emulated although it does not fault. */
u32 cache_emulated_read4(u64 address);

/** The same of a store, MOV m, EAX. */
void cache_emulated_write4(u64 address, u32 value);

/** cache_emulated_read4() from CPL 3, HYPERCALL_EMULATE having been made. */
static inline u32 cache_forced_read4(u64 address)
{
	u32 value = 0;

	asm volatile("cpuid\n\t"
		     "movl (%%rsi), %%eax"
		     : "+a"(value)
		     : "S"(address)
		     : "rbx", "rcx", "rdx", "memory");
	return value;
}

/** The same of a store. */
static inline void cache_forced_write4(u64 address, u32 value)
{
	u64 leaf = 0;

	asm volatile("cpuid\n\t"
		     "movl %%edi, (%%rsi)"
		     : "+a"(leaf)
		     : "S"(address), "D"(value)
		     : "rbx", "rcx", "rdx", "memory");
}

#endif
