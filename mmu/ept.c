/** @file
 * The EPT's housekeeping: tables, invalidation requests, walks over a range.
 *
 * Three jobs need all entries of a range and not the one that an access ran
 * into: to take write permission from a slot whose dirty pages are logged, to
 * drop the MMIO SPTEs when their generation bits come round, and to free
 * everything at the end.  They share one visitor, which goes down the tables
 * and shows each entry that is no table.
 *
 * In the path of an access: nothing here is; ept_fault.h is.
 */
#include "mmu/ept.h"

#define EPT_END BIT(EPT_GPA_BITS)

/** A walk over all entries that meet the addresses first to end - 1. */
struct visit {
	struct ept *ept;
	u64 first;
	u64 end;
	/** Shown each leaf, MMIO SPTE and empty entry. */
	void (*entry)(struct visit *visit, u64 *entry, int level);
	/** Shown each table after all that it holds; may be NULL. */
	void (*table)(struct visit *visit, hpa_t table);
	bool changed; /* for the two above to use */
};

/** Visit a table whose entry 0 stands for address base; at most 4 deep. */
static void visit_table(struct visit *visit, hpa_t table, int level, u64 base)
{
	u64 *entries = ept_table(visit->ept, table);
	unsigned int phys_bits = visit->ept->phys_bits;
	u64 size = ept_level_size(level);

	for (int i = 0; i < EPT_ENTRIES; i++, base += size) {
		u64 value = READ_ONCE(entries[i]);

		if (base >= visit->end || base + size <= visit->first) {
			continue;
		}
		if (ept_entry_table(value, level, phys_bits)) {
			visit_table(visit, ept_entry_hpa(value), level - 1,
				    base);
		} else {
			visit->entry(visit, &entries[i], level);
		}
	}
	if (visit->table) {
		visit->table(visit, table);
	}
}

static void visit_root(struct visit *visit)
{
	visit_table(visit, visit->ept->root, EPT_PML4E, 0);
}

int ept_alloc_table(struct ept *ept, hpa_t *table)
{
	int error = ept->ops->alloc_table(ept->ctx, table);

	if (error < 0) {
		return error;
	}
	ept->counters.tables++;
	return 0;
}

int ept_create(struct ept *ept)
{
	if (!ept->ops || ept->phys_bits < 36 || ept->phys_bits > 52) {
		return -EINVAL;
	}
	ept->counters = (struct ept_counters){ .tables = 0 };
	return ept_alloc_table(ept, &ept->root);
}

static void ignore_entry(struct visit *visit, u64 *entry, int level)
{
	(void)visit;
	(void)entry;
	(void)level;
}

static void free_table(struct visit *visit, hpa_t table)
{
	visit->ept->ops->free_table(visit->ept->ctx, table);
	visit->ept->counters.tables--;
}

void ept_destroy(struct ept *ept)
{
	struct visit visit = {
		.ept = ept,
		.end = EPT_END,
		.entry = ignore_entry,
		.table = free_table,
	};

	visit_root(&visit);
}

void ept_ask_invalidation(struct ept *ept)
{
	/* Release: a vCPU that sees the request sees the new entries. */
	smp_store_release(&ept->counters.invalidations,
			  ept->counters.invalidations + 1);
	if (ept->ops->kick) {
		ept->ops->kick(ept->ctx);
	}
}

static void protect_entry(struct visit *visit, u64 *entry, int level)
{
	u64 value = READ_ONCE(*entry);

	(void)level;
	/* MMIO SPTEs have the W bit, too: it means nothing in them. */
	if (ept_entry_present(value) && (value & EPT_WRITE)) {
		WRITE_ONCE(*entry, value & ~EPT_WRITE);
		visit->changed = true;
	}
}

void ept_write_protect(struct ept *ept, gpa_t base, u64 pages)
{
	struct visit visit = {
		.ept = ept,
		.first = base.v,
		.end = base.v + (pages << PAGE_SHIFT),
		.entry = protect_entry,
	};

	visit_root(&visit);
	if (visit.changed) {
		ept_ask_invalidation(ept);
	}
}

static void drop_mmio_entry(struct visit *visit, u64 *entry, int level)
{
	(void)visit;
	(void)level;
	if ((READ_ONCE(*entry) & EPT_MMIO_MASK) == EPT_MMIO_VALUE) {
		WRITE_ONCE(*entry, 0);
	}
}

void ept_new_generation(struct ept *ept, u64 generation)
{
	struct visit visit = {
		.ept = ept,
		.end = EPT_END,
		.entry = drop_mmio_entry,
	};

	if ((generation & EPT_MMIO_GEN_MASK) == 0) {
		visit_root(&visit);
	}
}

u64 *ept_find_entry(const struct ept *ept, gpa_t addr, int *level)
{
	hpa_t table = ept->root;
	int at = EPT_PML4E;

	for (;; at--) {
		u64 *entry = &ept_table(ept, table)[ept_index(addr, at)];
		u64 value = READ_ONCE(*entry);

		if (at == *level ||
		    !ept_entry_table(value, at, ept->phys_bits)) {
			*level = at;
			return entry;
		}
		table = ept_entry_hpa(value);
	}
}

u64 ept_find_rights(const struct ept *ept, gpa_t addr)
{
	u64 rights = EPT_RWX;
	u64 entry = 0;

	for (int level = EPT_PML4E; level >= EPT_PTE; level--) {
		int at = level;

		/* Below a large leaf this finds the leaf again: no harm. */
		entry = READ_ONCE(*ept_find_entry(ept, addr, &at));
		rights &= entry;
	}
	return ept_entry_present(entry) ? rights : 0;
}
