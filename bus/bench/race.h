/** @file
 * Limits of an access: what a read may return, what a store must follow.
 */
#ifndef BUS_BENCH_RACE_H
#define BUS_BENCH_RACE_H

#include "bus/bench/model.h"

/**
 * The oldest position in a location's order that a view, and the thread's
 * address dependency on the object there, allow.
 */
int race_floor(const struct view *view, int location);

/** @return the view by which an object was handed to us, or NULL */
const struct view *race_depends(uintptr_t address);

/**
 * A value was read.  If it points to an object, then what its publisher knew
 * is visible inside of that object: the address dependency.
 * @param store the store that was read
 * @param more  learned as well, may be NULL
 */
void race_add_depends(int store, const struct view *more);

/** Fail if the access touches freed, wild or too little memory. */
void race_check_object(uintptr_t address, size_t bytes,
		       const struct event *access);

/** Fail if the thread may not write there: bench_private(). */
void race_check_private(uintptr_t address);

/** Fail if a store to the location races with a store or a plain read. */
void race_check_store(int location, bool plain);

/** Fail if a read may meet a plain store in the making. */
void race_check_marked_read(int location, int floor, struct event *e);

#endif
