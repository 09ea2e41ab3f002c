/** @file
 * Changing the guest's memory under its feet, if need be step by step.
 *
 * A change that is held goes on only when the guest asks for it, or when the
 * hook of calls_ept.c does it "on another CPU".  The slots' lock is held for
 * each step and not between two: the guest runs there, as it would on the CPUs
 * which do not make the change.
 *
 * A slot maps a range of guest-physical addresses to memory of the host. The
 * active set of slots is read without a lock by vCPUs in read sections, so a
 * change builds a new set, publishes it, and waits until nobody reads the old
 * one. The generation is the number of the set that is in force; its bit 63 is
 * set while a swap is under way (mmu/memslot.h).
 *
 *	OPEN_INVALID   a set in which the slot is marked invalid
 *	WAIT_INVALID   until no reader has the old set
 *	CLOSE_INVALID
 *	ZAP            its mappings are dropped
 *	OPEN, WAIT, CLOSE    the same with the set that is to be
 *	PROTECT        stores fault, for dirty logging
 *
 * Adding a slot begins at OPEN: there is nothing to drop. A test holds a change
 * behind any of these, looks around inside, and then lets it go on.
 */
#include "hv/vmm/calls_slots.h"

#include "hv/vmm/calls_groups.h"

/**
 * The slot of "some change elsewhere": one page at 128 GiB. One beyond those
 * that a guest may name, so no test can meet it.
 */
#define FAR_SLOT SLOT_MAX
#define FAR_GPA (128ull << 30)
/*
 * Bounds on what one hypercall may cost: the watchdog must not take an obedient
 * VMM for one that hangs.
 */
#define BUMPS_MAX 100000
#define SKIP_MAX (1ull << 20)

/** More steps than any change has. */
#define STEPS_MAX 64

/**
 * The guest's header cannot include the core's, so the numbers exist twice.
 * These keep them equal.
 */
_Static_assert((int)SLOT_STEP_OPEN_INVALID == (int)MEMSLOT_STEP_OPEN_INVALID,
	       "mmu/memslot.h");
_Static_assert((int)SLOT_STEP_ZAP == (int)MEMSLOT_STEP_ZAP, "mmu/memslot.h");
_Static_assert((int)SLOT_STEP_PROTECT == (int)MEMSLOT_STEP_PROTECT,
	       "mmu/memslot.h");
_Static_assert(SLOT_READONLY == MEMSLOT_READONLY, "mmu/memslot.h");
_Static_assert(SLOT_LOG_DIRTY == MEMSLOT_LOG_DIRTY, "mmu/memslot.h");

static struct memslots *slots_of(struct bed *bed)
{
	return &bed->vm->slots;
}

static const struct memslot *find_slot(struct bed *bed, u32 id)
{
	return memslot_by_id(memslot_read(slots_of(bed)), id);
}

/**
 * The region that the slot shall be. For each kind, what the change leaves out
 * is taken from the slot as it is. Size 0 is how a region says "delete". The
 * sum of `first` and `pages` is never formed: the guest has chosen both.
 * @return 0 or -EINVAL, -ENOENT
 */
static int describe(struct bed *bed, const struct hypercall_slot *change,
		    struct vm_region *region)
{
	const struct memslot *old = find_slot(bed, change->slot);
	u64 pages = change->pages, room = BACKING_SIZE >> PAGE_SHIFT;
	u64 first = change->backing >> PAGE_SHIFT;

	*region = (struct vm_region){ .slot = change->slot };
	if (change->kind == SLOT_ADD) {
		if (old) {
			return -EEXIST;
		}
		if (gpa_offset(gpa(change->backing)) || !pages ||
		    first > room || pages > room - first) {
			return -EINVAL;
		}
		region->flags = change->flags;
		region->gpa = gpa(change->gpa);
		region->size = pages << PAGE_SHIFT;
		region->hpa = virt_to_hpa(bed->backing + change->backing);
		return 0;
	}
	if (!old) {
		return -ENOENT;
	}
	if (change->kind == SLOT_DELETE) {
		return 0;
	}
	region->size = old->pages << PAGE_SHIFT;
	region->hpa = old->hpa;
	region->gpa = change->kind == SLOT_MOVE ? gpa(change->gpa) : old->base;
	region->flags = change->kind == SLOT_FLAGS ? change->flags
						   : old->flags;
	return 0;
}

/**
 * Do the next step, and say whether more follow. The lock is taken for one step
 * only. Between two steps the guest runs with the change half done, which is
 * the state that a test wants to see.
 */
static bool step(struct bed *bed)
{
	bool more;

	spinlock_lock(&bed->vm->slots_lock);
	more = slots_of(bed)->next != MEMSLOT_STEP_NONE &&
	       memslot_step(slots_of(bed));
	spinlock_unlock(&bed->vm->slots_lock);
	return more;
}

/**
 * Begin a change; nothing is visible yet. Whatever a change may be refused for,
 * it is refused here, before anything is visible and never in the middle.
 */
static int start(struct bed *bed, const struct vm_region *region)
{
	struct memslot_change change;
	int error;

	spinlock_lock(&bed->vm->slots_lock);
	error = vm_plan_region(bed->vm, region, &change);
	if (!error) {
		error = memslot_start(slots_of(bed), &change);
	}
	spinlock_unlock(&bed->vm->slots_lock);
	return error;
}

/**
 * Step until the step `hold` has been done. With SLOT_STEP_NONE no step ever
 * matches, and the whole change is done. The step is read before it is made:
 * afterwards `next` names the one behind it.
 * @return whether it was
 */
static bool step_until(struct bed *bed, u32 hold)
{
	bool more = true;

	while (more) {
		u32 now = slots_of(bed)->next;

		more = step(bed);
		if (now == hold) {
			return true;
		}
	}
	return false;
}

/**
 * Also called by the hook of calls_ept.c, at an exit, as if the CPU that makes
 * the change had got on just then. The bound is against a state machine that
 * goes in circles, as it may in a lab.
 */
u64 calls_slots_finish_change(struct bed *bed)
{
	u64 steps = 0;

	if (slots_of(bed)->next == MEMSLOT_STEP_NONE) {
		return 0;
	}
	do {
		steps++;
	} while (step(bed) && steps < STEPS_MAX);
	return steps;
}

/**
 * Slot 0 is the guest's RAM with its program and stack: to change it would be
 * to saw off the branch. The kind is checked before `describe` goes by it.
 */
s64 calls_slots_change(struct bed *bed, const u64 *args)
{
	const struct hypercall_slot *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_slot change;
	struct vm_region region;
	int error;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&change, from, sizeof(change));
	if (change.kind >= SLOT_KIND_COUNT || change.slot == GUEST_RAM_SLOT ||
	    change.slot >= SLOT_MAX || change.hold > SLOT_STEP_PROTECT) {
		return -EINVAL;
	}
	error = describe(bed, &change, &region);
	if (!error) {
		error = start(bed, &region);
	}
	if (error) {
		return error;
	}
	return step_until(bed, change.hold) ? 1 : 0;
}

s64 calls_slots_finish(struct bed *bed, const u64 *args)
{
	bool more = slots_of(bed)->next != MEMSLOT_STEP_NONE;

	if (!more) {
		return -ENOENT;
	}
	for (u64 i = 0; more && i < args[0] && i < STEPS_MAX; i++) {
		more = step(bed);
	}
	return more;
}

/**
 * A slot elsewhere comes, or goes. It touches no page that the guest uses. What
 * it does change is the generation, and that is what makes every cached MMIO
 * entry stale.
 */
static int bump(struct bed *bed)
{
	struct vm_region region = { .slot = FAR_SLOT };

	if (!find_slot(bed, FAR_SLOT)) {
		region.gpa = gpa(FAR_GPA);
		region.size = PAGE_SIZE;
		region.hpa = virt_to_hpa(bed->backing);
	}
	return vm_set_memory_region(bed->vm, &region);
}

s64 calls_slots_bump(struct bed *bed, const u64 *args)
{
	int error = args[0] > BUMPS_MAX ? -EINVAL : 0;

	for (u64 i = 0; !error && i < args[0]; i++) {
		error = bump(bed);
	}
	return error;
}

/**
 * The 8 bytes of the backing at an offset, or NULL. The backing RAM is seen
 * from the host's side here, whatever slots map it, read-only ones and none at
 * all included: so a test finds out whether a store has arrived.
 */
static u8 *backing_at(struct bed *bed, u64 offset)
{
	return offset > BACKING_SIZE - 8 ? NULL : bed->backing + offset;
}

s64 calls_slots_backing_read(struct bed *bed, const u64 *args)
{
	const u8 *from = backing_at(bed, args[0]);
	s64 value;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&value, from, sizeof(value));
	return value;
}

s64 calls_slots_backing_write(struct bed *bed, const u64 *args)
{
	u8 *to = backing_at(bed, args[0]);

	if (!to) {
		return -EFAULT;
	}
	memcpy(to, &args[1], sizeof(args[1]));
	return 0;
}

s64 calls_slots_generation(struct bed *bed, const u64 *args)
{
	(void)args;
	return (s64)memslot_generation(memslot_read(slots_of(bed)));
}

/**
 * The generation has fewer bits in an MMIO entry than in the slots. After a
 * wrap an old entry would look fresh again, so all of them are dropped then
 * (spec 1.3). Nobody can wait for 2^19 changes to see that; here the counter is
 * moved. Not while a change is open: its own generation has been chosen by
 * then.
 */
s64 calls_slots_generation_skip(struct bed *bed, const u64 *args)
{
	if (args[0] > SKIP_MAX) {
		return -EINVAL;
	}
	if (slots_of(bed)->next != MEMSLOT_STEP_NONE) {
		return -EBUSY;
	}
	spinlock_lock(&bed->vm->slots_lock);
	memslot_skip_generations(slots_of(bed), args[0]);
	spinlock_unlock(&bed->vm->slots_lock);
	return 0;
}

/**
 * A bit for each page of the slot that was stored to since the last call.
 * Reading also clears the bits and protects the pages again, so that the next
 * store to each is noted once more.
 */
s64 calls_slots_dirty_log(struct bed *bed, const u64 *args)
{
	u64 *to = bed_memory(bed, args[1], args[2]);

	if (!to || args[1] % 8 || args[2] % 8) {
		return -EFAULT;
	}
	if (args[0] >= SLOT_MAX) {
		return -EINVAL;
	}
	return vm_get_dirty_log(bed->vm, (u32)args[0], to, args[2] / 8);
}
