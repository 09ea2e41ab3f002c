/** @file
 * Plain accesses and copies of memory.
 */
#ifndef BUS_BENCH_BENCH_PLAIN_H
#define BUS_BENCH_BENCH_PLAIN_H

#include "bus/bench/model.h"

/** A copy may carry bytes that nobody has written; using them is an error. */
enum plain_kind { PLAIN_LOAD, PLAIN_STORE, PLAIN_COPY };

/** A plain access of where->bytes bytes is about to happen. */
void bench_plain_access(uintptr_t address, const struct bench_where *where,
			enum plain_kind kind);

/**
 * memcpy() and memmove() of the file on the bench.
 * @return to, as they do
 */
void *bench_copy(void *to, const void *from, size_t bytes);

/** The same, for memmove(). */
void *bench_move(void *to, const void *from, size_t bytes);

/** Its memset(). */
void *bench_set(void *to, int byte, size_t bytes);

#endif
