/** @file
 * A step of the lab that is not written yet, met by a host test.
 */
#include "bus/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void lab_not_written(const char *step, const char *function,
		     const char *header)
{
	fail_msg("lab %s: %s() is not written yet (see %s)", step, function,
		 header);
	abort();
}
