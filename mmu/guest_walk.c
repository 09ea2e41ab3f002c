/** @file
 * The guest's own page walk, in software.
 *
 * Three shapes of table exist (SDM 3A chapter 4): two levels of 4-byte entries
 * with ten index bits each, and three or four levels of 8-byte entries with
 * nine.  descend() is one loop for all of them.  It remembers which entries it
 * used, so that once the access is known to be allowed their accessed and
 * dirty bits can be set.  Nearly always they are set already and the guest has
 * four levels: walk_quickly() is that case, and gives up at anything else.
 *
 * The permissions of a page are those that *every* level gives, and what one
 * level forbids (NX) is forbidden.  So the loop keeps the AND and the OR of
 * all entries.
 *
 * In the path of an access: the emulator calls this for each operand and each
 * instruction fetch; four levels should cost about a hundred instructions.
 */
#include "mmu/guest_walk.h"

/* SDM 3A tables 4-5 to 4-20: bits of an entry, the same at every level */
#define PTE_PRESENT BIT(0)
#define PTE_WRITE BIT(1)
#define PTE_USER BIT(2)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY BIT(6)
#define PTE_LARGE BIT(7)
#define PTE_NX BIT(63)
#define PTE_ADDRESS BITS(51, 12)

/* How far the index bits of a table are shifted, by the table's name. */
#define SHIFT_PT 12
#define SHIFT_PD 21	   /* PAE and 4-level */
#define SHIFT_PD_2_LEVEL 22
#define SHIFT_PDPT 30
#define SHIFT_PML4 39

#define INDEX_BITS_64 9	 /* 512 entries of 8 bytes */
#define INDEX_BITS_32 10 /* 1024 entries of 4 bytes */

/** An entry that the walk has used. */
struct used_entry {
	gpa_t at;
	u64 value;
};

/** A walk in progress. */
struct cursor {
	const struct guest_paging *paging;
	struct memslot_set *slots;
	struct guest_walk *walk;
	u64 all; /* AND of the entries: what each level allows */
	u64 any; /* OR of the entries: what some level forbids */
	int depth;
	unsigned int shift; /* of the page, once it is found */
	struct used_entry used[GUEST_WALK_LEVELS];
};

/** The page fault of this access; cause is PRESENT and RESERVED or'ed.
 * W and U tell what was tried, not what was missing (SDM 3A 4.7). */
static __noinline enum guest_walk_status fault(struct cursor *c, u32 cause)
{
	u32 access = c->walk->access;
	u32 code = cause | (access & (GUEST_WALK_WRITE | GUEST_WALK_USER));

	/* Bit 4 exists only with NX or SMEP (SDM 3A 4.7). */
	if (c->paging->flags & (GUEST_WALK_NX | GUEST_WALK_SMEP)) {
		code |= access & GUEST_WALK_FETCH;
	}
	c->walk->error_code = code;
	return GUEST_WALK_FAULT;
}

/** The bits that must be 0 in every entry of this mode (SDM 3A 4.4.2, 4.5).
 * NX is one of them unless EFER.NXE says that it means something. */
static inline u64 reserved_bits(const struct guest_paging *paging)
{
	u64 reserved = PTE_ADDRESS & (~0ull << paging->phys_bits);

	if (paging->mode == GUEST_WALK_2_LEVEL) {
		return 0;
	}
	if (paging->mode == GUEST_WALK_PAE) {
		reserved |= BITS(62, 52);
	}
	return paging->flags & GUEST_WALK_NX ? reserved : reserved | PTE_NX;
}

/** Whether an entry with bit 7 set, above the last level, is legal there. */
static bool large_allowed(const struct guest_paging *paging, u64 value,
			  unsigned int shift)
{
	switch (shift) {
	case SHIFT_PD:
		return !(value & BITS(20, 13));
	case SHIFT_PD_2_LEVEL:
		/* Bits 20:13 are address bits 39:32: PSE-36 (table 4-4). */
		return !(value & BIT(21)) &&
		       bits(value, 20, 13) << 32 >> paging->phys_bits == 0;
	case SHIFT_PDPT:
		return (paging->flags & GUEST_WALK_1G) &&
		       !(value & BITS(29, 13));
	default:
		return false;
	}
}

/** Where in guest physical memory the page of a last entry lies. */
static inline void set_translation(struct guest_walk *walk, u64 value,
				   unsigned int shift)
{
	u64 offset = BIT(shift) - 1;
	u64 page = value & PTE_ADDRESS;

	if (shift == SHIFT_PD_2_LEVEL) {
		page |= bits(value, 20, 13) << 32;
	}
	walk->gpa = gpa((page & ~offset) | (walk->addr.v & offset));
}

/** Read the entry at an address into the list of those used.  Once: another
 * vCPU of the guest may be changing it, and all is decided on this copy. */
static bool use_entry(struct cursor *c, gpa_t at, const bool wide)
{
	const struct memslot *slot = memslot_find(c->slots, at);
	struct used_entry *used = &c->used[c->depth++];
	void *entry;

	if (unlikely(!slot)) {
		c->walk->gpa = at;
		return false;
	}
	entry = memslot_pointer(slot, at);
	used->at = at;
	used->value = wide ? READ_ONCE(*(u64 *)entry) :
			     READ_ONCE(*(u32 *)entry);
	return true;
}

/**
 * Walk down from a table to the entry that maps the page.
 * @param c the walk; all, used and walk's translation are filled in
 * @param table where the first table is
 * @param shift which address bits index it; a constant of the caller's
 * @param index_bits the mode's, a constant too
 */
static enum guest_walk_status
descend(struct cursor *c, gpa_t table, unsigned int shift,
	const unsigned int index_bits)
{
	const bool wide = index_bits == INDEX_BITS_64;
	const u64 reserved = reserved_bits(c->paging);
	u64 value;

	for (;; shift -= index_bits) {
		u64 index = (c->walk->addr.v >> shift) % BIT(index_bits);
		gpa_t at = gpa_add(table, index * (wide ? 8 : 4));

		if (!use_entry(c, at, wide)) {
			return GUEST_WALK_NO_RAM;
		}
		value = c->used[c->depth - 1].value;
		if (unlikely(!(value & PTE_PRESENT))) {
			return fault(c, 0);
		}
		if (!wide && !(c->paging->flags & GUEST_WALK_PSE)) {
			value &= ~PTE_LARGE;
		}
		if (unlikely(value & reserved)) {
			return fault(c, GUEST_WALK_PRESENT |
						GUEST_WALK_RESERVED);
		}
		c->all &= value;
		c->any |= value;
		if (shift == SHIFT_PT || (value & PTE_LARGE)) {
			break;
		}
		table = gpa(value & PTE_ADDRESS);
	}
	if (shift != SHIFT_PT && !large_allowed(c->paging, value, shift)) {
		return fault(c, GUEST_WALK_PRESENT | GUEST_WALK_RESERVED);
	}
	c->shift = shift;
	set_translation(c->walk, value, shift);
	return GUEST_WALK_OK;
}

/** PAE: the top level is in registers, and has no permissions.  They were read
 * when CR3 was loaded; the guest may have changed its memory since. */
static enum guest_walk_status descend_pae(struct cursor *c)
{
	u64 pdpte = c->paging->pdptes[bits(c->walk->addr.v, 31, 30)];

	if (!(pdpte & PTE_PRESENT)) {
		return fault(c, 0);
	}
	return descend(c, gpa(pdpte & PTE_ADDRESS), SHIFT_PD, INDEX_BITS_64);
}

/**
 * Whether all levels together allow the access (SDM 3A 4.6.1).
 *
 *	who        page of      read       write            fetch
 *	user       supervisors  no         no               no
 *	user       users        yes        R/W              not NX
 *	supervisor supervisors  yes        R/W, or WP = 0   not NX
 *	supervisor users        yes (*)    the same (*)     not NX, not SMEP
 *
 * (*) Under SMAP only with RFLAGS.AC = 1: a kernel says so before it touches
 * what is a user's.
 * @param paging which options are on
 * @param access what is tried
 * @param all the AND of all entries
 * @param any the OR of all entries
 */
static inline bool allowed(const struct guest_paging *paging, u32 access,
			   u64 all, u64 any)
{
	u32 on = paging->flags;
	bool user_page = all & PTE_USER;

	if (access & GUEST_WALK_USER) {
		if (!user_page ||
		    ((access & GUEST_WALK_WRITE) && !(all & PTE_WRITE))) {
			return false;
		}
	} else {
		bool data = !(access & GUEST_WALK_FETCH);

		if ((access & GUEST_WALK_WRITE) && (on & GUEST_WALK_WP) &&
		    !(all & PTE_WRITE)) {
			return false;
		}
		if (user_page && data && (on & GUEST_WALK_SMAP) &&
		    !(access & GUEST_WALK_AC)) {
			return false;
		}
		if (user_page && !data && (on & GUEST_WALK_SMEP)) {
			return false;
		}
	}
	return !(access & GUEST_WALK_FETCH) || !(any & PTE_NX);
}

/**
 * Set bits in an entry, if it still is what the walk saw.
 * @return false if it has changed meanwhile: the walk must be done again
 */
static bool set_bits(struct cursor *c, const struct used_entry *used, u64 set)
{
	const struct memslot *slot = memslot_find(c->slots, used->at);
	void *entry = memslot_pointer(slot, used->at);
	u64 old = used->value;
	u32 old32 = used->value;

	/* Nobody can store there; a ROM's tables are used as they are. */
	if ((used->value & set) == set || (slot->flags & MEMSLOT_READONLY)) {
		return true;
	}
	memslot_mark_dirty(slot, used->at);
	if (c->paging->mode == GUEST_WALK_2_LEVEL) {
		return __atomic_compare_exchange_n(
			(u32 *)entry, &old32, old32 | (u32)set, false,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	return __atomic_compare_exchange_n((u64 *)entry, &old, old | set, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/** Set the accessed bits, and the dirty bit for a store (SDM 3A 4.8). */
static __noinline bool set_accessed_dirty(struct cursor *c)
{
	for (int i = 0; i < c->depth; i++) {
		bool dirty = i == c->depth - 1 &&
			     (c->walk->access & GUEST_WALK_WRITE);

		if (!set_bits(c, &c->used[i],
			      PTE_ACCESSED | (dirty ? PTE_DIRTY : 0))) {
			return false;
		}
	}
	return true;
}

/** True if no accessed or dirty bit is left to be set: nearly always. */
static inline bool accessed_dirty_done(const struct cursor *c)
{
	u64 last = c->used[c->depth - 1].value;

	return (c->all & PTE_ACCESSED) &&
	       (!(c->walk->access & GUEST_WALK_WRITE) || (last & PTE_DIRTY));
}

static enum guest_walk_status descend_mode(struct cursor *c)
{
	gpa_t root = c->paging->root;

	switch (c->paging->mode) {
	case GUEST_WALK_4_LEVEL:
		return descend(c, root, SHIFT_PML4, INDEX_BITS_64);
	case GUEST_WALK_PAE:
		return descend_pae(c);
	case GUEST_WALK_2_LEVEL:
		return descend(c, root, SHIFT_PD_2_LEVEL, INDEX_BITS_32);
	case GUEST_WALK_FLAT:
		break;
	}
	c->walk->gpa = gpa(c->walk->addr.v);
	return GUEST_WALK_OK;
}

/** From the top to the page; c->depth is 0 where there is no paging. */
static enum guest_walk_status start_descent(struct cursor *c)
{
	c->all = ~0ull;
	c->any = 0;
	c->depth = 0;
	return descend_mode(c);
}

/**
 * The walk in full: any mode, any fault, bits to be set.  An entry that has
 * changed between the look and the setting of its bit sends all of it back to
 * the start: its new value may forbid the access.
 */
static __noinline enum guest_walk_status walk_carefully(struct cursor *c)
{
	enum guest_walk_status status;

	do {
		status = start_descent(c);
		if (status != GUEST_WALK_OK || c->depth == 0) {
			return status;
		}
		if (!allowed(c->paging, c->walk->access, c->all, c->any)) {
			return fault(c, GUEST_WALK_PRESENT);
		}
	} while (!accessed_dirty_done(c) && !set_accessed_dirty(c));
	return GUEST_WALK_OK;
}

/** What a descent has found.  Without paging: all rights, in a page of 2 MiB,
 * for which one large leaf can stand. */
static void describe(const struct cursor *c, struct guest_mapping *mapping)
{
	mapping->gpa = c->walk->gpa;
	mapping->rights = GUEST_WALK_WRITE | GUEST_WALK_USER |
			  GUEST_WALK_FETCH;
	mapping->shift = SHIFT_PD;
	mapping->accessed = true;
	mapping->dirty = true;
	if (c->depth == 0) {
		return;
	}
	mapping->rights = c->all & (GUEST_WALK_WRITE | GUEST_WALK_USER);
	mapping->rights |= c->any & PTE_NX ? 0 : GUEST_WALK_FETCH;
	mapping->shift = c->shift;
	mapping->accessed = c->all & PTE_ACCESSED;
	mapping->dirty = c->used[c->depth - 1].value & PTE_DIRTY;
}

/**
 * Four levels, all tables in the slot that was found last, nothing forbidden,
 * no bit to be set, no page larger than 2 MiB.
 *
 * The entries are judged together when all have been read.  Until then a
 * broken one may lead astray, but not out of the slot.
 * @return false if it is not so; nothing has been done
 */
static inline bool walk_quickly(const struct guest_paging *paging,
				struct memslot_set *slots,
				struct guest_walk *walk)
{
	const struct memslot *slot = READ_ONCE(slots->hint);
	const u64 good = PTE_PRESENT | PTE_ACCESSED;
	gpa_t at = paging->root;
	unsigned int shift;
	u64 value = 0;
	u64 all = ~0ull;
	u64 any = 0;

#pragma GCC unroll 4
	for (shift = SHIFT_PML4; shift >= SHIFT_PT; shift -= INDEX_BITS_64) {
		at.v |= (walk->addr.v >> shift) % BIT(INDEX_BITS_64) * 8;
		if (!memslot_covers(slot, at)) {
			return false;
		}
		value = READ_ONCE(*(u64 *)(void *)memslot_pointer(slot, at));
		all &= value;
		any |= value;
		if ((value & PTE_LARGE) && shift > SHIFT_PT) {
			break;
		}
		at = gpa(value & PTE_ADDRESS);
	}
	if ((all & good) != good || (any & reserved_bits(paging)) ||
	    ((walk->access & GUEST_WALK_WRITE) && !(value & PTE_DIRTY)) ||
	    !allowed(paging, walk->access, all, any)) {
		return false;
	}
	if (shift >= SHIFT_PD) {
		set_translation(walk, value, SHIFT_PD);
		return shift == SHIFT_PD && !(value & BITS(20, 13));
	}
	set_translation(walk, value, SHIFT_PT);
	return true;
}

enum guest_walk_status guest_walk_translate(const struct guest_paging *paging,
					    struct memslot_set *slots,
					    struct guest_walk *walk)
{
	struct cursor c;

	if (paging->mode == GUEST_WALK_4_LEVEL &&
	    walk_quickly(paging, slots, walk)) {
		return GUEST_WALK_OK;
	}
	c.paging = paging;
	c.slots = slots;
	c.walk = walk;
	return walk_carefully(&c);
}

enum guest_walk_status guest_walk_map(const struct guest_paging *paging,
				      struct memslot_set *slots,
				      struct guest_walk *walk,
				      struct guest_mapping *mapping)
{
	struct cursor c = { .paging = paging, .slots = slots, .walk = walk };
	enum guest_walk_status status = walk_carefully(&c);

	if (status == GUEST_WALK_OK) {
		describe(&c, mapping);
		mapping->accessed = true;
		mapping->dirty |= (walk->access & GUEST_WALK_WRITE) != 0;
	}
	return status;
}

/* The descent alone: permissions are not asked, no bit is set. */
enum guest_walk_status guest_walk_probe(const struct guest_paging *paging,
					struct memslot_set *slots, gva_t addr,
					struct guest_mapping *mapping)
{
	struct guest_walk walk = { .addr = addr };
	struct cursor c = { .paging = paging, .slots = slots, .walk = &walk };
	enum guest_walk_status status = start_descent(&c);

	if (status == GUEST_WALK_OK) {
		describe(&c, mapping);
	}
	return status;
}

/**
 * Values are those which the walk has judged.  If it had to set accessed bits
 * the entries hold others by now, and the trail fails at the first look.
 */
static void note_used(const struct cursor *c, struct guest_walk_trail *trail)
{
	for (int i = 0; i < GUEST_WALK_LEVELS; i++) {
		const struct used_entry *used =
			&c->used[i < c->depth ? i : c->depth - 1];
		const struct memslot *slot = memslot_find(c->slots, used->at);

		trail->used[i].entry =
			(const void *)memslot_pointer(slot, used->at);
		trail->used[i].value = used->value;
	}
}

/** No entry was used: all places are filled with one that stays. */
static void note_nothing(struct guest_walk_trail *trail)
{
	static const u64 nothing;

	for (int i = 0; i < GUEST_WALK_LEVELS; i++) {
		trail->used[i].entry = &nothing;
		trail->used[i].value = 0;
	}
}

enum guest_walk_status guest_walk_note(const struct guest_paging *paging,
				       struct memslot_set *slots,
				       struct guest_walk *walk,
				       struct guest_walk_trail *trail)
{
	struct cursor c = { .paging = paging, .slots = slots, .walk = walk };
	enum guest_walk_status status = walk_carefully(&c);

	if (status == GUEST_WALK_OK && paging->mode == GUEST_WALK_4_LEVEL) {
		note_used(&c, trail);
	} else if (paging->mode == GUEST_WALK_FLAT) {
		note_nothing(trail);
	}
	return status;
}
