/** @file
 * The names of the exit reasons.
 *
 * The list in the header is the only one; this table is made from it, so that
 * a reason that is added there has its name here.  A dump, the trace ring and
 * the exit log all print what this says.
 */
#include "hv/vmx/exit_reasons.h"

static const char *const exit_reason_name[EXIT_REASON_MAX + 1] = {
#define EXIT_REASON_NAME(name, number) [number] = #name,
	EXIT_REASONS(EXIT_REASON_NAME)
#undef EXIT_REASON_NAME
};

const char *exit_reasons_name(u32 reason)
{
	u32 basic = reason & EXIT_REASON_BASIC;

	if (basic > EXIT_REASON_MAX || exit_reason_name[basic] == NULL) {
		return "unknown";
	}
	return exit_reason_name[basic];
}
