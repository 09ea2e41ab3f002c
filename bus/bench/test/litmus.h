/** @file
 * The words that litmus tests are written in.
 *
 * W(x, 1) stores, R(0, x) loads into this thread's register 0; both marked.
 * A row of litmus.rows is LITMUS(id, name, outcome, thread, thread, thread,
 * thread, condition); after all threads have ended, r(1, 0) is register 0 of
 * thread 1 and x, y, z are the last values.
 */
#ifndef BUS_BENCH_TEST_LITMUS_H
#define BUS_BENCH_TEST_LITMUS_H

#include "bus/access.h"
#include "bus/bench/bench.h"

#define HERE BENCH_HERE(0, BENCH_ONCE)
#define W(cell, value) WRITE_ONCE(*cell, value);
#define R(n, cell) reg[n] = READ_ONCE(*cell);
#define REL(cell, value) smp_store_release(cell, value);
#define ACQ(n, cell) reg[n] = smp_load_acquire(cell);
#define MB smp_mb();
#define RMB smp_rmb();
#define WMB smp_wmb();
#define LK bench_lock(&lock, HERE);
#define UL bench_unlock(&lock, HERE);
#define MBL bench_fence(BENCH_MB_AFTER_LOCK, HERE);
#define SL int i = bench_srcu_lock(&domain, HERE);
#define SL2 i = bench_srcu_lock(&domain, HERE);
#define SU bench_srcu_unlock(&domain, i, HERE);
#define SY bench_srcu_synchronize(&domain, HERE);

#endif
