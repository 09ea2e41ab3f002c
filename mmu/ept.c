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

/**
 * Visit a table whose entry 0 stands for address base; at most 4 deep.
 *
 * What lies outside of the range is passed by before it is asked what it is:
 * an entry of the root stands for 512 GiB, and all below it is never touched.
 * A table comes after its entries, so that the visitor may free it.
 *
 * The caller holds the EPT lock: nobody else writes.  The processor may read
 * the tables all the while, so a visitor changes an entry by one store.
 */
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

/* All tables come from here, the root and the lab's: what is counted here is
 * what ept_destroy() has to give back. */
int ept_alloc_table(struct ept *ept, hpa_t *table)
{
	int error = ept->ops->alloc_table(ept->ctx, table);

	if (error < 0) {
		return error;
	}
	ept->counters.tables++;
	return 0;
}

/*
 * MAXPHYADDR is 36 where CPUID does not say, and 52 bits are all that an entry
 * has room for.  A wrong one would do harm late: the bits from there to 51 are
 * reserved, and an entry that has one of them is misconfigured.
 */
int ept_create(struct ept *ept)
{
	if (!ept->ops || ept->phys_bits < 36 || ept->phys_bits > 52) {
		return -EINVAL;
	}
	ept->counters = (struct ept_counters){ .tables = 0 };
	return ept_alloc_table(ept, &ept->root);
}

/** What the leaves map is not ours to free: it belongs to the slots. */
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

/*
 * No INVEPT here: it acts on the processor that executes it, and others may run
 * this VM, too.  What is kept is a number that only grows.  A flag would not
 * do: the first vCPU that obeys would clear it for the others, and a request
 * that comes while one is being obeyed would be lost.
 *
 * A vCPU looks at the number before each entry; one that is in the guest now
 * must be fetched out of it, or it would go on with the old entries for as long
 * as nothing else makes it exit.  That is the kick.
 */
void ept_ask_invalidation(struct ept *ept)
{
	/* Release: a vCPU that sees the request sees the new entries. */
	smp_store_release(&ept->counters.invalidations,
			  ept->counters.invalidations + 1);
	if (ept->ops->kick) {
		ept->ops->kick(ept->ctx);
	}
}

/**
 * Take W from a leaf.  A large one stays large: loads go on as before, and
 * only the first store to it costs a fault, which then maps one 4 KiB page.
 */
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

/*
 * One request for the whole range, and none if nothing was writable: each costs
 * every vCPU of the VM its translations, not only those of the range.
 */
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

/** No invalidation: what is misconfigured no processor caches (SDM 3C
 * 29.4.2). */
static void drop_mmio_entry(struct visit *visit, u64 *entry, int level)
{
	(void)visit;
	(void)level;
	if ((READ_ONCE(*entry) & EPT_MMIO_MASK) == EPT_MMIO_VALUE) {
		WRITE_ONCE(*entry, 0);
	}
}

/*
 * An MMIO SPTE holds 19 bits of the generation, and 2^19 changes later the same
 * bits come again: the entry would be right once more, by accident.
 *
 *	generation  0 1 2 ... 2^19-1 | 0 1 2 ...
 *	                             ^ here all entries of the last lap go
 *
 * Within a lap no number comes twice, so a walk over all tables in 2^19 changes
 * is enough.  It must be done before anybody sees the new generation: the other
 * way round, a vCPU might meet an old entry in between and believe it.
 */
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

/*
 * The same way down that the lab's walk takes.  It is written a second time so
 * that a test of the lab does not ask the lab whether it was right.
 */
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

/*
 * An access needs its right in *every* entry on the way, hence the AND.  The
 * way is gone once for each level: slow and plain, for who is not in a hurry.
 */
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
