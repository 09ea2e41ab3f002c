/** @file
 * The chips' locks on the host, for tests with several threads.
 */
#include "bus/access.h"
#include "hv/lib/spinlock.h"

void spinlock_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)) {
		cpu_relax();
	}
}

void spinlock_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}
