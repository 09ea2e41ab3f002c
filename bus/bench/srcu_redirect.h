/** @file
 * The words of bus/srcu.h, for a file that is put on the bench: SRCU as a
 * primitive of the model in place of an implementation.
 *
 * Included before anything else, it takes the guard of bus/srcu.h.
 */
#ifndef BUS_SRCU_H
#define BUS_SRCU_H

#include "bus/bench/access_redirect.h"
#include "bus/bench/bench.h"

/* The domain's address is all that the model wants of it. */
struct srcu {
	char unused;
};

struct srcu_reader {
	char unused;
};

struct srcu_head {
	struct srcu_head *next;
	void (*call)(struct srcu_head *head);
};

#define BENCH_AT BENCH_HERE(0, BENCH_ONCE)

#define srcu_read_lock(srcu, reader) \
	((void)(reader), (void)bench_srcu_lock((srcu), BENCH_AT))
#define srcu_read_unlock(srcu, reader) \
	((void)(reader), bench_srcu_unlock((srcu), BENCH_NEWEST, BENCH_AT))
#define synchronize_srcu(srcu) bench_srcu_synchronize((srcu), BENCH_AT)
#define srcu_barrier(srcu) bench_srcu_barrier((srcu), BENCH_AT)
#define call_srcu(srcu, head, callback) \
	bench_srcu_call((srcu), \
			&(struct bench_thread){ \
				.run = (void (*)(void *))(callback), \
				.argument = (head) }, \
			BENCH_AT)

#endif
