/** @file
 * Which states of the machine have been visited.
 */
#ifndef BUS_BENCH_STATE_HASH_H
#define BUS_BENCH_STATE_HASH_H

#include "bus/bench/model.h"

/** @return whether the machine was in this very state before; notes it */
bool state_hash_seen(void);

/** Forget all. */
void state_hash_clear(void);

#endif
