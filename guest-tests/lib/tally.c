/** @file
 * Reading all counters twice.
 *
 * One hypercall reads them all: a trace of the test is then the accesses, with
 * one VMCALL before and one behind.
 */
#include "guest-tests/lib/tally.h"

#include "guest-tests/lib/vmcall.h"

void tally_start(struct tally *tally)
{
	vmcall1(HYPERCALL_COUNTERS, vmcall_address(tally->count));
}

void tally_stop(struct tally *tally)
{
	u64 now[COUNTER_COUNT] = { 0 };

	vmcall1(HYPERCALL_COUNTERS, vmcall_address(now));
	for (unsigned int i = 0; i < COUNTER_COUNT; i++) {
		tally->count[i] = now[i] - tally->count[i];
	}
}
