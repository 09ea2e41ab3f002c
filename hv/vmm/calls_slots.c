/** @file
 * Changing the guest's memory under its feet, if need be step by step.
 *
 * A change that is held goes on only when the guest asks for it, or when the
 * hook of calls_ept.c does it "on another CPU".  The slots' lock is held for
 * each step and not between two: the guest runs there, as it would on the CPUs
 * which do not make the change.
 */
#include "hv/vmm/calls_slots.h"

#include "hv/vmm/calls_groups.h"

/** The slot of "some change elsewhere": one page at 128 GiB. */
#define FAR_SLOT SLOT_MAX
#define FAR_GPA (128ull << 30)
#define BUMPS_MAX 100000
#define SKIP_MAX (1ull << 20)

/** More steps than any change has. */
#define STEPS_MAX 64

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

/** The region that the slot shall be. @return 0 or -EINVAL, -ENOENT */
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

/** Do the next step, and say whether more follow. */
static bool step(struct bed *bed)
{
	bool more;

	spinlock_lock(&bed->vm->slots_lock);
	more = slots_of(bed)->next != MEMSLOT_STEP_NONE &&
	       memslot_step(slots_of(bed));
	spinlock_unlock(&bed->vm->slots_lock);
	return more;
}

/** Begin a change; nothing is visible yet. */
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

/** Step until the step `hold` has been done. @return whether it was */
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

/** A slot elsewhere comes, or goes. */
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

/** The 8 bytes of the backing at an offset, or NULL. */
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
