/** @file
 * KVM's clock: the time as a formula over the TSC, in guest memory.
 *
 * A guest that knows it reads the time without an exit, and learns the TSC's
 * rate without measuring: nanoseconds = (TSC - then) * multiplier + offset.
 * Linux' Documentation/virt/kvm/x86/msr.rst.
 */
#ifndef HV_VCPU_PVCLOCK_H
#define HV_VCPU_PVCLOCK_H

#include "bus/types.h"

struct vcpu;

#define PVCLOCK_MSR_WALL 0x4b564d00u
#define PVCLOCK_MSR_SYSTEM 0x4b564d01u

/** Feature bits of leaf 0x40000001: this clock, all CPUs agree on it; and port
 * 0x80 need not be written to pass the time. */
#define PVCLOCK_FEATURES ((u32)(BIT(1) | BIT(3) | BIT(24)))

/**
 * The guest writes one of the two MSRs.
 * @param value guest-physical address, 4-byte aligned; bit 0 of the second:
 *	it is to be kept up to date
 * @return 0; -EINVAL: there is no memory
 */
int pvclock_set(struct vcpu *vcpu, u32 msr, u64 value) __must_check;

/** The guest has moved its TSC. */
void pvclock_update(struct vcpu *vcpu);

#endif
