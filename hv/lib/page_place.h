/** @file
 * Where the page allocator's own bytes go.
 */
#ifndef HV_LIB_PAGE_PLACE_H
#define HV_LIB_PAGE_PLACE_H

#include "bus/types.h"

/**
 * Find RAM that neither the image nor a module lies in.  Ends the machine with
 * a sentence when there is none.
 * @param size bytes
 * @return the first address, aligned to a page
 */
hpa_t page_place_find(u64 size);

#endif
