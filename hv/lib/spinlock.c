/** @file
 * Spinlocks.
 *
 * Taking one is an exchange on the word; the waiting loop reads it plainly, so
 * that waiting CPUs do not pull the cache line to and fro.
 *
 * The word and the CPU's list of locks must agree whenever the watchdog looks:
 * a lock that is taken but not listed would stay locked for good, one that is
 * listed but free would be released under another CPU's feet.  So interrupts
 * are off around both, also when the lock lets them on again afterwards.
 */
#include "hv/lib/spinlock.h"

#include "bus/access.h"
#include "hv/lib/panic.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/** The exchange only when it has a chance; acquires what the lock guards. */
static bool try_lock(struct spinlock *lock)
{
	return !READ_ONCE(lock->locked) &&
	       !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

void spinlock_lock(struct spinlock *lock)
{
	struct cpu *cpu = this_cpu();
	u64 flags = irq_save();

	while (!try_lock(lock)) {
		cpu_begin_waiting();
		irq_restore(flags); /* the watchdog may look now */
		cpu_relax();
		irq_disable();
	}
	cpu_end_waiting();
	lock->flags = flags;
	if (cpu->nlocks == CPU_LOCKS_MAX) {
		smp_store_release(&lock->locked, 0);
		panic("a CPU holds more than %d locks", CPU_LOCKS_MAX);
	}
	cpu->locks[cpu->nlocks++] = lock;
	if (lock->stoppable) {
		irq_restore(flags);
	}
}

/** Off the list and free; interrupts are off. */
static void unlock(struct spinlock *lock)
{
	this_cpu()->nlocks--;
	smp_store_release(&lock->locked, 0);
}

void spinlock_unlock(struct spinlock *lock)
{
	struct cpu *cpu = this_cpu();
	u64 flags = lock->flags; /* whoever takes it next will overwrite it */

	irq_disable();
	/* Out of order, the list would name a lock that is free by then. */
	panic_unless(cpu->nlocks > 0 &&
		     cpu->locks[cpu->nlocks - 1] == lock);
	unlock(lock);
	irq_restore(flags);
}

void spinlock_release_beyond(unsigned int keep)
{
	struct cpu *cpu = this_cpu();

	while (cpu->nlocks > keep) {
		unlock(cpu->locks[cpu->nlocks - 1]);
	}
}
