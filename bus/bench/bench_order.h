/** @file
 * Full barriers, as the rest of the model uses them.
 */
#ifndef BUS_BENCH_BENCH_ORDER_H
#define BUS_BENCH_BENCH_ORDER_H

#include "bus/bench/model.h"

/** @return whether two threads or more have full barriers */
bool bench_order_shared(void);

/** The running thread has full barriers; a second one begins all again. */
void bench_order_note_fencer(void);

/** What smp_mb() does to the views. */
void bench_order_full_barrier(void);

#endif
