/** @file
 * The words of bus/access.h and bus/srcu.h, led to the staleness shim.
 *
 * Included before anything else (`-include`) when the bus' file is compiled for
 * the second time.  The headers themselves come first and mean what they
 * always mean: only what the file says is led away, be it in Linux's words or
 * in those of C11, which the compiler's builtins stand behind.
 */
#ifndef HV_STALE_STALE_WORDS_H
#define HV_STALE_STALE_WORDS_H

#include "bus/access.h"
#include "bus/srcu.h"
#include "hv/stale/stale.h"

#undef READ_ONCE
#undef WRITE_ONCE
#undef smp_load_acquire
#undef smp_store_release
#undef smp_mb
#undef smp_rmb
#undef smp_wmb
#undef rcu_assign_pointer
#undef srcu_dereference
#undef smp_mb__after_srcu_read_lock

#define STALE_LOAD(p, order) \
	({ \
		__typeof__(*(p)) stale_value; \
		stale_load((p), (void *)&stale_value, sizeof(*(p)), order); \
		stale_value; \
	})
#define STALE_STORE(p, val) \
	({ \
		__typeof__(*(p)) stale_value = (val); \
		stale_store((p), (const void *)&stale_value, sizeof(*(p))); \
	})
/* Consume orders what depends on the pointer, and that only. */
#define STALE_ORDER(order) \
	((order) == __ATOMIC_RELAXED || (order) == __ATOMIC_CONSUME || \
			 (order) == __ATOMIC_RELEASE ? \
		 STALE_NONE : \
		 STALE_ACQUIRE)

#define READ_ONCE(x) STALE_LOAD(&(x), STALE_NONE)
#define WRITE_ONCE(x, val) STALE_STORE(&(x), val)
#define smp_load_acquire(p) STALE_LOAD(p, STALE_ACQUIRE)
#define smp_store_release(p, val) STALE_STORE(p, val)
#define smp_mb() stale_fence(STALE_READ)
#define smp_rmb() stale_fence(STALE_READ)
#define smp_wmb() stale_fence(STALE_NONE)
#define rcu_assign_pointer(p, val) STALE_STORE(&(p), val)
#define srcu_dereference(p, srcu) ((void)(srcu), STALE_LOAD(&(p), STALE_NONE))
#define smp_mb__after_srcu_read_lock() stale_fence(STALE_LOCK)

#define __atomic_load_n(p, order) STALE_LOAD(p, STALE_ORDER(order))
#define __atomic_store_n(p, val, order) ((void)(order), STALE_STORE(p, val))
#define __atomic_thread_fence(order) \
	stale_fence(STALE_ORDER(order) == STALE_NONE ? STALE_NONE : STALE_READ)

#define call_srcu stale_call_srcu
#define synchronize_srcu stale_synchronize_srcu
#define srcu_barrier stale_srcu_barrier

#endif
