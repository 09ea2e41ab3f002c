/** @file
 * Words for EPT violations and misconfigurations (SDM 3C 28.2.1, 29.3.3).
 */
#ifndef GUEST_TESTS_VMX_EPT_H
#define GUEST_TESTS_VMX_EPT_H

#include "guest-tests/vmx/vmx.h"

/* An EPT entry, SDM 3C table 29-6 */
#define EPT_R BIT(0)
#define EPT_W BIT(1)
#define EPT_X BIT(2)
#define EPT_RWX BITS(2, 0)
#define EPT_WB (6ull << 3)
#define EPT_LARGE BIT(7)

/* Exit qualification of an EPT violation, SDM 3C table 28-7 */
#define QUAL_READ BIT(0)
#define QUAL_WRITE BIT(1)
#define QUAL_FETCH BIT(2)
#define QUAL_RIGHTS(rights) ((rights) << 3)
#define QUAL_GLA BIT(7)
#define QUAL_ACCESS BIT(8) /* not a walk of the guest's page tables */

/** Change an entry: what it points to, ~0 for nothing, and its other bits. */
static inline s64 ept_set(u64 gpa, u64 target, u64 bits, u64 level)
{
	struct services_ept change = { .gpa = gpa, .target = target,
				       .bits = bits, .level = level };

	return service(SERVICE_EPT, vmcall_address(&change), 0);
}

/** Go to another EPT, 0 or 1; these bits are in its pointer. */
static inline s64 ept_use(u64 space, u64 bits)
{
	return service(SERVICE_SPACE, space, bits);
}

static inline s64 ept_invalidate(void)
{
	return service(SERVICE_INVEPT, 2, 0);
}

/** A page of RAM gets these rights, and no translation is remembered. */
#define ALLOW(page, rights) \
	do { \
		u64 page_ = (u64)(page) & PAGE_MASK; \
		CHECK_DONE(ept_set(page_, page_, (rights) | EPT_WB, 1)); \
		CHECK_DONE(ept_invalidate()); \
	} while (0)

/** No entry at all. */
#define HIDE(page) \
	do { \
		CHECK_DONE(ept_set((u64)(page) & PAGE_MASK, ~0ull, 0, 1)); \
		CHECK_DONE(ept_invalidate()); \
	} while (0)

/** The last exit was a violation, at this address, GVA = GPA. */
#define CHECK_VIOLATION(qual, address) \
	do { \
		struct services_exit exit_ = exit_before(0); \
		CHECK_REASON(exit_, EXIT_EPT_VIOLATION); \
		CHECK_EQ(exit_.qualification, (qual), \
			 "access and rights are as in SDM 3C table 28-7"); \
		CHECK_EQ(exit_.gpa, (u64)(address), \
			 "the guest-physical address of the access"); \
		CHECK_EQ(exit_.gla, (u64)(address), \
			 "and its linear address (SDM 3C 28.2.1)"); \
	} while (0)

/** An access to memory with its own rights; operand 0 is the address. */
#define TOUCH(text, address) \
	PROVOKE_LAND(text, : : "D"(address), "a"(0), "c"(1), "d"(0) \
		     : "cc", "memory", "rbx")

#endif
