/** @file
 * Checks, and what becomes of one that fails: a hypercall which says so.
 */
#include "guest-tests/lib/check.h"

#include "guest-tests/lib/text.h"
#include "guest-tests/lib/vmcall.h"

static u64 checks;

static void fail(const struct check_place *place, u64 seen, u64 expected)
{
	struct hypercall_check check = {
		.rule = vmcall_address(place->rule),
		.seen = seen,
		.expected = expected,
		.file = vmcall_address(place->file),
		.line = place->line,
		.format = place->format,
	};

	vmcall1(HYPERCALL_FAIL, vmcall_address(&check));
}

void check_equal(const struct check_place *place, u64 seen, u64 expected)
{
	checks++;
	if (seen != expected) {
		fail(place, seen, expected);
	}
}

void check_text(const struct check_place *place, const char *seen,
		const char *expected)
{
	checks++;
	if (!text_equal(seen, expected)) {
		fail(place, vmcall_address(seen), vmcall_address(expected));
	}
}

u64 check_count(void)
{
	return checks;
}

void check_stop(const struct check_place *place, enum hypercall_stop stop,
		u64 gpa, u64 ept_exits)
{
	struct hypercall_expect expect = {
		.rule = vmcall_address(place->rule),
		.file = vmcall_address(place->file),
		.line = place->line,
		.stop = stop,
		.gpa = gpa,
		.checks = ++checks,
		.ept_exits = ept_exits,
	};

	check_equal(CHECK_PLACE("the end of a VM can be announced",
				FORMAT_DECIMAL),
		    (u64)vmcall1(HYPERCALL_EXPECT_STOP,
				 vmcall_address(&expect)), 0);
}
