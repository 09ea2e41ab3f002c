/** @file
 * What a test program includes: how a test is written down, and the library.
 *
 *	TEST(first_touch_is_one_violation)
 *	{
 *		mmio_read4(DEVICE_COUNTER_GPA);
 *		CHECK_EXITS(vmcall_counter(COUNTER_VIOLATIONS), 1,
 *			    "the first touch is one EPT violation (spec 1.1)");
 *	}
 *
 * Each test runs in a VM of its own, from power-on.  It passes when its
 * function returns after at least one check.
 */
#ifndef GUEST_TESTS_LIB_TEST_H
#define GUEST_TESTS_LIB_TEST_H

#include "guest-tests/lib/cache.h"
#include "guest-tests/lib/check.h"
#include "guest-tests/lib/device.h"
#include "guest-tests/lib/doorbell.h"
#include "guest-tests/lib/mmio.h"
#include "guest-tests/lib/pages.h"
#include "guest-tests/lib/real.h"
#include "guest-tests/lib/second.h"
#include "guest-tests/lib/slots.h"
#include "guest-tests/lib/tally.h"
#include "guest-tests/lib/trap.h"
#include "guest-tests/lib/vmcall.h"

/** Flags (TEST_*) of a file's tests, if it says so before including this. */
#ifndef TEST_FLAGS
#define TEST_FLAGS 0
#endif

/** Define a test; its record is what the test driver finds it by. */
#define TEST(test) TEST_WITH(test, TEST_FLAGS)

/** The same, about what only one kind of paging has; skipped with the other. */
#define TEST_OF_EPT(test) TEST_WITH(test, TEST_NEEDS_EPT)
#define TEST_OF_SHADOW(test) TEST_WITH(test, TEST_NEEDS_SHADOW)

/** The same with flags of its own. */
#define TEST_WITH(test, when) \
	static void test(void); \
	static const struct test_record record_##test \
		__attribute__((section(".tests"), used)) __aligned(8) = { \
			.name = #test, .function = (u64)(test), \
			.flags = (when) }; \
	static void test(void)

#endif
