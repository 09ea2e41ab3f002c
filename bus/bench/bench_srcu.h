/** @file
 * SRCU domains: read sections and grace periods of the model.
 */
#ifndef BUS_BENCH_BENCH_SRCU_H
#define BUS_BENCH_BENCH_SRCU_H

#include "bus/bench/model.h"

/** smp_mb__after_srcu_read_lock(): the beginning was a full barrier. */
void bench_srcu_upgrade(void);

#endif
