/** @file
 * Zones of guest physical memory whose stores are coalesced (bus/coalesced.h).
 *
 * A zone is a device of the core like any other: it takes what lies whole
 * inside of it and is a store of 1, 2, 4 or 8 bytes, and refuses everything
 * else, which then goes to the VMM as if there were no zone.
 */
#ifndef HV_VCPU_VM_COALESCED_H
#define HV_VCPU_VM_COALESCED_H

#include "bus/bus.h"
#include "bus/coalesced.h"
#include "hv/lib/spinlock.h"
#include "hv/vcpu/vm.h"

#define VM_COALESCED_ZONES 16

/** All zones of a VM and the ring that they share. */
struct vm_coalesced {
	struct coalesced_ring *ring; /* a page of its own: the VMM writes it */
	struct spinlock lock;	     /* vCPUs that push */
	struct bus_device zone[VM_COALESCED_ZONES]; /* length 0: unused */
};

/**
 * Add a zone.  One caller at a time, as with vm_register_device().
 * @return 0; -ENOSPC: there are VM_COALESCED_ZONES; -ENOMEM; or as
 *	bus_register()
 */
int vm_coalesced_add(struct vm *vm, gpa_t base, u64 length) __must_check;

/**
 * Remove a zone.  Once this has returned no vCPU writes to the ring for it;
 * what it has written stays there to be read.
 * @param base of a zone, as it was added
 * @return 0; -ENOENT; -ENOMEM: the zone is still there
 */
int vm_coalesced_remove(struct vm *vm, gpa_t base) __must_check;

/** The ring, or NULL as long as there has been no zone. */
struct coalesced_ring *vm_coalesced_ring(struct vm *vm);

#endif
