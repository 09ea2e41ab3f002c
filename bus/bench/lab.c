/** @file
 * A step of the lab that is not written yet, met by code on the bench: the
 * verdict is the hypervisor's own sentence (hv/vmm/lab.c).
 */
#include "bus/lab.h"

#include "bus/bench/bench.h"

void lab_not_written(const char *step, const char *function,
		     const char *header)
{
	bench_fail("lab %s: %s() is not written yet (see %s)", step, function,
		   header);
}
