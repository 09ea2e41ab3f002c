/** @file
 * Accesses to memory that somebody else may touch at the same time.
 *
 * A plain `x = *p` lets the compiler read twice, read early, or not read at
 * all.  That is fine for memory of our own and wrong for an EPT entry that
 * the processor or another CPU may change: an entry is read once, with
 * READ_ONCE(), and every decision is made on that copy.
 *
 * The names and their meaning are Linux's (Documentation/memory-barriers.txt
 * there).  On x86 a load is never reordered with a load nor a store with a
 * store by the processor (SDM 3A 9.2.2), so that acquire and release cost
 * only a compiler barrier; the source still says what it relies on, since the
 * next reader or the next compiler will rely on it too.
 */
#ifndef BUS_ACCESS_H
#define BUS_ACCESS_H

#include "bus/types.h"

/** Read x exactly once, whole. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))

/** Write x exactly once, whole. */
#define WRITE_ONCE(x, val) (*(volatile __typeof__(x) *)&(x) = (val))

/** Read *p; what follows in the program also follows in time. */
#define smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

/** Write *p; what precedes in the program also precedes in time. */
#define smp_store_release(p, val) __atomic_store_n((p), (val), __ATOMIC_RELEASE)

/** A full barrier: also orders an earlier store before a later load. */
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/** Loads before it come before loads after it. */
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/** Stores before it come before stores after it. */
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/** Make what the pointer leads to visible along with it: a release. */
#define rcu_assign_pointer(p, val) smp_store_release(&(p), val)

/**
 * Read a pointer inside of a read section: what it leads to is as its
 * publisher left it, and stays until the section ends.
 */
#define srcu_dereference(p, srcu) ((void)(srcu), READ_ONCE(p))

/**
 * Make a full barrier of the srcu_read_lock() before: what was seen before the
 * section binds the loads inside.  Ours is one already (bus/srcu.h), so that
 * only the compiler has to be told.
 */
#define smp_mb__after_srcu_read_lock() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/** In a loop that waits for another CPU: let the other hardware thread run. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* memory may have changed */
}

#endif
