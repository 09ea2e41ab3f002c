/** @file
 * The tables of one root, and the list of its leaves.
 *
 * As with the EPT, the processor reads these tables at any moment, and an entry
 * is written once and whole, after all that it points to; where something is
 * taken away, an invalidation is asked for.  An MMIO SPTE is in nobody's TLB,
 * nor is an entry that is not present (SDM 3A 4.10.2.3): replacing one asks for
 * nothing.
 */
#include "mmu/shadow_table.h"

#define LIST_NOTES 510
#define NOTE_LARGE BIT(0) /* level 2; the address is page aligned */

/** A page of a root's list. */
struct list_page {
	u64 next; /* host physical address; 0: the last */
	u64 count;
	u64 notes[LIST_NOTES];
};

_Static_assert(sizeof(struct list_page) == PAGE_SIZE, "one page");

static struct list_page *list_at(const struct shadow *shadow, hpa_t page)
{
	return (void *)shadow_table_at(shadow, page);
}

/**
 * A page for a table or for the list, which count alike.  There is a limit
 * because it is the guest who decides how many tables it needs: it could take
 * all our memory by touching one page in each 2 MiB.
 */
static int alloc_page(struct shadow *shadow, hpa_t *page)
{
	if (shadow->table_limit &&
	    shadow->counters.tables >= shadow->table_limit) {
		return -ENOMEM;
	}
	if (shadow->ops->alloc_table(shadow->ctx, page) < 0) {
		return -ENOMEM;
	}
	shadow->counters.tables++;
	return 0;
}

static void free_page(struct shadow *shadow, hpa_t page)
{
	shadow->ops->free_table(shadow->ctx, page);
	shadow->counters.tables--;
}

/* Life --------------------------------------------------------------------- */

int shadow_table_create(struct shadow *shadow, struct shadow_root *root)
{
	if (alloc_page(shadow, &root->table) < 0) {
		root->table = hpa(0);
		return -ENOMEM;
	}
	root->list = hpa(0);
	root->level = root->key.mode == GUEST_WALK_4_LEVEL ? SHADOW_PML4E :
							     SHADOW_PDPTE;
	root->largest = PAGE_SHIFT;
	root->stale = false;
	return 0;
}

/**
 * Free a table and those below; at most 4 deep.  What the leaves map is the
 * guest's memory and stays.
 */
static void free_tables(struct shadow *shadow, hpa_t table, int level)
{
	const u64 *entries = shadow_table_at(shadow, table);

	for (int i = 0; level > SHADOW_PTE && i < SHADOW_ENTRIES; i++) {
		if (shadow_entry_table(entries[i], level)) {
			free_tables(shadow, shadow_entry_hpa(entries[i]),
				    level - 1);
		}
	}
	free_page(shadow, table);
}

/*
 * A processor keeps entries of upper levels, too, and could go on from one of
 * them into a page that is somebody else's by now (SDM 3A 4.10.3).  So this
 * asks for an invalidation even where no leaf was.
 */
void shadow_table_destroy(struct shadow *shadow, struct shadow_root *root)
{
	hpa_t page = root->list;

	if (!root->table.v) {
		return;
	}
	while (page.v) {
		hpa_t next = hpa(list_at(shadow, page)->next);

		free_page(shadow, page);
		page = next;
	}
	free_tables(shadow, root->table, root->level);
	root->table = hpa(0);
	shadow_ask_invalidation(shadow);
}

/* One entry ---------------------------------------------------------------- */

/*
 * Each entry is read once, and what is decided is decided on that copy.  The
 * processor writes here as well: it sets accessed bits.
 */
u64 *shadow_table_find(const struct shadow *shadow,
		       const struct shadow_root *root, gva_t addr, int *level)
{
	hpa_t table = root->table;
	int at = root->level;

	for (;; at--) {
		u64 *entry = shadow_table_at(shadow, table);
		u64 value;

		entry += shadow_index(addr, at);
		value = READ_ONCE(*entry);
		if (at == *level || !shadow_entry_table(value, at)) {
			*level = at;
			return entry;
		}
		table = shadow_entry_hpa(value);
	}
}

/**
 * Whether a processor that knows the old entry may go on using it: nothing but
 * a right was added.  U/S is no such right, it forbids as well (SMEP, SMAP).
 *
 * With the old entry in its TLB the processor faults where it need not.  That
 * fault drops the translation (SDM 3A 4.10.4.1), and the next try succeeds.
 * Accessed and dirty bits are not looked at: a sync clears the first in many
 * leaves, and asks once for all of them.
 */
static bool only_adds(u64 old, u64 new)
{
	u64 fixed = SHADOW_ADDRESS | SHADOW_LARGE | SHADOW_MMU_PRESENT |
		    SHADOW_USER;

	return !((old ^ new) & fixed) && !(old & ~new & SHADOW_WRITE) &&
	       !(new & ~old & SHADOW_NX);
}

void shadow_table_set(struct shadow *shadow, u64 *entry, u64 new)
{
	u64 old = READ_ONCE(*entry);

	/* What the entry points to was written before, and is seen before. */
	smp_wmb();
	WRITE_ONCE(*entry, new);
	if (shadow_entry_present(old) && !only_adds(old, new)) {
		shadow_ask_invalidation(shadow);
	}
}

/**
 * Make an entry above the wanted level point to a table, if it does not.
 *
 * A large leaf that stands here is not split into 512 small ones, as the EPT's
 * are: the table begins empty.  Its pages come back by faults, those that are
 * still used.
 */
static int open_table(struct shadow *shadow, const struct shadow_root *root,
		      u64 *entry, int level)
{
	u64 value = READ_ONCE(*entry);
	hpa_t table;

	if (shadow_entry_table(value, level)) {
		return 0;
	}
	if (alloc_page(shadow, &table) < 0) {
		return -ENOMEM;
	}
	/* A large leaf, if one was here, is gone: a TLB may forget. */
	shadow_table_set(shadow, entry,
			 shadow_make_table(table, level, root->level));
	return 0;
}

/**
 * Write a place on the list.  Only the first page of the list is written to; a
 * full one gets a new one before it.  Places are in no order.
 */
static int list_add(struct shadow *shadow, struct shadow_root *root, u64 note)
{
	struct list_page *list;
	hpa_t page = root->list;

	if (!page.v || list_at(shadow, page)->count == LIST_NOTES) {
		if (alloc_page(shadow, &page) < 0) {
			return -ENOMEM;
		}
		list_at(shadow, page)->next = root->list.v;
		root->list = page;
	}
	list = list_at(shadow, page);
	list->notes[list->count++] = note;
	return 0;
}

/*
 * A large leaf in the place of a table would leave that table, and the places
 * on the list that lie in it, without a way to them.
 */
bool shadow_table_fits(const struct shadow *shadow,
		       const struct shadow_root *root, gva_t addr)
{
	int level = SHADOW_PDE;
	u64 *entry = shadow_table_find(shadow, root, addr, &level);

	return level > SHADOW_PDE || !shadow_entry_table(*entry, level);
}

/*
 * The place is listed before there is anything in it.  The other way round a
 * lack of memory could leave a leaf that no sync and no zap would ever see:
 * the guest would keep memory that was taken from it.  An entry that is not 0
 * is listed already, be it SHADOW_EMPTY.
 */
int shadow_table_put(struct shadow *shadow, struct shadow_root *root,
		     const struct shadow_leaf *leaf)
{
	u64 note = leaf->addr.v | (leaf->level == SHADOW_PDE ? NOTE_LARGE : 0);
	hpa_t table = root->table;
	u64 *entry;

	for (int at = root->level;; at--) {
		entry = shadow_table_at(shadow, table);
		entry += shadow_index(leaf->addr, at);
		if (at == leaf->level) {
			break;
		}
		if (open_table(shadow, root, entry, at) < 0) {
			return -ENOMEM;
		}
		table = shadow_entry_hpa(*entry);
	}
	if (*entry == 0 && list_add(shadow, root, note) < 0) {
		return -ENOMEM;
	}
	shadow_table_set(shadow, entry, leaf->value);
	shadow_table_note(shadow, root, leaf->addr, leaf->shift);
	return 0;
}

/* All entries -------------------------------------------------------------- */

/**
 * Look at one place of the list.
 *
 *	found                   the visitor says  left behind   listed
 *	a table                 (is not asked)    the table     no
 *	SHADOW_EMPTY            (is not asked)    0             no
 *	a leaf or MMIO SPTE     keep              it, changed   yes
 *	a leaf or MMIO SPTE     drop              0             no
 * @return false if nothing is there any more
 */
static bool visit_place(struct shadow_visit *visit, u64 note)
{
	struct shadow_leaf leaf = {
		.addr = gva(note & PAGE_MASK),
		.level = note & NOTE_LARGE ? SHADOW_PDE : SHADOW_PTE,
	};
	int level = leaf.level;
	u64 *entry = shadow_table_find(visit->shadow, visit->root, leaf.addr,
				       &level);
	u64 before = READ_ONCE(*entry);

	if (shadow_entry_table(before, level)) {
		return false; /* a large leaf was; its table keeps the place */
	}
	leaf.value = before;
	if (before != SHADOW_EMPTY && visit->keep(visit, &leaf)) {
		/* Its changes only: a large leaf may have got a note of
		 * shadow_table_note() meanwhile. */
		u64 changed = leaf.value ^ before;

		if (changed) {
			shadow_table_set(visit->shadow, entry,
					 READ_ONCE(*entry) ^ changed);
		}
		return true;
	}
	shadow_table_set(visit->shadow, entry, 0);
	return false;
}

/*
 * The notes that stay are moved together to the front of their page, while the
 * others are still being looked at.  An empty page is given back, unless it is
 * the first: the next leaf would want one at once.
 */
void shadow_table_visit(struct shadow_visit *visit)
{
	struct shadow *shadow = visit->shadow;
	hpa_t page = visit->root->list;
	u64 *link = NULL; /* what leads to page; NULL: the root does */

	while (page.v) {
		struct list_page *list = list_at(shadow, page);
		hpa_t next = hpa(list->next);
		u64 kept = 0;

		for (u64 i = 0; i < list->count; i++) {
			if (visit_place(visit, list->notes[i])) {
				list->notes[kept++] = list->notes[i];
			}
		}
		list->count = kept;
		if (kept == 0 && link) {
			*link = next.v;
			free_page(shadow, page);
		} else {
			link = &list->next;
		}
		page = next;
	}
}
