/** @file
 * Lab 1: what to do when the EPT says no (reference solution).
 *
 * The story in one breath: walk to the entry that decides the address, ask the
 * slots what the address is, then write one entry, or none, and say what shall
 * become of the vCPU.
 *
 * The processor reads these tables while we write them.  Everything that
 * changes them therefore goes through set_entry(), which holds the two rules
 * of ept.h: an entry is written once and whole, after all that it points to;
 * and where it takes something away, an invalidation is asked for.  In the
 * same way all that goes down to an entry in order to write it goes through
 * reach_entry(), which makes tables and splits large leaves on its way.
 *
 * An MMIO SPTE is only right if three things hold: no slot covers the page in
 * the very snapshot whose generation goes into the entry, no swap was under
 * way, and the entry is looked at again when the generation has moved on.
 */
#include "mmu/ept_fault.h"

/* 1.1 The walk ------------------------------------------------------------ */

/**
 * The walk itself.  Inlined and written out level by level, as each access to
 * a device pays for it (1.7): half the instructions of a loop.
 */
static inline __attribute__((always_inline)) struct ept_walk
walk_to(const struct ept *ept, gpa_t addr)
{
	struct ept_walk walk = { .rights = EPT_RWX };
	u64 *table = ept_table(ept, ept->root);

#pragma GCC unroll 4
	for (walk.level = EPT_PML4E; walk.level >= EPT_PTE; walk.level--) {
		walk.entry = &table[ept_index(addr, walk.level)];
		walk.value = READ_ONCE(*walk.entry);
		/* Each level can forbid, none gives back what is forbidden. */
		walk.rights &= walk.value;
		if (!ept_entry_table(walk.value, walk.level, ept->phys_bits)) {
			break;
		}
		table = ept_table(ept, ept_entry_hpa(walk.value));
	}
	if (!ept_entry_present(walk.value)) {
		/* Empty, or an MMIO SPTE, whose R/W/X are no rights. */
		walk.rights = 0;
	}
	return walk;
}

struct ept_walk ept_fault_walk(const struct ept *ept, gpa_t addr)
{
	return walk_to(ept, addr);
}

/* 1.2 Mapping ------------------------------------------------------------- */

/**
 * Write an entry, the one store that the processor may see at any moment.
 * If the old one plus the new one's rights is the new one, then at most rights
 * were added; anything else may be cached and must be forgotten.
 */
static void set_entry(struct ept *ept, u64 *entry, u64 new)
{
	u64 old = READ_ONCE(*entry);

	/* What the entry points to was written before, and is seen before. */
	smp_wmb();
	WRITE_ONCE(*entry, new);
	if (ept_entry_present(old) && (old | (new & EPT_RWX)) != new) {
		ept_ask_invalidation(ept);
	}
}

/** Let a fresh table map what one large leaf maps; nobody sees it yet. */
static void fill_split_table(u64 *entries, u64 large)
{
	hpa_t page = ept_entry_hpa(large);

	for (int i = 0; i < EPT_ENTRIES; i++) {
		entries[i] = ept_make_leaf(page, large & EPT_RWX, EPT_PTE);
		page = hpa_add(page, PAGE_SIZE);
	}
}

/**
 * Make an entry above the wanted level point to a table, if it does not yet.
 * @return 0, or -ENOMEM and the entry is as it was
 */
static int open_table(struct ept *ept, u64 *entry, int level)
{
	u64 value = READ_ONCE(*entry);
	hpa_t table = ept_entry_hpa(value);

	if (!ept_entry_present(value) || ept_entry_leaf(value, level)) {
		if (ept_alloc_table(ept, &table) < 0) {
			return -ENOMEM;
		}
		if (ept_entry_present(value)) {
			fill_split_table(ept_table(ept, table), value);
		}
	}
	/* Also where a table stood: its entry may lack a right. */
	set_entry(ept, entry, ept_make_table(table));
	return 0;
}

/** The entry of one level for an address; NULL if a table could not be had. */
static u64 *reach_entry(struct ept *ept, gpa_t addr, int level)
{
	hpa_t table = ept->root;

	for (int at = EPT_PML4E; at > level; at--) {
		u64 *entry = &ept_table(ept, table)[ept_index(addr, at)];

		if (open_table(ept, entry, at) < 0) {
			return NULL;
		}
		table = ept_entry_hpa(*entry);
	}
	return &ept_table(ept, table)[ept_index(addr, level)];
}

/**
 * The level of the leaf that the mapping shall begin with.  A table that stands
 * already is kept: to free it one would have to know that no processor is
 * walking it, and it may hold the MMIO SPTEs of neighbours.
 */
static int leaf_level(const struct ept *ept, const struct ept_mapping *map)
{
	bool aligned = (map->gpa.v | map->hpa.v) % EPT_LARGE_SIZE == 0;

	if (!aligned || map->pages < EPT_LARGE_PAGES) {
		return EPT_PTE;
	}
	return ept_fault_walk(ept, map->gpa).level == EPT_PTE ? EPT_PTE :
								EPT_PDE;
}

int ept_fault_map(struct ept *ept, const struct ept_mapping *map)
{
	struct ept_mapping rest = *map;

	while (rest.pages > 0) {
		int level = leaf_level(ept, &rest);
		u64 *entry = reach_entry(ept, rest.gpa, level);

		if (!entry) {
			return -ENOMEM;
		}
		set_entry(ept, entry,
			  ept_make_leaf(rest.hpa, rest.rights, level));
		rest.gpa = gpa_add(rest.gpa, ept_level_size(level));
		rest.hpa = hpa_add(rest.hpa, ept_level_size(level));
		rest.pages -= ept_level_size(level) >> PAGE_SHIFT;
	}
	return 0;
}

/* 1.3 Unmapping ----------------------------------------------------------- */

void ept_fault_unmap(struct ept *ept, gpa_t addr, u64 pages)
{
	u64 end = addr.v + (pages << PAGE_SHIFT);
	bool gone = false;

	/*
	 * A large leaf goes as a whole even if only a part of it was meant.
	 * Splitting it would need memory, and unmapping must not fail; the
	 * pages that were not meant fault once more and are mapped again.
	 */

	while (addr.v < end) {
		struct ept_walk walk = ept_fault_walk(ept, addr);
		u64 size = ept_level_size(walk.level);

		if (walk.value != 0) {
			WRITE_ONCE(*walk.entry, 0);
			gone |= ept_entry_present(walk.value);
		}
		/* To the first address that another entry decides. */
		addr.v = (addr.v & ~(size - 1)) + size;
	}
	if (gone) {
		ept_ask_invalidation(ept);
	}
}

/* 1.4 What does it mean? -------------------------------------------------- */

enum ept_fault_kind ept_fault_classify(const struct ept *ept,
				       struct memslot_set *slots,
				       const struct ept_access *access)
{
	const struct memslot *slot = memslot_find(slots, access->gpa);

	if (!slot) {
		return EPT_FAULT_NO_SLOT;
	}
	if (slot->flags & MEMSLOT_INVALID) {
		return EPT_FAULT_GOING_AWAY;
	}
	if ((access->wanted & EPT_WRITE) && (slot->flags & MEMSLOT_READONLY)) {
		return EPT_FAULT_READONLY_WRITE;
	}
	/* What the entries give now, not what they gave at the exit. */
	if (access->wanted & ~ept_fault_walk(ept, access->gpa).rights) {
		return EPT_FAULT_RAM;
	}
	return EPT_FAULT_SPURIOUS;
}

/* 1.5 MMIO SPTEs ---------------------------------------------------------- */

u64 ept_fault_mmio_make(gpa_t addr, u64 generation)
{
	u64 low = generation << EPT_MMIO_GEN_LOW_SHIFT;
	u64 high = generation >> EPT_MMIO_GEN_LOW_BITS
				 << EPT_MMIO_GEN_HIGH_SHIFT;

	return EPT_MMIO_VALUE | (addr.v & EPT_ADDRESS) |
	       (low & EPT_MMIO_GEN_LOW) | (high & EPT_MMIO_GEN_HIGH);
}

bool ept_fault_mmio_is(u64 entry)
{
	return (entry & EPT_MMIO_MASK) == EPT_MMIO_VALUE;
}

gpa_t ept_fault_mmio_gpa(u64 entry)
{
	return gpa(entry & EPT_ADDRESS);
}

u64 ept_fault_mmio_generation(u64 entry)
{
	u64 low = (entry & EPT_MMIO_GEN_LOW) >> EPT_MMIO_GEN_LOW_SHIFT;
	u64 high = (entry & EPT_MMIO_GEN_HIGH) >> EPT_MMIO_GEN_HIGH_SHIFT;

	return high << EPT_MMIO_GEN_LOW_BITS | low;
}

bool ept_fault_mmio_stale(u64 entry, u64 generation)
{
	return (generation & MEMSLOT_GEN_IN_PROGRESS) ||
	       ept_fault_mmio_generation(entry) !=
		       (generation & EPT_MMIO_GEN_MASK);
}

/* 1.6 A violation --------------------------------------------------------- */

/** Whether one large leaf can map the slot's memory around an address. */
static bool large_leaf_fits(const struct memslot *slot, gpa_t block)
{
	u64 end = slot->base.v + (slot->pages << PAGE_SHIFT);

	return block.v >= slot->base.v && block.v + EPT_LARGE_SIZE <= end &&
	       memslot_hpa(slot, block).v % EPT_LARGE_SIZE == 0;
}

/** As much of the slot around an address as one leaf can map. */
static struct ept_mapping choose_range(const struct memslot *slot, gpa_t addr)
{
	gpa_t block = gpa(addr.v & ~(EPT_LARGE_SIZE - 1));
	struct ept_mapping map = { .gpa = gpa_page(addr), .pages = 1 };

	/* A page must be writable alone if it is to be logged alone. */
	if (!(slot->flags & MEMSLOT_LOG_DIRTY) &&
	    large_leaf_fits(slot, block)) {
		map.gpa = block;
		map.pages = EPT_LARGE_PAGES;
	}
	map.hpa = memslot_hpa(slot, map.gpa);
	return map;
}

static enum ept_fault_result map_ram(struct ept *ept,
				     const struct memslot *slot,
				     const struct ept_access *access)
{
	struct ept_mapping map = choose_range(slot, access->gpa);
	bool store = access->wanted & EPT_WRITE;

	/* A load from a slot that logs leaves the store still to be seen. */
	map.rights = EPT_READ | EPT_EXECUTE;
	if (!(slot->flags & MEMSLOT_READONLY) &&
	    (store || !(slot->flags & MEMSLOT_LOG_DIRTY))) {
		map.rights |= EPT_WRITE;
	}
	if (store) {
		memslot_mark_dirty(slot, access->gpa);
	}
	return ept_fault_map(ept, &map) < 0 ? EPT_FAULT_NO_MEMORY :
					      EPT_FAULT_RESUME;
}

/**
 * No slot: write that down in an MMIO SPTE, then emulate.
 *
 * During a swap nothing is written down: what we have seen belongs neither to
 * the last generation nor to the next.  And a frame that the processor's
 * addresses cannot hold would set reserved bits: an entry illegal by accident.
 */
static enum ept_fault_result mark_mmio(struct ept *ept, gpa_t addr,
				       u64 generation)
{
	u64 *entry;

	if ((generation & MEMSLOT_GEN_IN_PROGRESS) ||
	    addr.v >= BIT(ept->phys_bits)) {
		return EPT_FAULT_EMULATE;
	}
	entry = reach_entry(ept, addr, EPT_PTE);
	if (!entry) {
		return EPT_FAULT_NO_MEMORY;
	}
	set_entry(ept, entry, ept_fault_mmio_make(addr, generation));
	return EPT_FAULT_EMULATE;
}

enum ept_fault_result ept_fault_violation(struct ept *ept,
					  struct memslot_set *slots,
					  const struct ept_access *access)
{
	switch (ept_fault_classify(ept, slots, access)) {
	case EPT_FAULT_RAM:
		return map_ram(ept, memslot_find(slots, access->gpa), access);
	case EPT_FAULT_SPURIOUS:
		return EPT_FAULT_RESUME;
	case EPT_FAULT_GOING_AWAY:
		return EPT_FAULT_RETRY;
	case EPT_FAULT_READONLY_WRITE:
		return EPT_FAULT_EMULATE;
	case EPT_FAULT_NO_SLOT:
		return mark_mmio(ept, access->gpa, memslot_generation(slots));
	}
	return EPT_FAULT_ERROR;
}

/* 1.7 A misconfiguration -------------------------------------------------- */

enum ept_fault_result ept_fault_misconfig(struct ept *ept,
					  struct memslot_set *slots, gpa_t addr)
{
	/* What stands there now, which need not be what caused the exit. */
	struct ept_walk walk = walk_to(ept, addr);

	if (ept_fault_mmio_is(walk.value)) {
		struct ept_access read = { .gpa = addr, .wanted = EPT_READ };

		if (!ept_fault_mmio_stale(walk.value,
					  memslot_generation(slots))) {
			return EPT_FAULT_EMULATE;
		}
		/* Ask again what this address is, as if for the first time. */
		return ept_fault_violation(ept, slots, &read);
	}
	if (ept_entry_misconfigured(walk.value, walk.level, ept->phys_bits)) {
		return EPT_FAULT_ERROR;
	}
	/* Zapped or replaced by another CPU: the guest will see for itself. */
	return EPT_FAULT_RETRY;
}
