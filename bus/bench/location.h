/** @file
 * Which bytes are one location, and which object they lie in.
 *
 * Locations come to be as the program touches memory: the first access of 8
 * bytes makes one of 8.  If a later access takes only half of it, the cut is
 * remembered and the whole search begins again, now with two locations.
 */
#ifndef BUS_BENCH_LOCATION_H
#define BUS_BENCH_LOCATION_H

#include "bus/bench/model.h"

/** @return whether the bench watches this address: globals and the heap */
bool location_tracked(uintptr_t address);

/**
 * The locations that cover a range, made where there were none.
 * @param ids receives their numbers, room for OBJECT_BYTES of them
 * @return how many
 */
int location_cover(uintptr_t address, size_t bytes, int *ids);

/** The one location of a marked access; fails if sizes were mixed. */
int location_of(uintptr_t address, unsigned int bytes);

/** @return the number of the object that the address lies in, -1: of none */
int location_object(uintptr_t address);

/** The address of the object with that number. */
uintptr_t location_object_base(int object);

/** @return what people call that address; good until the next but three */
const char *location_text(uintptr_t address);

/** @return a value as people read it: a number, or what it points to */
const char *location_value(u64 value);

/** Begin the search again, with a cut at that address; 0: for another cause. */
__noreturn void location_again(uintptr_t cut);

#endif
