/** @file
 * Asking about the MMIO cache, and having instructions emulated.
 */
#include "guest-tests/lib/cache.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

struct hypercall_cache cache_look(void)
{
	struct hypercall_cache now = { .gva = 0 };

	CHECK_DONE(vmcall1(HYPERCALL_CACHE, vmcall_address(&now)));
	return now;
}

void cache_start(struct hypercall_cache_counts *counts)
{
	*counts = cache_look().count;
}

void cache_stop(struct hypercall_cache_counts *counts)
{
	struct hypercall_cache now = cache_look();
	const u64 *after = (const u64 *)&now.count;
	u64 *before = (u64 *)counts;

	for (size_t i = 0; i < sizeof(*counts) / sizeof(u64); i++) {
		before[i] = after[i] - before[i];
	}
}

bool cache_is_shadow(void)
{
	return vmcall0(HYPERCALL_IS_SHADOW) == 1;
}

u32 cache_emulated_read4(u64 address)
{
	CHECK_DONE(vmcall0(HYPERCALL_EMULATE));
	return cache_forced_read4(address);
}

void cache_emulated_write4(u64 address, u32 value)
{
	CHECK_DONE(vmcall0(HYPERCALL_EMULATE));
	cache_forced_write4(address, value);
}
