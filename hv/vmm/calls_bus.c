/** @file
 * The hypercall about the core's buses (hypercall_bus.h).
 *
 * One call with many actions: lab 5's tests register, look, park and remove, in
 * all orders.  The struct is copied in, checked and copied out, since another
 * vCPU of the guest may write to it meanwhile.
 *
 * The bed's devices are made at the first call: most tests have none of them,
 * and a thousand take some pages.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/lib/page.h"
#include "hv/stale/stale.h"
#include "hv/vmm/bus_devices.h"
#include "hv/vmm/bus_rounds.h"

typedef int (*action_t)(struct bed *bed, struct hypercall_bus *b);

/**
 * Another allocation than those asked for must not fail. The guest counts from
 * 1 and 0 means "none shall fail"; the allocator counts those that still
 * succeed, and -1 means all. A failure left on would hit whatever allocates
 * next, and its blame would fall on the wrong code. So it goes off right behind
 * the call.
 */
static void fail_from(u64 allocation)
{
	page_alloc_fail_after(allocation ? (long)(allocation - 1) : -1);
}

static int add(struct bed *bed, struct hypercall_bus *b)
{
	int error;

	fail_from(b->fail);
	error = bus_devices_add(bed->numbered, b);
	fail_from(0);
	return error;
}

/**
 * A device must not be touched any more once it is unregistered. `inside` says
 * whether somebody was still in it when the call came back.
 */
static int remove(struct bed *bed, struct hypercall_bus *b)
{
	int error;

	fail_from(b->fail);
	error = bus_devices_remove(bed->numbered, b->number, &b->inside);
	fail_from(0);
	return error;
}

/**
 * Without a lock against an access under way: a test looks when nobody is at
 * it.
 */
static int look(struct bed *bed, struct hypercall_bus *b)
{
	const struct bus_devices_one *one = &bed->numbered->one[b->number];

	b->accesses = one->accesses;
	b->offset = one->offset;
	b->value = one->value;
	b->size = one->size;
	b->is_write = one->is_write;
	return 0;
}

/**
 * Acquire: whoever sees `parked` also sees what the device has counted before.
 */
static int parked(struct bed *bed, struct hypercall_bus *b)
{
	b->parked = smp_load_acquire(&bed->numbered->parked);
	b->gave_up = bed->numbered->gave_up;
	return 0;
}

static int release(struct bed *bed, struct hypercall_bus *b)
{
	(void)b;
	smp_store_release(&bed->numbered->released, 1);
	return 0;
}

static int end(struct bed *bed, struct hypercall_bus *b)
{
	return bus_devices_end(bed->numbered, b->number, &b->accesses);
}

static const action_t actions[BUS_ACTION_COUNT] = {
	[BUS_ADD] = add,	 [BUS_REMOVE] = remove,
	[BUS_LOOK] = look,	 [BUS_PARKED] = parked,
	[BUS_RELEASE] = release, [BUS_ROUNDS] = bus_rounds_play,
	[BUS_END] = end,
};

/** All numbers that index something, here or in the functions above. */
static bool is_valid(const struct hypercall_bus *b)
{
	return b->action < BUS_ACTION_COUNT && b->number < BUS_NUMBERS &&
	       b->bus < BUS_KIND_COUNT && b->behaviour < BUS_BEHAVIOUR_COUNT &&
	       b->widths <= BUS_WIDTH_ANY && b->fail < BUS_NUMBERS;
}

/**
 * An action may fail and still have something to tell: the answer is copied out
 * in either case. `pages` shows whether an unregistered table was really freed.
 */
s64 calls_bus(struct bed *bed, const u64 *args)
{
	struct hypercall_bus *guest = bed_memory(bed, args[0], sizeof(*guest));
	struct hypercall_bus b;
	int error;

	if (!guest) {
		return -EFAULT;
	}
	memcpy(&b, guest, sizeof(b));
	if (!is_valid(&b)) {
		return -EINVAL;
	}
	if (!bed->numbered) {
		bed->numbered = bus_devices_make(bed->vm);
	}
	if (!bed->numbered) {
		return -ENOMEM;
	}
	error = actions[b.action](bed, &b);
	b.pages = bed->vm->bus_pages;
	memcpy(guest, &b, sizeof(b));
	return error;
}

/**
 * The memory model lets a CPU see old values longer than this processor ever
 * shows them. From here on loads of the bus are made as old as is allowed, so
 * that a missing barrier fails in each run and not once in a million
 * (hv/stale).
 */
s64 calls_bus_stale(struct bed *bed, const u64 *args)
{
	(void)args;
	return stale_begin(bed->vm);
}
