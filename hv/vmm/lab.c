/** @file
 * What happens when a student's function is not written yet.
 *
 * Labs call lab_not_written() (bus/lab.h) where the work begins.  In the
 * hypervisor that ends the test with the verdict "step": nothing is broken, and
 * the next thing to do is named.
 *
 * It cannot return, as the function that is missing would have to have a
 * result.  With a kernel of others (`make run`) it ends the guest, by the same
 * sentence.
 */
#include "bus/lab.h"

#include "hv/lib/panic.h"

__noreturn void lab_not_written(const char *step, const char *function,
				const char *header)
{
	panic_step(step, "lab %s: %s() is not written yet (see %s)", step,
		   function, header);
}
