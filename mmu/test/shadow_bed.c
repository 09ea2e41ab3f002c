/** @file
 * A machine without EPT, for the host tests of shadow paging (shadow_bed.h).
 */
#include "mmu/test/shadow_bed.h"

#include <stdlib.h>

#include "mmu/shadow_table.h"

#define MANY_EXITS 16
#define NO_PAGE (~0ull)
#define PHYS_BITS 40

/* The hypervisor around it ------------------------------------------------- */

static int alloc_table(void *ctx, hpa_t *table)
{
	struct arena *arena = ctx;

	if (arena->left == 0) {
		return -ENOMEM;
	}
	arena->left--;
	arena->tables++;
	*table = arena_page(arena);
	return 0;
}

static void free_table(void *ctx, hpa_t table)
{
	struct arena *arena = ctx;

	memset(arena_pointer(arena, table), 0xdd, PAGE_SIZE);
	arena->free_list[arena->free_count++] = table.v;
	arena->tables--;
}

static const struct shadow_ops shadow_ops = { .alloc_table = alloc_table,
					      .free_table = free_table };

static void wait_readers(void *ctx)
{
	(void)ctx;
}

/** The slot is still there, as going away or as it is. */
static hpa_t backing(struct bed *bed, gpa_t base)
{
	return memslot_hpa(memslot_find(memslot_read(&bed->slots), base), base);
}

static void zap(void *ctx, gpa_t base, u64 pages)
{
	struct bed *bed = ctx;

	shadow_zap(&bed->shadow, backing(bed, base), pages);
}

static void write_protect(void *ctx, gpa_t base, u64 pages)
{
	struct bed *bed = ctx;

	shadow_write_protect(&bed->shadow, backing(bed, base), pages);
}

static void new_generation(void *ctx, u64 generation)
{
	struct bed *bed = ctx;

	shadow_new_generation(&bed->shadow, generation);
	mmio_known_event(&bed->known, MMIO_CACHE_SLOTS, gva(0));
}

static const struct memslot_ops slot_ops = { wait_readers, zap, write_protect,
					     new_generation };

static void empty_tlb(struct bed *bed)
{
	for (int i = 0; i < BED_TLB; i++) {
		bed->tlb[i].page = NO_PAGE;
	}
}

/** All but the memory of the two machines. */
static void begin(struct bed *bed)
{
	mmio_known_init(&bed->known, false, &bed->shadow.paging);
	bed->shadow = (struct shadow){
		.direct_map = (u64)(uintptr_t)bed->arena.base - ARENA_HPA,
		.phys_bits = PHYS_BITS,
		.ops = &shadow_ops,
		.ctx = &bed->arena,
		.known = &bed->known,
	};
	assert_int_equal(shadow_create(&bed->shadow), 0);
	memslot_init(&bed->slots, &slot_ops, bed);
	memset(bed->memory, 0, BED_SIZE);
	memset(bed->dirty, 0, sizeof(bed->dirty));
	bed->broken = NULL;
	bed->invalidations_seen = 0;
	empty_tlb(bed);
}

void bed_create(struct bed *bed)
{
	arena_create(&bed->arena);
	bed->memory = malloc(BED_SIZE);
	assert_non_null(bed->memory);
	begin(bed);
}

void bed_again(struct bed *bed)
{
	shadow_destroy(&bed->shadow);
	assert_int_equal(bed->arena.tables, 0);
	begin(bed);
}

void bed_destroy(struct bed *bed)
{
	shadow_destroy(&bed->shadow);
	arena_destroy(&bed->arena);
	free(bed->memory);
}

void bed_add(struct bed *bed, const struct memslot *slot, u64 page)
{
	struct memslot added = *slot;

	added.hpa = hpa(BED_HPA + page * PAGE_SIZE);
	added.mem = bed->memory + page * PAGE_SIZE;
	added.dirty = bed->dirty;
	assert_int_equal(memslot_add(&bed->slots, &added), 0);
}

u64 *bed_table(struct bed *bed, u64 page, u64 index)
{
	return (u64 *)(void *)(bed->memory + page * PAGE_SIZE) + index;
}

u64 bed_entry(struct bed *bed, gva_t addr)
{
	int level = SHADOW_PTE;

	if (!bed->shadow.roots[0].table.v) {
		return 0;
	}
	return *shadow_table_find(&bed->shadow, &bed->shadow.roots[0], addr,
				  &level);
}

/* The processor ------------------------------------------------------------ */

/** A walk of the processor's. */
struct hardware {
	struct bed *bed;
	u64 addr;
	u32 access;
	u64 all; /* AND of the entries */
	u64 any; /* OR of the entries */
	u64 leaf;
	u32 error_code;
};

static bool hw_fault(struct hardware *hw, u32 cause)
{
	hw->error_code = cause | (hw->access & ~(u32)GUEST_WALK_AC);
	return false;
}

/** No assertion, so that a long test can say how it got here. */
static void demand(struct hardware *hw, bool holds, const char *rule)
{
	if (!holds && !hw->bed->broken) {
		hw->bed->broken = rule;
	}
}

/** SDM 3A 4.4.1: the four entries that a PAE root has. */
static u64 load_pdpte(struct hardware *hw, u64 root)
{
	const u64 *pdptes = arena_pointer(&hw->bed->arena, hpa(root));
	u64 pdpte;

	demand(hw, root < BIT(32), "a PAE root lies below 4 GiB");
	demand(hw, hw->addr < BIT(32), "addresses have 32 bits under PAE");
	pdpte = pdptes[(u32)hw->addr >> 30];
	if (pdpte & SHADOW_PRESENT) {
		demand(hw,
		       !(pdpte & (BITS(2, 1) | BITS(8, 5) |
				  BITS(63, PHYS_BITS))),
		       "a PDPTE has no reserved bit");
	}
	return pdpte;
}

/** SDM 3A 4.5 with NXE = 1 and MAXPHYADDR = 40, from a table down to a leaf. */
static bool hw_descend(struct hardware *hw, u64 table, int level)
{
	for (;; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		u64 *entry = arena_pointer(&hw->bed->arena, hpa(table));
		u64 value;

		entry += (hw->addr >> shift) % 512;
		value = *entry;
		if (!(value & SHADOW_PRESENT)) {
			return hw_fault(hw, 0);
		}
		if ((value & BITS(51, PHYS_BITS)) ||
		    (level >= SHADOW_PDPTE && (value & SHADOW_LARGE))) {
			return hw_fault(hw, GUEST_WALK_PRESENT |
						    GUEST_WALK_RESERVED);
		}
		hw->all &= value;
		hw->any |= value;
		*entry = value | SHADOW_ACCESSED;
		if (level == SHADOW_PTE || (value & SHADOW_LARGE)) {
			u64 offset = (BIT(shift) - 1) & PAGE_MASK;

			demand(hw, !(value & SHADOW_ADDRESS & offset),
			       "a leaf's memory is aligned");
			hw->leaf = (value & SHADOW_ADDRESS) |
				   (hw->addr & offset);
			return true;
		}
		table = value & SHADOW_ADDRESS;
	}
}

/** Rights go with the leaf into the TLB. */
static bool hw_walk(struct hardware *hw)
{
	const struct shadow_root *root = &hw->bed->shadow.roots[0];
	u64 table = shadow_cr3(&hw->bed->shadow).v;
	u64 pdpte;

	hw->all = ~0ull;
	hw->any = 0;
	if (root->level == SHADOW_PML4E) {
		if (!hw_descend(hw, table, SHADOW_PML4E)) {
			return false;
		}
	} else {
		pdpte = load_pdpte(hw, table);
		if (!(pdpte & SHADOW_PRESENT)) {
			return hw_fault(hw, 0);
		}
		if (!hw_descend(hw, pdpte & SHADOW_ADDRESS, SHADOW_PDE)) {
			return false;
		}
	}
	hw->leaf |= (hw->all & (SHADOW_WRITE | SHADOW_USER)) |
		    (hw->any & SHADOW_NX);
	return true;
}

/** SDM 3A 4.6.1 with WP = 1; SMEP and SMAP are off while guest's PG is 0. */
static bool hw_allows(const struct hardware *hw)
{
	const struct guest_paging *paging = &hw->bed->shadow.paging;
	u32 on = paging->mode == GUEST_WALK_FLAT ? 0 : paging->flags;
	bool store = hw->access & GUEST_WALK_WRITE;
	bool fetch = hw->access & GUEST_WALK_FETCH;
	bool user_page = hw->leaf & SHADOW_USER;

	if ((store && !(hw->leaf & SHADOW_WRITE)) ||
	    (fetch && (hw->leaf & SHADOW_NX))) {
		return false;
	}
	if (hw->access & GUEST_WALK_USER) {
		return user_page;
	}
	if (user_page && fetch) {
		return !(on & GUEST_WALK_SMEP);
	}
	return !user_page || !(on & GUEST_WALK_SMAP) ||
	       (hw->access & GUEST_WALK_AC);
}

/** One try: TLB, else tables. @return false: #PF with hw->error_code */
static bool hw_access(struct hardware *hw)
{
	struct bed *bed = hw->bed;
	u64 page = hw->addr & PAGE_MASK;
	u64 place = (hw->addr >> PAGE_SHIFT) % BED_TLB;

	if (bed->invalidations_seen != bed->shadow.counters.invalidations) {
		bed->invalidations_seen = bed->shadow.counters.invalidations;
		empty_tlb(bed);
	}
	if (bed->tlb[place].page == page) {
		hw->leaf = bed->tlb[place].leaf;
	} else if (!hw_walk(hw)) {
		return false;
	}
	if (!hw_allows(hw)) {
		bed->tlb[place].page = NO_PAGE;
		return hw_fault(hw, GUEST_WALK_PRESENT);
	}
	bed->tlb[place].page = page;
	bed->tlb[place].leaf = hw->leaf;
	return true;
}

/* An access ---------------------------------------------------------------- */

static bool translate(struct bed *bed, struct guest_walk *walk,
		      struct bed_outcome *out)
{
	struct memslot_set *set = memslot_read(&bed->slots);
	struct mmio_cache_query query = {
		.gva = walk->addr,
		.access = walk->access,
		.generation = memslot_generation(set),
	};

	if (mmio_known_gva(&bed->known, &query, &walk->gpa)) {
		out->gva_hit = true;
		return true;
	}
	switch (guest_walk_translate(&bed->shadow.paging, set, walk)) {
	case GUEST_WALK_OK:
		return true;
	case GUEST_WALK_FAULT:
		shadow_page_fault(&bed->shadow, walk->addr);
		out->end = BED_FAULT;
		out->error_code = walk->error_code;
		return false;
	case GUEST_WALK_NO_RAM:
		break;
	}
	out->end = BED_NO_RAM;
	out->gpa = walk->gpa;
	return false;
}

static void emulate(struct bed *bed, struct guest_walk *walk,
		    struct bed_outcome *out)
{
	struct memslot_set *set = memslot_read(&bed->slots);
	const struct memslot *slot;

	if (!translate(bed, walk, out)) {
		return;
	}
	out->gpa = walk->gpa;
	out->end = BED_MMIO;
	if (mmio_known_gpa(&bed->known, walk->gpa, memslot_generation(set))) {
		return;
	}
	slot = memslot_find(set, walk->gpa);
	if (slot && (!(walk->access & GUEST_WALK_WRITE) ||
		     !(slot->flags & MEMSLOT_READONLY))) {
		out->end = BED_RAM;
		if (walk->access & GUEST_WALK_WRITE) {
			memslot_mark_dirty(slot, walk->gpa);
		}
	}
}

struct bed_outcome bed_emulate(struct bed *bed, gva_t addr, u32 access)
{
	struct bed_outcome out = { .exits = 0 };
	struct guest_walk walk = { .addr = addr, .access = access };

	emulate(bed, &walk, &out);
	return out;
}

/** The exit of a page fault. @return true: enter the guest again */
static bool handle(struct bed *bed, const struct hardware *hw,
		   struct bed_outcome *out)
{
	struct shadow_fault fault = { .addr = gva(hw->addr),
				      .error_code = hw->error_code,
				      .ac = hw->access & GUEST_WALK_AC };
	struct guest_walk walk = { .addr = fault.addr, .access = hw->access };
	u64 hits = bed->known.count.fault_hits;

	out->end = BED_STOP;
	switch (shadow_fault(&bed->shadow, memslot_read(&bed->slots), &fault)) {
	case SHADOW_FAULT_RESUME:
	case SHADOW_FAULT_RETRY:
		return true;
	case SHADOW_FAULT_EMULATE:
		emulate(bed, &walk, out);
		/* What was touched, if it is MMIO, was said rightly. */
		if (out->end == BED_MMIO && fault.gpa.v != out->gpa.v) {
			bed->broken = "the fault path names what was touched";
		}
		break;
	case SHADOW_FAULT_INJECT:
		out->end = BED_FAULT;
		out->error_code = fault.inject;
		break;
	case SHADOW_FAULT_NO_RAM:
		out->end = BED_NO_RAM;
		out->gpa = fault.gpa;
		break;
	case SHADOW_FAULT_NO_MEMORY:
	case SHADOW_FAULT_ERROR:
		break;
	}
	out->fault_hit = bed->known.count.fault_hits != hits;
	return false;
}

struct bed_outcome bed_access(struct bed *bed, gva_t addr, u32 access)
{
	struct bed_outcome out = { .end = BED_STOP };

	for (; out.exits < MANY_EXITS && !bed->broken; out.exits++) {
		struct hardware hw = { .bed = bed,
				       .addr = addr.v,
				       .access = access };

		if (shadow_load(&bed->shadow, memslot_read(&bed->slots)) < 0) {
			return out;
		}
		if (hw_access(&hw)) {
			out.end = BED_MEMORY;
			out.gpa = gpa((hw.leaf & SHADOW_ADDRESS) - BED_HPA +
				      gva_offset(addr));
			return out;
		}
		if (!handle(bed, &hw, &out)) {
			out.exits++;
			return out;
		}
	}
	return out;
}
