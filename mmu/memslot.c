/** @file
 * Memslots: two sets of slots, and the protocol that swaps them.
 *
 * The header tells what slots are and why there are two sets.  Here a change
 * goes through four stations: it is checked against the active set (nothing
 * has happened yet if it is refused); the spare set becomes a copy with the
 * change made in it; the pointer is swung; and once no vCPU reads the old set
 * any more, the generation moves on and the old set is the spare of the next
 * change.
 *
 * The stations are steps of a small state machine instead of one function so
 * that a test can stop in the middle, run a guest there, and see what the
 * guest must not see.
 *
 * In the path of an access: every EPT violation asks memslot_find(), which the
 * hint answers nearly always, as a guest tends to use one slot for long.
 */
#include "mmu/memslot.h"

#define SLOT_FLAGS (MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY)
#define GPA_END BIT(MEMSLOT_GPA_BITS)
#define HPA_END BIT(52)

static u64 slot_end(const struct memslot *slot)
{
	return slot->base.v + (slot->pages << PAGE_SHIFT);
}

static bool page_aligned(u64 address)
{
	return (address & ~PAGE_MASK) == 0;
}

/* Is it allowed? ----------------------------------------------------------- */

/**
 * Whether a range of this length fits below end when it begins at first.
 *
 * Asked by subtraction: first + (pages << 12) may be beyond 2^64, come out
 * small, and pass for a range that fits.
 */
static bool range_fits(u64 first, u64 pages, u64 end)
{
	return page_aligned(first) && first < end && pages > 0 &&
	       pages <= (end - first) >> PAGE_SHIFT;
}

/** The place of the slot with that id in the set; set->count if none has it. */
static u32 index_of(const struct memslot_set *set, u32 id)
{
	u32 i = 0;

	while (i < set->count && set->slots[i].id != id) {
		i++;
	}
	return i;
}

const struct memslot *memslot_by_id(const struct memslot_set *set, u32 id)
{
	u32 i = index_of(set, id);

	return i < set->count ? &set->slots[i] : NULL;
}

/**
 * Whether the range meets any slot but the one of the same id, which is the
 * one that moves.  Ends are exclusive, so two ranges meet exactly if each
 * begins before the other ends.
 */
static bool overlaps_another(const struct memslot_set *set,
			     const struct memslot *slot)
{
	for (u32 i = 0; i < set->count; i++) {
		const struct memslot *other = &set->slots[i];

		if (other->id != slot->id && slot->base.v < slot_end(other) &&
		    other->base.v < slot_end(slot)) {
			return true;
		}
	}
	return false;
}

/** MEMSLOT_INVALID is for changes alone: a caller who sets it is refused. */
static bool flags_valid(const struct memslot *slot)
{
	if (slot->flags & ~SLOT_FLAGS) {
		return false;
	}
	return !(slot->flags & MEMSLOT_LOG_DIRTY) || slot->dirty;
}


static int check_add(const struct memslot_set *set, const struct memslot *slot)
{
	if (!range_fits(slot->base.v, slot->pages, GPA_END) ||
	    !range_fits(slot->hpa.v, slot->pages, HPA_END) || !slot->mem ||
	    !flags_valid(slot)) {
		return -EINVAL;
	}
	if (memslot_by_id(set, slot->id) || overlaps_another(set, slot)) {
		return -EEXIST;
	}
	return set->count < MEMSLOT_MAX ? 0 : -ENOSPC;
}

static int check_move(const struct memslot_set *set, struct memslot moved,
		      gpa_t base)
{
	moved.base = base;
	if (!range_fits(base.v, moved.pages, GPA_END)) {
		return -EINVAL;
	}
	return overlaps_another(set, &moved) ? -EEXIST : 0;
}

/**
 * READONLY decides whether a store is memory's business or a device's.  To
 * change that, mappings would have to go while vCPUs wait, which is what a
 * delete and an add do already.  Logging only takes or leaves permission.
 */
static int check_flags(struct memslot slot, u32 flags)
{
	if ((slot.flags ^ flags) & MEMSLOT_READONLY) {
		return -EINVAL;
	}
	slot.flags = flags;
	return flags_valid(&slot) ? 0 : -EINVAL;
}

/** Whether the change can be made to the active set; 0 or the refusal. */
static int check_change(const struct memslot_set *set,
			const struct memslot_change *change)
{
	const struct memslot *slot = memslot_by_id(set, change->slot.id);

	if (change->kind == MEMSLOT_ADD) {
		return check_add(set, &change->slot);
	}
	if (!slot) {
		return -ENOENT;
	}
	switch (change->kind) {
	case MEMSLOT_MOVE:
		return check_move(set, *slot, change->slot.base);
	case MEMSLOT_SET_FLAGS:
		return check_flags(*slot, change->slot.flags);
	case MEMSLOT_DELETE:
		return 0;
	case MEMSLOT_ADD:
		break;
	}
	return -EINVAL;
}

/* The copy and the swap ---------------------------------------------------- */

/** Put a slot in its place by base: memslot_search() halves a sorted array. */
static void insert_slot(struct memslot_set *set, const struct memslot *slot)
{
	u32 i = set->count++;

	while (i > 0 && set->slots[i - 1].base.v > slot->base.v) {
		set->slots[i] = set->slots[i - 1];
		i--;
	}
	set->slots[i] = *slot;
}

/**
 * Take a slot out.  The place that falls free at the end is zeroed: the hint
 * may point there, and a slot without pages covers nothing.
 */
static struct memslot remove_slot(struct memslot_set *set, u32 id)
{
	u32 i = index_of(set, id);
	struct memslot removed = set->slots[i];

	set->count--;
	for (; i < set->count; i++) {
		set->slots[i] = set->slots[i + 1];
	}
	set->slots[i] = (struct memslot){ .pages = 0 };
	return removed;
}

/**
 * Make the checked change in a set that no vCPU sees: here nothing can fail and
 * nothing need be atomic.  A slot that moves has been flagged by
 * open_invalid(), and the copy has the flag: it is taken off again.
 */
static void make_change(struct memslot_set *set,
			const struct memslot_change *change)
{
	struct memslot slot;

	switch (change->kind) {
	case MEMSLOT_ADD:
		insert_slot(set, &change->slot);
		break;
	case MEMSLOT_DELETE:
		(void)remove_slot(set, change->slot.id);
		break;
	case MEMSLOT_MOVE:
		slot = remove_slot(set, change->slot.id);
		slot.base = change->slot.base;
		slot.flags &= ~MEMSLOT_INVALID;
		insert_slot(set, &slot);
		break;
	case MEMSLOT_SET_FLAGS:
		set->slots[index_of(set, change->slot.id)].flags =
			change->slot.flags;
		break;
	}
}

/**
 * The spare set as a copy of the active one, marked "swap under way".
 *
 * It may be overwritten: the last swap has waited until nobody read it.  The
 * hint must not be copied.  It points into the *other* set, which is the spare
 * of the next change: a reader would be handed a slot while it is written.
 */
static struct memslot_set *copy_active(struct memslots *slots)
{
	struct memslot_set *spare =
		&slots->sets[slots->active == &slots->sets[0]];

	*spare = *slots->active;
	spare->generation |= MEMSLOT_GEN_IN_PROGRESS;
	spare->hint = &spare->slots[0];
	return spare;
}

/** Swap to a set in which the slot is flagged as going away. */
static void open_invalid(struct memslots *slots)
{
	struct memslot_set *spare = copy_active(slots);
	u32 i = index_of(spare, slots->change.slot.id);

	spare->slots[i].flags |= MEMSLOT_INVALID;
	/* Release: whoever sees the pointer sees the whole set. */
	smp_store_release(&slots->active, spare);
}

/** Swap to a set in which the change is made. */
static void open_changed(struct memslots *slots)
{
	struct memslot_set *spare = copy_active(slots);

	make_change(spare, &slots->change);
	smp_store_release(&slots->active, spare);
}

/**
 * Tell the MMU the new generation, then show it: this ends the window.  In this
 * order, for the MMU drops what would match the new number by accident
 * (ept_new_generation()).
 */
static void set_generation(struct memslots *slots, u64 generation)
{
	slots->ops->new_generation(slots->ctx, generation);
	smp_store_release(&slots->active->generation, generation);
}


static void close_swap(struct memslots *slots)
{
	u64 old = slots->active->generation & ~MEMSLOT_GEN_IN_PROGRESS;

	set_generation(slots, old + slots->step);
}

/**
 * Remove the mappings of the slot that is flagged as going away.
 *
 * The flag comes first, and with it a wait for the readers: by now each vCPU
 * that faults meets the flag and maps nothing.  Without it a fault could map a
 * page again right behind us, and the memory would be reachable after it has
 * been given to somebody else.
 */
static void zap_slot(struct memslots *slots)
{
	const struct memslot *slot =
		memslot_by_id(slots->active, slots->change.slot.id);

	slots->ops->zap(slots->ctx, slot->base, slot->pages);
}

/**
 * If the change switched logging on, stores must fault from now on.  After the
 * swap, not before: a fault in between would have made the page writable
 * again, looking at a slot that does not log.
 */
static void protect_slot(struct memslots *slots)
{
	const struct memslot *slot =
		memslot_by_id(slots->active, slots->change.slot.id);

	if (slots->change.kind == MEMSLOT_SET_FLAGS &&
	    (slot->flags & MEMSLOT_LOG_DIRTY)) {
		slots->ops->write_protect(slots->ctx, slot->base, slot->pages);
	}
}

void memslot_init(struct memslots *slots, const struct memslot_ops *ops,
		  void *ctx)
{
	memset(slots, 0, sizeof(*slots));
	slots->step = MEMSLOT_GEN_STEP;
	slots->ops = ops;
	slots->ctx = ctx;
	slots->active = &slots->sets[0];
	slots->active->hint = &slots->active->slots[0];
}

/* One change after the other ----------------------------------------------- */

/*
 * Checked against the active set, which stays what it is under the slots lock:
 * so the check still holds when the copy is made.
 */
int memslot_start(struct memslots *slots, const struct memslot_change *change)
{
	int refusal;

	if (slots->next != MEMSLOT_STEP_NONE) {
		return -EBUSY;
	}
	refusal = check_change(slots->active, change);
	if (refusal < 0) {
		return refusal;
	}
	slots->change = *change;
	slots->next = change->kind == MEMSLOT_DELETE ||
				      change->kind == MEMSLOT_MOVE ?
			      MEMSLOT_STEP_OPEN_INVALID :
			      MEMSLOT_STEP_OPEN;
	return 0;
}

/*
 * The steps stand in the enum in their order, so that "next" is ++.  A delete
 * takes all of them; its generation begins at g:
 *
 *	step            generation   what a vCPU finds at the address
 *	(before)        g            the slot
 *	OPEN_INVALID    g, bit 63    the slot or "going away": two sets are read
 *	WAIT_INVALID    g, bit 63    "going away", for everybody
 *	CLOSE_INVALID   g + 1        "going away": it tries again later
 *	ZAP             g + 1        the same, and no mapping leads there
 *	OPEN            g+1, bit 63  "going away" or no slot
 *	WAIT            g+1, bit 63  no slot; MMIO, but no SPTE is made yet
 *	CLOSE           g + 2        no slot; SPTEs may be made
 *	PROTECT         g + 2        (for a change of flags)
 *
 * An add or a change of flags begins at OPEN: nothing has to go before it.
 */
bool memslot_step(struct memslots *slots)
{
	switch (slots->next) {
	case MEMSLOT_STEP_NONE:
		return false;
	case MEMSLOT_STEP_OPEN_INVALID:
		open_invalid(slots);
		break;
	case MEMSLOT_STEP_WAIT_INVALID:
	case MEMSLOT_STEP_WAIT:
		slots->ops->wait_readers(slots->ctx);
		break;
	case MEMSLOT_STEP_CLOSE_INVALID:
	case MEMSLOT_STEP_CLOSE:
		close_swap(slots);
		break;
	case MEMSLOT_STEP_ZAP:
		zap_slot(slots);
		break;
	case MEMSLOT_STEP_OPEN:
		open_changed(slots);
		break;
	case MEMSLOT_STEP_PROTECT:
		protect_slot(slots);
		slots->next = MEMSLOT_STEP_NONE;
		return false;
	}
	slots->next++;
	return true;
}

int memslot_apply(struct memslots *slots, const struct memslot_change *change)
{
	int refusal = memslot_start(slots, change);

	if (refusal < 0) {
		return refusal;
	}
	while (memslot_step(slots)) {
		/* each step does its part */
	}
	return 0;
}

int memslot_add(struct memslots *slots, const struct memslot *slot)
{
	struct memslot_change change = { MEMSLOT_ADD, *slot };

	return memslot_apply(slots, &change);
}

int memslot_delete(struct memslots *slots, u32 id)
{
	struct memslot_change change = { MEMSLOT_DELETE, { .id = id } };

	return memslot_apply(slots, &change);
}

int memslot_move(struct memslots *slots, u32 id, gpa_t base)
{
	struct memslot_change change = { MEMSLOT_MOVE,
					 { .id = id, .base = base } };

	return memslot_apply(slots, &change);
}

int memslot_set_flags(struct memslots *slots, u32 id, u32 flags)
{
	struct memslot_change change = { MEMSLOT_SET_FLAGS,
					 { .id = id, .flags = flags } };

	return memslot_apply(slots, &change);
}

/**
 * The MMU must hear of each generation whose lower bits are 0, and need not
 * hear of the others; "in 19 bits" is its affair, so it is told of every
 * multiple of a power of two that is smaller than any width it may use.
 */
void memslot_skip_generations(struct memslots *slots, u64 n)
{
	const u64 stride = slots->step > BIT(8) ? slots->step : BIT(8);
	u64 now = slots->active->generation;
	u64 end = now + n * slots->step;

	for (now = (now | (stride - 1)) + 1; now < end; now += stride) {
		slots->ops->new_generation(slots->ctx, now);
	}
	set_generation(slots, end);
}

/*
 * The last slot that begins at or below the address is the only one that can
 * cover it, as slots are sorted and do not overlap.
 *
 * All vCPUs write the hint, and no lock guards it.  It need not be right: who
 * reads it asks memslot_covers() before it is used, and a pointer is loaded and
 * stored whole.
 */
const struct memslot *memslot_search(struct memslot_set *set, gpa_t addr)
{
	u32 low = 0;
	u32 high = set->count;

	/* All slots before low begin at or below addr, all from high above. */
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (set->slots[middle].base.v <= addr.v) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == 0 || !memslot_covers(&set->slots[low - 1], addr)) {
		return NULL;
	}
	WRITE_ONCE(set->hint, &set->slots[low - 1]);
	return &set->slots[low - 1];
}

/*
 * Two vCPUs may write to two pages of the same 64: without the atomic OR one of
 * the bits could get lost, and with it a page of a migration.  No order is
 * needed, the bit says only that there is something to be copied.
 */
void memslot_mark_dirty(const struct memslot *slot, gpa_t addr)
{
	u64 page = (addr.v - slot->base.v) >> PAGE_SHIFT;

	if (slot->flags & MEMSLOT_LOG_DIRTY) {
		__atomic_fetch_or(&slot->dirty[page / 64], BIT(page % 64),
				  __ATOMIC_RELAXED);
	}
}

/* At once: a bit that is set in between must not be cleared unread. */
u64 memslot_take_dirty(const struct memslot *slot, u64 word)
{
	return __atomic_exchange_n(&slot->dirty[word], 0, __ATOMIC_RELAXED);
}
