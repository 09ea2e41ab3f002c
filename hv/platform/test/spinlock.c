/** @file
 * The chips' locks on the host: one thread, so that taking a lock twice is a
 * mistake, and the test that does it ends here.
 */
#include <stdlib.h>

#include "hv/lib/spinlock.h"

void spinlock_lock(struct spinlock *lock)
{
	if (lock->locked++) {
		abort();
	}
}

void spinlock_unlock(struct spinlock *lock)
{
	if (--lock->locked) {
		abort();
	}
}
