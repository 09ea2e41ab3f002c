/** @file
 * The middle of an access: what a VMM may do between two of its pieces.
 *
 * It may want its vCPU back at once, look at all of its registers, move it to
 * another VM.  None of that may change what the guest sees.  A test asks for
 * it by hooks (HYPERCALL_IO_HOOK) and learns what came of it.
 */
#ifndef HV_VMM_MIDDLE_H
#define HV_VMM_MIDDLE_H

#include "hv/vmm/bed.h"

/** Set immediate_exit until vcpu_run() has said -EINTR. */
void middle_ask_back(struct bed *bed);

/** A signal comes in. */
void middle_signal(struct bed *bed);

/** Ask the vCPU back, and when it is here with nothing pending, move it. */
void middle_move_drained(struct bed *bed);

/** Move the vCPU to another VM, as it is. */
void middle_move(struct bed *bed);

/** vcpu_run() has returned -EINTR. */
void middle_interrupted(struct bed *bed);

/**
 * Let the devices have the coalesced stores, which are older than whatever
 * exit has come (spec 4.4).
 * @return how many there were
 */
u64 middle_drain_ring(struct bed *bed);

#endif
