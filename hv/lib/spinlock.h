/** @file
 * Spinlocks that a crash cannot leave locked.
 *
 * Each CPU lists the locks it holds; recovery_run() releases those which a
 * crash left behind.  What the watchdog may do while one is held depends on
 * what it protects:
 *
 *	the hypervisor's own data   lives on after a crash, so it must never be
 *				    left half changed: interrupts are off, and
 *				    the watchdog has to wait
 *	a VM's data                 is thrown away with the VM, and a lab's code
 *				    runs under its locks: an endless loop there
 *				    must be stopped, so interrupts stay as they
 *				    were (`stoppable`)
 *
 * Waiting for either is done with interrupts as the caller had them, so that
 * the watchdog stops a deadlock.
 */
#ifndef HV_LIB_SPINLOCK_H
#define HV_LIB_SPINLOCK_H

#include "bus/types.h"

/** All zero is an unlocked lock. */
struct spinlock {
	u32 locked;
	bool stoppable; /* set before its first use, then fixed */
	u64 flags; /* the holder's RFLAGS before it took the lock */
};

#define SPINLOCK_INIT { .locked = 0 }

/** Take the lock; unless it is stoppable, interrupts are off until it is
 * released. */
void spinlock_lock(struct spinlock *lock);

/** Release it and give interrupts back; newest lock first. */
void spinlock_unlock(struct spinlock *lock);

/** Release this CPU's locks beyond the first `keep`; for recovery. */
void spinlock_release_beyond(unsigned int keep);

#endif
