/** @file
 * Memslots: which guest physical addresses are memory.
 *
 * A slot says "from this guest physical address on, so many pages are RAM, and
 * here is the host memory behind them".  Whatever no slot covers is not
 * memory: an access there goes to a device, or to nobody.  So the first
 * question about any fault in the EPT is memslot_find().
 *
 * Slots change while vCPUs run.  A vCPU must not wait for a change, and it
 * must never see half of one.  Hence two sets of slots: vCPUs read the active
 * one, a change is prepared in the other, and one store of a pointer swaps
 * them.  What was learnt from the old set (an MMIO entry in the EPT says "no
 * slot here") must then count as stale, and so each set has a *generation*:
 *
 *	   generation g            g | bit 63                   g + 1
 *	--- old set active ---+--- new set active -------+--- new set active ---
 *	                      |    some vCPUs still read |
 *	                   publish    the old one      close
 *
 * In the window in the middle nobody may conclude anything that lasts: bit 63
 * matches no entry, and no entry may be made.  Were the number changed before
 * the swap, old slots could be tagged with the new number; were it changed
 * after the swap, entries made from the old slots would match the new ones
 * (spec 1.3; in Linux: KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS).
 *
 * A slot that is deleted or moved needs two such swaps.  The first puts a copy
 * flagged MEMSLOT_INVALID in its place, "this slot is going away"; then all its
 * mappings are removed; the second takes the slot out.  A vCPU that meets the
 * flag tries again later.  It must not say "no slot", or the page would be
 * marked as MMIO while another processor still reaches the memory.
 */
#ifndef MMU_MEMSLOT_H
#define MMU_MEMSLOT_H

#include "bus/access.h"
#include "bus/errno.h"
#include "bus/types.h"

/** How many slots a VM can have. */
#define MEMSLOT_MAX 32

/** Slots end below 2^46: what every processor with EPT can address. */
#define MEMSLOT_GPA_BITS 46

/** Bit 63 of a generation: a swap is under way, nothing matches. */
#define MEMSLOT_GEN_IN_PROGRESS BIT(63)

/**
 * How far one change moves the generation: the number of address spaces, so
 * that two spaces never share a value.  exit49 has one (KVM on x86 has two,
 * the other is system management mode).
 */
#define MEMSLOT_GEN_STEP 1

/* Flags of a slot. */
#define MEMSLOT_READONLY BIT(0)	 /* a guest's store is a device's business */
#define MEMSLOT_LOG_DIRTY BIT(1) /* record each 4 KiB page that is written */
#define MEMSLOT_INVALID BIT(31)	 /* going away; set by a change, not by you */

/** One range of guest physical memory and what is behind it. */
struct memslot {
	gpa_t base; /* first guest physical address, 4 KiB aligned */
	u64 pages;  /* length in 4 KiB pages, at least 1 */
	u32 id;	    /* the VMM's name for it */
	u32 flags;  /* MEMSLOT_... */
	hpa_t hpa;  /* the backing: contiguous, 4 KiB aligned; where gpa and
		     * hpa agree modulo 2 MiB, large leaves are possible */
	u8 *mem;    /* the hypervisor's own pointer to the backing */
	u64 *dirty; /* one bit a page, or NULL if pages are never logged */
};

/** One complete set of slots.  Readers never see it change, but for `hint`. */
struct memslot_set {
	u64 generation; /* bit 63 while the swap to this set is under way */
	const struct memslot *hint; /* found last; any vCPU writes it */
	u32 count;
	struct memslot slots[MEMSLOT_MAX]; /* sorted by base, no overlaps */
};

/** What is asked of memslot_start(). */
enum memslot_change_kind {
	MEMSLOT_ADD,	   /* slot: everything but MEMSLOT_INVALID */
	MEMSLOT_DELETE,	   /* slot.id */
	MEMSLOT_MOVE,	   /* slot.id, slot.base: to another address */
	MEMSLOT_SET_FLAGS, /* slot.id, slot.flags; READONLY cannot change */
};

struct memslot_change {
	enum memslot_change_kind kind;
	struct memslot slot;
};

/**
 * The steps of a change in their order.  A delete or a move takes all of them,
 * an add or a change of flags begins at MEMSLOT_STEP_OPEN.
 */
enum memslot_step {
	MEMSLOT_STEP_NONE,	   /* no change is under way */
	MEMSLOT_STEP_OPEN_INVALID, /* publish the copy flagged invalid */
	MEMSLOT_STEP_WAIT_INVALID, /* until nobody reads the old set */
	MEMSLOT_STEP_CLOSE_INVALID, /* the generation moves on */
	MEMSLOT_STEP_ZAP,	   /* remove the slot's mappings */
	MEMSLOT_STEP_OPEN,	   /* publish the set as it shall be */
	MEMSLOT_STEP_WAIT,	   /* until nobody reads the old set */
	MEMSLOT_STEP_CLOSE,	   /* the generation moves on */
	MEMSLOT_STEP_PROTECT,	   /* logging was switched on: catch stores */
};

/** What a change needs from the rest of the hypervisor. */
struct memslot_ops {
	/** Return once no vCPU reads the set that was active before. */
	void (*wait_readers)(void *ctx);
	/** Remove every mapping of these pages, on all CPUs, at once. */
	void (*zap)(void *ctx, gpa_t base, u64 pages);
	/** Take write permission from these pages, on all CPUs, at once. */
	void (*write_protect)(void *ctx, gpa_t base, u64 pages);
	/** The generation is about to be this: see ept_new_generation(). */
	void (*new_generation)(void *ctx, u64 generation);
};

/** The slots of one VM. */
struct memslots {
	/* read by vCPUs, inside a read section */
	struct memslot_set *active; /* one of the two, by smp_store_release */

	/* fixed after memslot_init() */
	u64 step; /* how far one change moves the generation: MEMSLOT_GEN_STEP
		   * unless the owner sets more before the first change.  By
		   * 2^n, the 19 bits of an MMIO entry come round after
		   * 2^(19-n) changes, which a test can wait for */
	const struct memslot_ops *ops;
	void *ctx; /* handed to each op */

	/* under the VM's slots lock */
	struct memslot_set sets[2];
	struct memslot_change change; /* the change under way */
	enum memslot_step next;	      /* what memslot_step() will do */
};

/**
 * Begin with no slots and generation 0.
 * @param slots what to initialise
 * @param ops kept, not copied; all four must be there
 * @param ctx handed to each op
 */
void memslot_init(struct memslots *slots, const struct memslot_ops *ops,
		  void *ctx);

/**
 * Check a change and prepare it; no vCPU sees anything yet.
 *
 * A refusal changes nothing at all.
 * @param slots the VM's slots, under the slots lock
 * @param change what to do; copied
 * @return 0, and memslot_step() shall follow until it says false;
 *	-EINVAL if a range is empty, not page aligned, wraps or ends above
 *	2^46, a flag is unknown, logging is asked for without a bitmap, the
 *	backing is missing, or READONLY would change;
 *	-EEXIST if the range overlaps another slot's or the id is taken;
 *	-ENOENT if there is no slot of that id; -ENOSPC if there are
 *	MEMSLOT_MAX slots; -EBUSY if another change is under way
 */
int memslot_start(struct memslots *slots, const struct memslot_change *change)
	__must_check;

/**
 * Do the next step of the change under way (enum memslot_step).
 *
 * Whole changes go through memslot_apply(); single steps are for tests that
 * look at the world in the middle of one.
 * @param slots the VM's slots, under the slots lock
 * @return true if more steps follow
 */
bool memslot_step(struct memslots *slots);

/**
 * Make a change: memslot_start(), then all steps.
 * @return as memslot_start()
 */
int memslot_apply(struct memslots *slots, const struct memslot_change *change)
	__must_check;

/** Add a slot: memslot_apply() of MEMSLOT_ADD.  @return as memslot_start() */
int memslot_add(struct memslots *slots, const struct memslot *slot)
	__must_check;

/** Delete the slot of that id.  @return as memslot_start() */
int memslot_delete(struct memslots *slots, u32 id) __must_check;

/** Move the slot of that id to another base.  @return as memslot_start() */
int memslot_move(struct memslots *slots, u32 id, gpa_t base) __must_check;

/** Replace the flags of the slot of that id.  @return as memslot_start() */
int memslot_set_flags(struct memslots *slots, u32 id, u32 flags) __must_check;

/**
 * Let the generation advance as n changes would that change no slot.
 *
 * For tests: 2^19 real changes take long, and what happens when the 19 bits of
 * an MMIO entry come round again must be seen (spec 1.5, statement 7).
 * @param slots the VM's slots, under the slots lock, no change under way
 * @param n how many changes
 */
void memslot_skip_generations(struct memslots *slots, u64 n);

/**
 * The slots as they are now.
 *
 * Ask once for each fault and use the result for all of it: two calls may see
 * two different sets.  The set and the slots in it stay as they are until the
 * caller's read section ends.
 * @param slots the VM's slots; the caller is in a read section
 */
static inline struct memslot_set *memslot_read(const struct memslots *slots)
{
	return smp_load_acquire(&slots->active);
}

/**
 * The generation of a set; bit 63 (MEMSLOT_GEN_IN_PROGRESS) while the swap to
 * it is under way.
 * @param set what memslot_read() returned
 */
static inline u64 memslot_generation(const struct memslot_set *set)
{
	return READ_ONCE(set->generation);
}

/** True if the slot covers the address. */
static inline bool memslot_covers(const struct memslot *slot, gpa_t addr)
{
	return addr.v - slot->base.v < slot->pages << PAGE_SHIFT;
}

/** memslot_find() when the hint did not help: a binary search. */
const struct memslot *memslot_search(struct memslot_set *set, gpa_t addr);

/**
 * The slot that covers a guest physical address.
 * @param set what memslot_read() returned
 * @param addr any guest physical address
 * @return the slot, which may be flagged MEMSLOT_INVALID: going away;
 *	NULL if there is none
 */
static inline const struct memslot *memslot_find(struct memslot_set *set,
						 gpa_t addr)
{
	const struct memslot *slot = READ_ONCE(set->hint);

	if (likely(memslot_covers(slot, addr))) {
		return slot;
	}
	return memslot_search(set, addr);
}

/**
 * The slot of an id.
 * @return the slot, or NULL if there is none
 */
const struct memslot *memslot_by_id(const struct memslot_set *set, u32 id);

/** The host physical address behind a guest physical one of this slot. */
static inline hpa_t memslot_hpa(const struct memslot *slot, gpa_t addr)
{
	return hpa_add(slot->hpa, addr.v - slot->base.v);
}

/** The hypervisor's pointer to the memory behind an address of this slot. */
static inline u8 *memslot_pointer(const struct memslot *slot, gpa_t addr)
{
	return slot->mem + (addr.v - slot->base.v);
}

/**
 * Record that the 4 KiB page of this address was written.
 * Does nothing unless the slot is MEMSLOT_LOG_DIRTY.  Any vCPU, no lock.
 */
void memslot_mark_dirty(const struct memslot *slot, gpa_t addr);

/**
 * Take one word of the dirty bitmap: read it and set it to 0 at once.
 * The pages must be write-protected afterwards (ept_write_protect()), or the
 * next store to them will go unseen.
 * @param slot a slot with a bitmap
 * @param word pages 64*word to 64*word+63 of the slot
 */
u64 memslot_take_dirty(const struct memslot *slot, u64 word);

#endif
