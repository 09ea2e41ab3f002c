/** @file
 * Zones: from a device of the bus to the ring.
 *
 * Taking a zone away has to wait for the vCPUs that are just storing to it.
 * It does, without a word here: a device leaves the bus by a new table, the
 * old table is released, and that waits for the read sections in which it may
 * be in use (KVM freed zones that were; CVE-2021-47341).
 *
 * On its way a store comes here last: exit, emulator, bus, push(). If push()
 * refuses, the bus says that nobody has answered, and the same store goes to
 * the VMM as an ordinary MMIO exit. So a full ring costs time and loses
 * nothing.
 *
 * A VM has one ring for all its zones, since the VMM has to see the stores of
 * one guest in their order, also from zone to zone. The page is made with the
 * first zone and stays until the VM goes.
 */
#include "hv/vcpu/vm_coalesced.h"

#include "bus/errno.h"
#include "hv/lib/page.h"

/**
 * Two vCPUs may store at once: they would both take the same free entry. The
 * VMM, who empties the ring, takes no lock; it only moves `first`, pushers only
 * move `last` (bus/coalesced.h). Reads come here too, and are refused there.
 */
static int push(void *opaque, struct bus_access *access)
{
	struct vm_coalesced *all = opaque;
	int result;

	spinlock_lock(&all->lock);
	result = coalesced_push(all->ring, access);
	spinlock_unlock(&all->lock);
	return result;
}

/**
 * Made for the first zone; goes with the VM. `coalesced` is set when all is
 * whole: vm_coalesced_ring() may be asked at any time.
 */
static struct vm_coalesced *make(struct vm *vm)
{
	struct vm_coalesced *all = page_alloc(vm->owner);

	_Static_assert(sizeof(*all) <= PAGE_SIZE, "one page");
	if (!all) {
		return NULL;
	}
	all->ring = page_alloc(vm->owner);
	all->lock.stoppable = true;
	if (!all->ring) {
		page_free(all);
		return NULL;
	}
	vm->coalesced = all;
	return all;
}

/** The zone that begins there; with length 0, one that is not used. */
static struct bus_device *find(struct vm_coalesced *all, u64 base, u64 length)
{
	for (unsigned int i = 0; all && i < VM_COALESCED_ZONES; i++) {
		struct bus_device *zone = &all->zone[i];

		if (length ? zone->length && zone->base.v == base
			   : !zone->length) {
			return zone;
		}
	}
	return NULL;
}

/*
 * The zone's own memory, `zone`, is what the bus keeps a pointer to. It must
 * therefore not move, and not be reused before the bus has forgotten it: a slot
 * of the array is free again only when its length is 0, which is the last thing
 * that removal writes.
 */
int vm_coalesced_add(struct vm *vm, gpa_t base, u64 length)
{
	struct vm_coalesced *all = vm->coalesced ? vm->coalesced : make(vm);
	struct bus_device *zone = find(all, 0, 0);
	int error;

	if (!all) {
		return -ENOMEM;
	}
	if (!zone) {
		return -ENOSPC;
	}
	*zone = (struct bus_device){
		.name = "coalesced zone",
		.base = bus_addr(base.v),
		.length = length,
		.widths = BUS_WIDTH_ANY,
		.opaque = all,
		.access = push,
	};
	error = vm_register_device(vm, &vm->mmio_bus, zone);
	if (error) {
		zone->length = 0;
	}
	return error;
}

/*
 * Leaving the bus may fail: the new, shorter table needs memory. The zone then
 * stays in use, as if it had not been asked for.
 */
int vm_coalesced_remove(struct vm *vm, gpa_t base)
{
	struct bus_device *zone = find(vm->coalesced, base.v, 1);
	int error = -ENOENT;

	if (zone) {
		error = vm_unregister_device(vm, &vm->mmio_bus, zone);
	}
	if (!error) {
		zone->length = 0;
	}
	return error;
}

struct coalesced_ring *vm_coalesced_ring(struct vm *vm)
{
	return vm->coalesced ? vm->coalesced->ring : NULL;
}
