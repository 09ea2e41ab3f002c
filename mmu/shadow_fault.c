/** @file
 * Shadow paging: a page fault.
 *
 * Every page fault of the guest exits, and most are not the guest's own:
 *
 *	               page fault
 *	                    |
 *	     reserved bit?  +--------> MMIO cache, MMIO SPTE: emulate
 *	                    |          (stale, or not for this access)
 *	                    v                    v
 *	           the guest's own walk <--------+
 *	      #PF? inject   |
 *	                    v
 *	                  slots
 *	   +-----------+----+-----------+-------------+
 *	  RAM     going away    store to ROM       no slot
 *	 leaf        retry        emulate      mark, emulate
 *	resume
 *
 * The leaf gives the guest what its walk gives, less what we must see: stores
 * until the guest's dirty bit is set, stores to ROM, and stores where dirty
 * pages are logged.  The processor checks the rest, under the guest's own SMEP
 * and SMAP.  It runs with CR0.WP = 1 always, for else a supervisor would not
 * fault on any of those stores.  Where the guest's own WP is 0, a supervisor
 * may store to a page without R/W.  A page of supervisors simply gets R/W.  A
 * page of users becomes one of supervisors with R/W until a user touches it;
 * then it is changed back, and so to and fro.  A supervisor must not fetch from
 * it if SMEP is on: NX.  Under SMAP even loads would have to be forbidden
 * without AC: there the store is emulated.
 */
#include "mmu/shadow.h"

#include "mmu/shadow_table.h"

/** What is known of a fault so far. */
struct state {
	struct shadow *shadow;
	struct memslot_set *slots;
	struct shadow_fault *fault;
	u32 access; /* GUEST_WALK_WRITE ... of the access */
	u64 generation;
	struct guest_mapping mapping;
	const struct memslot *slot;
};

/** Tell the vCPU's MMIO cache what was found, be it by the slots or by an MMIO
 * SPTE: the next access to this page need not even look at the tables. */
static void fill_cache(const struct state *s, gpa_t addr, u32 rights)
{
	struct mmio_cache_page page = {
		.gva = s->fault->addr,
		.gpa = addr,
		.rights = rights,
		.generation = s->generation,
	};

	mmio_known_fill(s->shadow->known, &page);
}

/* Leaves ------------------------------------------------------------------- */

/** What the mapping lets be remembered: stores only once it is dirty. */
static u32 lasting_rights(const struct guest_mapping *mapping)
{
	return mapping->dirty ? mapping->rights :
				mapping->rights & ~(u32)GUEST_WALK_WRITE;
}

static u64 shadow_rights(u32 rights)
{
	return (rights & GUEST_WALK_WRITE ? SHADOW_WRITE : 0) |
	       (rights & GUEST_WALK_USER ? SHADOW_USER : 0) |
	       (rights & GUEST_WALK_FETCH ? 0 : SHADOW_NX);
}

/** A store that only CR0.WP = 0 allows: the guest's walk has let it pass
 * although some level has R/W = 0. */
static bool needs_wp_off(const struct state *s)
{
	return (s->access & GUEST_WALK_WRITE) &&
	       !(s->mapping.rights & GUEST_WALK_WRITE);
}

/**
 * The rights of the leaf that this access wants.
 *
 *	what the leaf lacks       until
 *	W, page not dirty         a store, which sets the guest's dirty bit
 *	W, slot is read-only      never: each store goes to the emulator
 *	W, slot logs              a store, which is logged
 *	U, made for WP = 0        a user's access, which makes it U without W
 */
static u64 leaf_rights(const struct state *s)
{
	bool store = s->access & GUEST_WALK_WRITE;
	u64 rights = shadow_rights(lasting_rights(&s->mapping));

	if (needs_wp_off(s)) {
		if ((rights & SHADOW_USER) &&
		    (s->shadow->paging.flags & GUEST_WALK_SMEP)) {
			rights |= SHADOW_NX;
		}
		rights = (rights & ~SHADOW_USER) | SHADOW_WRITE;
	}
	if ((s->slot->flags & MEMSLOT_READONLY) ||
	    ((s->slot->flags & MEMSLOT_LOG_DIRTY) && !store)) {
		rights &= ~SHADOW_WRITE;
	}
	return rights;
}

/**
 * Whether one large leaf can stand for this page: the guest's page is at least
 * as large, one slot holds all of it, and the host memory is aligned alike.
 */
static bool large_leaf_fits(const struct state *s)
{
	const struct memslot *slot = s->slot;
	gpa_t block = gpa(s->mapping.gpa.v & ~(SHADOW_LARGE_SIZE - 1));
	u64 end = slot->base.v + (slot->pages << PAGE_SHIFT);

	/* A page must be writable alone if it is to be logged alone. */
	return s->mapping.shift >= shadow_level_shift(SHADOW_PDE) &&
	       !(slot->flags & MEMSLOT_LOG_DIRTY) &&
	       block.v >= slot->base.v && block.v + SHADOW_LARGE_SIZE <= end &&
	       memslot_hpa(slot, block).v % SHADOW_LARGE_SIZE == 0 &&
	       shadow_table_fits(s->shadow, &s->shadow->roots[0],
				 s->fault->addr);
}

/**
 * Make the leaf.  A fault whose leaf stands there already is spurious: the
 * processor's TLB was behind.  It is counted, and the same leaf is put again,
 * which harms nobody.
 */
static enum shadow_fault_result map_ram(const struct state *s)
{
	struct shadow_leaf leaf = { .level = SHADOW_PTE,
				    .shift = s->mapping.shift };
	struct shadow *shadow = s->shadow;
	int level = SHADOW_PTE;
	gpa_t page;

	if (large_leaf_fits(s)) {
		leaf.level = SHADOW_PDE;
	}
	page = gpa(s->mapping.gpa.v & ~(shadow_level_size(leaf.level) - 1));
	leaf.addr = gva(s->fault->addr.v &
			~(shadow_level_size(leaf.level) - 1));
	leaf.value = shadow_make_leaf(memslot_hpa(s->slot, page),
				      leaf_rights(s), leaf.level);
	if (s->access & GUEST_WALK_WRITE) {
		memslot_mark_dirty(s->slot, s->mapping.gpa);
	}
	shadow->counters.spurious +=
		(*shadow_table_find(shadow, &shadow->roots[0], leaf.addr,
				    &level) & ~SHADOW_PIECE) == leaf.value;
	shadow->counters.leaves++;
	return shadow_put(shadow, &leaf) < 0 ? SHADOW_FAULT_NO_MEMORY :
					       SHADOW_FAULT_RESUME;
}

/**
 * No slot: remember it, if the machine and the moment allow.
 *
 * The machine: bit 51 is reserved only below MAXPHYADDR 52, and the frame must
 * fit beneath it.  The moment: while slots are being swapped nobody knows which
 * generation "no slot" belongs to.  The MMIO cache is told in any case; it
 * looks at the generation by itself.
 */
static enum shadow_fault_result mark_mmio(const struct state *s)
{
	u32 rights = lasting_rights(&s->mapping);
	unsigned int phys_bits = s->shadow->phys_bits;
	struct shadow_leaf leaf = {
		.addr = gva_page(s->fault->addr),
		.level = SHADOW_PTE,
		.shift = s->mapping.shift,
		.value = shadow_mmio_make(
			s->mapping.gpa,
			shadow_rights(rights) & SHADOW_MMIO_RIGHTS,
			s->generation % BIT(s->shadow->generation_bits)),
	};

	fill_cache(s, s->mapping.gpa, rights);
	if ((s->generation & MEMSLOT_GEN_IN_PROGRESS) || phys_bits > 51 ||
	    s->mapping.gpa.v >= BIT(phys_bits)) {
		return SHADOW_FAULT_EMULATE;
	}
	s->shadow->counters.marks++;
	return shadow_put(s->shadow, &leaf) < 0 ? SHADOW_FAULT_NO_MEMORY :
						  SHADOW_FAULT_EMULATE;
}

/* The slow path ------------------------------------------------------------ */

/** The guest's walk has allowed the access.  What is there (spec 1.4)? */
static enum shadow_fault_result touch(struct state *s)
{
	s->fault->gpa = s->mapping.gpa;
	s->slot = memslot_find(s->slots, s->mapping.gpa);
	if (!s->slot) {
		return mark_mmio(s);
	}
	if (s->slot->flags & MEMSLOT_INVALID) {
		return SHADOW_FAULT_RETRY;
	}
	if ((s->access & GUEST_WALK_WRITE) &&
	    (s->slot->flags & MEMSLOT_READONLY)) {
		return SHADOW_FAULT_EMULATE;
	}
	if (needs_wp_off(s) && (s->mapping.rights & GUEST_WALK_USER) &&
	    (s->shadow->paging.flags & GUEST_WALK_SMAP)) {
		return SHADOW_FAULT_EMULATE;
	}
	return map_ram(s);
}

/**
 * The guest's own walk, with the side effects of the access that faulted: it
 * sets the accessed and dirty bits which the processor would have set.
 */
static enum shadow_fault_result walk(struct state *s)
{
	struct guest_walk w = { .addr = s->fault->addr, .access = s->access };

	s->shadow->counters.slow_paths++;
	/* The emulator shall see what this walk sees, and nothing older. */
	mmio_known_event(s->shadow->known, MMIO_CACHE_PAGE_FAULT, w.addr);
	switch (guest_walk_map(&s->shadow->paging, s->slots, &w, &s->mapping)) {
	case GUEST_WALK_OK:
		break;
	case GUEST_WALK_FAULT:
		s->shadow->counters.injected++;
		shadow_page_fault(s->shadow, w.addr);
		s->fault->inject = w.error_code;
		return SHADOW_FAULT_INJECT;
	case GUEST_WALK_NO_RAM:
		s->fault->gpa = w.gpa;
		return SHADOW_FAULT_NO_RAM;
	}
	return touch(s);
}

/* Reserved bits ------------------------------------------------------------ */

/** As ept_fault_mmio_stale(), with as many bits as the owner has chosen. */
static bool mmio_stale(const struct state *s, u64 entry)
{
	return (s->generation & MEMSLOT_GEN_IN_PROGRESS) ||
	       shadow_mmio_generation(entry) !=
		       s->generation % BIT(s->shadow->generation_bits);
}

/**
 * Fill site b: the tables say that it is MMIO, and that it still is.  The SPTE
 * holds what the guest's mapping allowed, so even the permissions are judged
 * without a walk; whatever it cannot say yes to is walked.
 */
static bool known_by_entry(const struct state *s, u64 entry)
{
	u32 rights = (entry & SHADOW_WRITE ? GUEST_WALK_WRITE : 0) |
		     (entry & SHADOW_USER ? GUEST_WALK_USER : 0);

	if (mmio_stale(s, entry) ||
	    !guest_walk_reuse(&s->shadow->paging, s->access, rights)) {
		return false;
	}
	s->fault->gpa = gpa_add(shadow_mmio_gpa(entry),
				gva_offset(s->fault->addr));
	fill_cache(s, s->fault->gpa, rights);
	return true;
}

/** A reserved bit was met: one of ours, or something is broken. */
static enum shadow_fault_result look_at_entry(struct state *s)
{
	struct shadow *shadow = s->shadow;
	int level = SHADOW_PTE;
	u64 entry;

	if (!shadow_loaded(shadow)) {
		return SHADOW_FAULT_RETRY;
	}
	entry = *shadow_table_find(shadow, &shadow->roots[0], s->fault->addr,
				   &level);
	if (shadow_mmio_is(entry)) {
		return known_by_entry(s, entry) ? SHADOW_FAULT_EMULATE :
						  walk(s);
	}
	/* Zapped or replaced by another CPU: the guest will see for itself. */
	return shadow_entry_reserved(entry, shadow->phys_bits) ?
		       SHADOW_FAULT_ERROR :
		       SHADOW_FAULT_RETRY;
}

enum shadow_fault_result shadow_fault_judge(struct shadow *shadow,
					    struct memslot_set *slots,
					    struct shadow_fault *fault)
{
	struct state s;

	s.shadow = shadow;
	s.slots = slots;
	s.fault = fault;
	s.access = shadow_fault_access(fault);
	s.generation = memslot_generation(slots);
	if (fault->error_code & GUEST_WALK_RESERVED) {
		return look_at_entry(&s);
	}
	if (!shadow_loaded(shadow)) {
		return SHADOW_FAULT_RETRY;
	}
	return walk(&s);
}

enum shadow_fault_result shadow_fault(struct shadow *shadow,
				      struct memslot_set *slots,
				      struct shadow_fault *fault)
{
	if (shadow_fault_known(shadow, memslot_generation(slots), fault)) {
		return SHADOW_FAULT_EMULATE;
	}
	return shadow_fault_judge(shadow, slots, fault);
}
