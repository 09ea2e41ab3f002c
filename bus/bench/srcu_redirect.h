/** @file
 * The words of bus/srcu.h, for a file that is put on the bench: SRCU as a
 * primitive of the model in place of an implementation.
 *
 * Included before anything else, it takes the guard of bus/srcu.h.
 */
#ifndef BUS_SRCU_H
#define BUS_SRCU_H

#include "bus/bench/bench.h"
#include "bus/bench/access_redirect.h"

#endif
