/** @file
 * Hypercalls: several vCPUs, each on a CPU of its own.
 *
 * A test begins on vCPU 0.  It may start vCPU n, which then runs on CPU n of
 * the machine at the same time, in the same address space, until it says that
 * it has ended; who has started it can wait for that:
 *
 *	vCPU 0	START(1) ------------- ... ------------- WAIT(1) -> value
 *	vCPU 1	        rip(argument)  ...  END(value)
 *
 * The test itself ends on whichever vCPU says so first, or stops.
 */
#ifndef HV_VMM_HYPERCALL_VCPU_H
#define HV_VMM_HYPERCALL_VCPU_H

#include "bus/types.h"

/** Numbers of vCPUs are below this; 0 is the one that a test begins on. */
#define HYPERCALL_VCPUS 8

#define HYPERCALL_VCPU_WAITS (~0ull)

/** Where a vCPU begins.  Segments, tables and control registers are those of
 * the vCPU that starts it; RFLAGS has nothing set, interrupts are off. */
struct hypercall_vcpu {
	u64 number; /* from 1; it must not run */
	u64 rip;    /* HYPERCALL_VCPU_WAITS: it is in its reset state and
		     * waits for INIT and SIPI (TEST_NEEDS_APIC) */
	u64 rsp;
	u64 argument; /* in RDI */
};

#endif
