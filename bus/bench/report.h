/** @file
 * A wrong execution, in lines of source.
 */
#ifndef BUS_BENCH_REPORT_H
#define BUS_BENCH_REPORT_H

#include "bus/bench/model.h"

/** Print what happened, step by step, as far as it matters. */
void report_trace(void);

/** Find out the source line of an event that only a code address tells. */
void report_find_line(struct event *e);

/** @return FILE:LINE of a place, without folders; "?" if it is not known */
const char *report_place(const struct bench_where *where);

/** @return the barrier as it is written in C */
const char *report_fence(enum bench_fence fence);

#endif
