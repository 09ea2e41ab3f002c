/** @file
 * Making a store: its message, and its place in the location's order.
 */
#ifndef BUS_BENCH_STORE_H
#define BUS_BENCH_STORE_H

#include "bus/bench/model.h"

/** @return a store of the running thread, not yet in any order */
struct store *store_new(int location);

/**
 * Put it at that place in the order; the thread knows of it from now on.
 * @param release its message holds all that the thread has heard
 */
void store_place(struct store *s, int place, bool release);

#endif
