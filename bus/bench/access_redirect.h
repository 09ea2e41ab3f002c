/** @file
 * The words of bus/access.h, for a file that is put on the bench.
 *
 * Included before anything else (`-include`), it takes the guard of
 * bus/access.h, whose text is then skipped: the file needs no change and has
 * nothing by which to tell the difference.
 */
#ifndef BUS_ACCESS_H
#define BUS_ACCESS_H

#include "bus/bench/bench.h"
#include "bus/types.h"

#undef __SANITIZE_THREAD__

#define BENCH_LOAD(p, how) \
	({ \
		__typeof__(*(p)) bench_value; \
		bench_load((p), (void *)&bench_value, \
			   BENCH_HERE(sizeof(*(p)), how)); \
		bench_value; \
	})
#define BENCH_STORE(p, val, how) \
	({ \
		__typeof__(*(p)) bench_value = (val); \
		bench_store((p), (const void *)&bench_value, \
			    BENCH_HERE(sizeof(*(p)), how)); \
	})

#define READ_ONCE(x) BENCH_LOAD(&(x), BENCH_ONCE)
#define WRITE_ONCE(x, val) BENCH_STORE(&(x), val, BENCH_ONCE)
#define smp_load_acquire(p) BENCH_LOAD(p, BENCH_ACQUIRE)
#define smp_store_release(p, val) BENCH_STORE(p, val, BENCH_RELEASE)
#define smp_mb() bench_fence(BENCH_MB, BENCH_HERE(0, BENCH_ONCE))
#define smp_rmb() bench_fence(BENCH_RMB, BENCH_HERE(0, BENCH_ONCE))
#define smp_wmb() bench_fence(BENCH_WMB, BENCH_HERE(0, BENCH_ONCE))
#define smp_mb__after_srcu_read_lock() \
	bench_fence(BENCH_MB_AFTER_SRCU, BENCH_HERE(0, BENCH_ONCE))
#define rcu_assign_pointer(p, val) smp_store_release(&(p), val)
#define srcu_dereference(p, srcu) \
	({ \
		bench_srcu_must_hold((srcu), BENCH_HERE(0, BENCH_ONCE)); \
		READ_ONCE(p); \
	})
#define cpu_relax() bench_relax()

#endif
