/** @file
 * What the VMM's loop needs of the hypercalls about exits.
 */
#ifndef HV_VMM_CALLS_IO_H
#define HV_VMM_CALLS_IO_H

#include "hv/vmm/bed.h"

/**
 * The VMM has been asked and its answer is in the exit record: log the vCPU's
 * registers as entry io_count of the log, which must have room for it, and do
 * what the hooks say.
 */
void calls_io_at_exit(struct bed *bed);

#endif
