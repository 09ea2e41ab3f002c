/** @file
 * A device comes, a vCPU is told and touches it, the device goes: in rounds.
 */
#ifndef HV_VMM_BUS_ROUNDS_H
#define HV_VMM_BUS_ROUNDS_H

#include "hv/vmm/bed.h"

/**
 * Play them, against a vCPU that has been started and plays the guest's half.
 * @param b a device as for BUS_ADD, rounds, meeting; accesses is filled
 * @return 0; -EFAULT: there is no memory at meeting; -EINTR: the guest
 *	does not take part; or why the device cannot be registered
 * The bed's lock is held, and given up while the guest is waited for.
 */
int bus_rounds_play(struct bed *bed, struct hypercall_bus *b) __must_check;

#endif
