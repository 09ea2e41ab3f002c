/** @file
 * Shadow paging: what is done to many leaves at once.
 *
 * A sync is what a flush has come to mean for a root: afterwards the tables
 * give the guest nothing that its own tables do not give it now.  For each leaf
 * the guest's tables are asked, without the side effects of an access.  A leaf
 * that differs is dropped, not mended: the next access faults, and the fault
 * does it with all rules.  A leaf that gives less than it might is kept.
 *
 * To ask costs a few hundred instructions, a fault with its exit well over a
 * thousand.  So it pays for leaves that will be used again before the next
 * sync, and who was used since the last one is a good guess: the processor sets
 * the accessed bit, a sync clears it.  What was not used goes.  So a sync costs
 * no more than the guest's own work since the last one did.  (The processor
 * sets no accessed bit in an MMIO SPTE; these are always asked for.)
 *
 * The other three visits are the slots': memory that goes away, memory whose
 * stores are to be seen, and MMIO SPTEs whose generation bits have come round.
 */
#include "mmu/shadow.h"

#include "mmu/shadow_table.h"

/**
 * Whether a leaf for memory gives nothing that the mapping does not.
 *
 * Asked in this order: is it the same memory, offset in a large page included;
 * may it be written, which a leaf allows only while the guest's own dirty bit
 * is set, or a first store would not set it; may it be executed.  U/S must be
 * equal and not only weaker: under SMEP or SMAP a page of supervisors gives
 * them more than one of users.
 */
static bool ram_holds(const struct shadow_leaf *leaf,
		      const struct guest_mapping *mapping,
		      const struct memslot *slot)
{
	u64 rights = leaf->value & SHADOW_RIGHTS;
	u64 offset = mapping->gpa.v % shadow_level_size(leaf->level);
	bool user = mapping->rights & GUEST_WALK_USER;

	if (!slot ||
	    memslot_hpa(slot, mapping->gpa).v - offset !=
		    shadow_entry_hpa(leaf->value).v) {
		return false;
	}
	if ((rights & SHADOW_WRITE) &&
	    (!mapping->dirty || !(mapping->rights & GUEST_WALK_WRITE))) {
		return false;
	}
	if (!(rights & SHADOW_NX) && !(mapping->rights & GUEST_WALK_FETCH)) {
		return false;
	}
	return user == ((rights & SHADOW_USER) != 0);
}

/** The same of an MMIO SPTE; whether it still is MMIO its generation says. */
static bool mmio_holds(const struct shadow_leaf *leaf,
		       const struct guest_mapping *mapping)
{
	bool user = mapping->rights & GUEST_WALK_USER;

	if (shadow_mmio_gpa(leaf->value).v != gpa_page(mapping->gpa).v) {
		return false;
	}
	if ((leaf->value & SHADOW_WRITE) &&
	    (!mapping->dirty || !(mapping->rights & GUEST_WALK_WRITE))) {
		return false;
	}
	return user == ((leaf->value & SHADOW_USER) != 0);
}

/**
 * Whether a leaf says nothing that the guest's tables do not say now.
 *
 * The probe makes no access: it sets no accessed bit, for the guest has touched
 * nothing.  Where the guest has cleared its accessed bit, the leaf must go, or
 * the next access would not set it again, and the guest would take the page
 * for one that nobody uses.
 */
static bool still_holds(struct shadow_visit *visit, struct shadow_leaf *leaf)
{
	struct shadow *shadow = visit->shadow;
	struct guest_mapping mapping;

	if (shadow_entry_present(leaf->value) &&
	    !(leaf->value & SHADOW_ACCESSED)) {
		return false;
	}
	if (guest_walk_probe(&shadow->paging, visit->slots, leaf->addr,
			     &mapping) != GUEST_WALK_OK ||
	    !mapping.accessed) {
		return false;
	}
	/* A smaller page than the leaf: its neighbours may go elsewhere. */
	if (mapping.shift < shadow_level_shift(leaf->level)) {
		return false;
	}
	shadow_table_note(shadow, visit->root, leaf->addr, mapping.shift);
	if (shadow_mmio_is(leaf->value)) {
		return mmio_holds(leaf, &mapping);
	}
	return ram_holds(leaf, &mapping,
			 memslot_find(visit->slots, mapping.gpa));
}

/** The accessed bit is cleared in what is kept, so that the next sync knows
 * what was used since this one. */
static bool sync_leaf(struct shadow_visit *visit, struct shadow_leaf *leaf)
{
	if (!still_holds(visit, leaf)) {
		visit->shadow->counters.dropped++;
		return false;
	}
	visit->shadow->counters.kept++;
	if (shadow_entry_present(leaf->value)) {
		leaf->value &= ~SHADOW_ACCESSED;
	}
	return true;
}

/*
 * Only the current root: the others stay stale until they are loaded.  Without
 * paging there is nothing to compare with, addresses mean themselves.
 */
void shadow_sync_roots(struct shadow *shadow, struct memslot_set *slots)
{
	struct shadow_visit visit = {
		.shadow = shadow,
		.root = &shadow->roots[0],
		.keep = sync_leaf,
		.slots = slots,
	};

	if (!visit.root->table.v) {
		return;
	}
	if (visit.root->key.mode != GUEST_WALK_FLAT) {
		shadow_table_visit(&visit);
		shadow->counters.syncs++;
		/* The guest has flushed; and accessed bits must be set anew. */
		shadow_ask_invalidation(shadow);
		mmio_known_event(shadow->known, MMIO_CACHE_ROOT_SYNCED, gva(0));
	}
	visit.root->stale = false;
}

/* The slots' visits -------------------------------------------------------- */

/** Show the leaves of all roots; first and end are the visitor's. */
static void visit_all(struct shadow_visit *visit)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		visit->root = &visit->shadow->roots[i];
		if (visit->root->table.v) {
			shadow_table_visit(visit);
		}
	}
}

/**
 * Whether a leaf maps some of the memory from visit->first to end - 1.
 *
 * By *host* addresses: a slot is one piece of host memory, but its pages may
 * stand at any number of guest virtual addresses, in any order.
 */
static bool overlaps(const struct shadow_visit *visit,
		     const struct shadow_leaf *leaf)
{
	u64 from = shadow_entry_hpa(leaf->value).v;

	return shadow_entry_present(leaf->value) && from < visit->end &&
	       from + shadow_level_size(leaf->level) > visit->first;
}

static bool keep_outside(struct shadow_visit *visit, struct shadow_leaf *leaf)
{
	return !overlaps(visit, leaf);
}

void shadow_zap(struct shadow *shadow, hpa_t first, u64 pages)
{
	struct shadow_visit visit = {
		.shadow = shadow,
		.keep = keep_outside,
		.first = first.v,
		.end = first.v + (pages << PAGE_SHIFT),
	};

	visit_all(&visit);
}

/** shadow_table_set() sees that a right goes, and asks for an invalidation. */
static bool protect_leaf(struct shadow_visit *visit, struct shadow_leaf *leaf)
{
	if (overlaps(visit, leaf)) {
		leaf->value &= ~SHADOW_WRITE;
	}
	return true;
}

void shadow_write_protect(struct shadow *shadow, hpa_t first, u64 pages)
{
	struct shadow_visit visit = {
		.shadow = shadow,
		.keep = protect_leaf,
		.first = first.v,
		.end = first.v + (pages << PAGE_SHIFT),
	};

	visit_all(&visit);
}

static bool keep_memory(struct shadow_visit *visit, struct shadow_leaf *leaf)
{
	(void)visit;
	return !shadow_mmio_is(leaf->value);
}

/*
 * As ept_new_generation(): once in each lap of the bits that an MMIO SPTE can
 * hold.  How many bits those are is the owner's choice, so that a test can see
 * a lap end.
 */
void shadow_new_generation(struct shadow *shadow, u64 generation)
{
	struct shadow_visit visit = { .shadow = shadow, .keep = keep_memory };

	if (generation % BIT(shadow->generation_bits) == 0) {
		visit_all(&visit);
	}
}
